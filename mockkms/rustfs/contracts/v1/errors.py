"""The JSON error of the documented contract: ``{"code", "message", "description"}``."""

from __future__ import annotations


class V1Error(Exception):
    """A refusal, with the HTTP status it is sent with."""

    def __init__(self, status: int, code: str, message: str, description: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.description = status, code, message, description

    def body(self) -> dict[str, str]:
        """The error as it is sent."""
        return {"code": self.code, "message": self.message, "description": self.description}


def not_configured() -> V1Error:
    """No configuration is in force."""
    return V1Error(503, "KMSNotConfigured", "KMS is not configured", "Key Management Service is not available")


def missing_key_name() -> V1Error:
    """The route needs ``keyName``."""
    return V1Error(400, "MissingParameter", "Key name is required", "keyName parameter must be provided")


def access_denied() -> V1Error:
    """A credential was refused: the administrator's, or that of the Vault behind the service."""
    return V1Error(403, "AccessDenied", "Access denied", "Check admin credentials and IAM permissions")


def invalid_request(message: str, error: str) -> V1Error:
    """The body of ``/configure`` is not what it must be."""
    return V1Error(400, "InvalidRequest", message, f"Error: {error}")


def internal_error(message: str) -> V1Error:
    """What the service itself cannot do."""
    return V1Error(400, "InternalError", message, "Internal KMS error occurred")


def invalid_configuration(message: str, description: str) -> V1Error:
    """The body was read, and what it asks for is impossible."""
    return V1Error(400, "InvalidConfiguration", message, description)
