"""The errors of the documented contract: ``{"code", "message", "description"}``."""

from __future__ import annotations

from mockkms.rustfs.errors import AdminError
from mockkms.rustfs.message import json_reply


def guide_error(status: int, code: str, message: str, description: str) -> AdminError:
    """Return an error response."""
    body = {"code": code, "message": message, "description": description}
    return AdminError(json_reply(status, body), message)


def not_configured() -> AdminError:
    """Return the error for a service without a configuration."""
    return guide_error(503, "KMSNotConfigured", "KMS is not configured", "Key Management Service is not available")


def missing_key_name() -> AdminError:
    """Return the error for a request without ``keyName``."""
    return guide_error(400, "MissingParameter", "Key name is required", "keyName parameter must be provided")


def access_denied() -> AdminError:
    """Return the error for a refused credential, of the administrator or of the Vault behind the service."""
    return guide_error(403, "AccessDenied", "Access denied", "Check admin credentials and IAM permissions")


def invalid_request(message: str, error: str) -> AdminError:
    """Return the error for an invalid body of ``/configure``."""
    return guide_error(400, "InvalidRequest", message, f"Error: {error}")


def internal_error(message: str) -> AdminError:
    """Return the error for an operation that the service does not support."""
    return guide_error(400, "InternalError", message, "Internal KMS error occurred")


def invalid_configuration(message: str, description: str) -> AdminError:
    """Return the error for a configuration that cannot be used."""
    return guide_error(400, "InvalidConfiguration", message, description)
