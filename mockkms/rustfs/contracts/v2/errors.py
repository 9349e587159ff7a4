"""Failures of the current contract, by kind; each route puts them into its own style."""

from __future__ import annotations


class KmsError(Exception):
    """A failure of the service, with the sentence the server makes of it."""

    status = 500
    code = "InternalError"
    prefix = ""

    def __init__(self, message: str) -> None:
        self.text = f"{self.prefix}{message}"
        super().__init__(self.text)


class KeyNotFound(KmsError):
    """No such key."""

    status, code, prefix = 404, "KMS.NotFoundException", "Key not found: "


class KeyExists(KmsError):
    """The name is taken."""

    status, code, prefix = 409, "KMS.AlreadyExistsException", "Key already exists: "


class InvalidOperation(KmsError):
    """The key's state, or a parameter, forbids it."""

    status, code, prefix = 400, "InvalidRequest", "Invalid operation: "


class ValidationFailed(KmsError):
    """A name that is no name."""

    status, code, prefix = 400, "InvalidRequest", "Validation error: "


class InvalidKey(KmsError):
    """A key id that could not be a file name."""

    status, code, prefix = 400, "InvalidRequest", "Invalid key: "


class ConfigurationError(KmsError):
    """Settings that cannot work."""

    prefix = "Configuration error: "


class BackendError(KmsError):
    """The backend failed."""

    prefix = "Backend error: "


class Unsupported(KmsError):
    """The backend has no such operation."""

    status, code = 501, "NotImplemented"

    def __init__(self, operation: str, backend: str) -> None:
        super().__init__(f"Operation '{operation}' is not supported by KMS backend '{backend}'")


class XmlFault(Exception):
    """An answer in the S3 error style."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


def xml_fault(prefix: str, error: KmsError) -> XmlFault:
    """A failure as the older routes raise it."""
    return XmlFault(error.status, error.code, f"{prefix}: {error.text}")


def not_initialized(text: str = "KMS service not initialized") -> XmlFault:
    """The service does not run, in the older routes' style."""
    return XmlFault(500, "InternalError", text)


def missing_key_id() -> str:
    """The sentence for a request that names no key."""
    return "missing required parameter: 'keyId'"
