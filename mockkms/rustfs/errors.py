"""Exceptions of the admin API: error responses, and failures of the KMS service."""

from __future__ import annotations

from enum import Enum

from mockkms.rustfs.message import AdminReply, xml_error


class AdminError(Exception):
    """An error response. Raised wherever a request is refused; ``RustfsAdmin`` sends its ``reply``."""

    def __init__(self, reply: AdminReply, message: str) -> None:
        super().__init__(message)
        self.reply = reply


def s3_error(status: int, code: str, message: str) -> AdminError:
    """Return an error in the format of the S3 API: XML with code and message."""
    return AdminError(xml_error(status, code, message), message)


class KmsFailure(Enum):
    """The kinds of failure of the service: HTTP status, code in the S3 format, and beginning of the message."""

    KEY_NOT_FOUND = (404, "KMS.NotFoundException", "Key not found: ")
    KEY_EXISTS = (409, "KMS.AlreadyExistsException", "Key already exists: ")
    STILL_REFERENCED = (409, "KMS.AlreadyExistsException", "")
    """The configuration refers to the key, which must not be deleted at once."""
    INVALID_OPERATION = (400, "InvalidRequest", "Invalid operation: ")
    """The state of the key, or a parameter, does not allow the operation."""
    VALIDATION = (400, "InvalidRequest", "Validation error: ")
    """The name of a new key is empty."""
    INVALID_KEY = (400, "InvalidRequest", "Invalid key: ")
    """The id of a key cannot be the name of a file."""
    CONFIGURATION = (500, "InternalError", "Configuration error: ")
    BACKEND = (500, "InternalError", "Backend error: ")
    UNSUPPORTED = (501, "NotImplemented", "")


class KmsError(Exception):
    """A failure of the service; each contract sends it in its own format."""

    def __init__(self, kind: KmsFailure, message: str, *, vault_status: int = 0, vault_text: str = "") -> None:
        self.kind = kind
        self.status, self.code, prefix = kind.value
        self.text = prefix + message
        self.vault_status = vault_status
        """HTTP status of the Vault's response; 0 if it was not asked."""
        self.vault_text = vault_text or message
        """The Vault's error messages, or the message without its prefix if it was not asked."""
        super().__init__(self.text)


def unsupported(operation: str, backend: str) -> KmsError:
    """Return the failure for an operation that the backend does not support."""
    return KmsError(KmsFailure.UNSUPPORTED, f"Operation '{operation}' is not supported by KMS backend '{backend}'")
