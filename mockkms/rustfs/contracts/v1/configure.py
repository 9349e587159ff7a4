"""``POST /configure`` of the documented contract."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

from mockkms.rustfs.address import scheme, url_fault
from mockkms.rustfs.contracts.v1.errors import guide_error, invalid_configuration, invalid_request
from mockkms.rustfs.errors import AdminError, KmsError, KmsFailure
from mockkms.rustfs.keystore import KeyStore
from mockkms.rustfs.state import KmsSettings
from mockkms.rustfs.typed import option, read_body, string, struct, unsigned
from mockkms.rustfs.vault_client import VaultClient

if TYPE_CHECKING:
    from mockkms.rustfs.context import AdminContext

_OptionalText = Annotated[str | None, option(string)]


@dataclass(frozen=True)
class ConfigureBody:
    """The body of the route."""

    kms_type: Annotated[str, string]
    vault_address: _OptionalText = None
    vault_token: _OptionalText = None
    vault_namespace: _OptionalText = None
    vault_mount_path: _OptionalText = None
    vault_timeout_seconds: Annotated[int | None, option(unsigned(64))] = None
    vault_app_role_id: _OptionalText = None
    vault_app_role_secret_id: _OptionalText = None


BODY = struct("ConfigureKmsRequest", ConfigureBody, closed=False)
AUTHENTICATION = (
    "Either vault_token or both vault_app_role_id and vault_app_role_secret_id must be provided",
    "Vault authentication method not specified",
)


def configure(admin: AdminContext, body: bytes) -> dict[str, object]:
    """Connect to the backend that ``body`` describes and use it from now on; return the route's response."""
    data = read_body(body, BODY, partial(invalid_request, "Invalid JSON format"))
    if data.kms_type not in ("vault", "local"):
        raise guide_error(
            400, "UnsupportedKmsType", f"Unsupported KMS type: {data.kms_type}", "Supported types: vault, local"
        )
    settings = vault_settings(data) if data.kms_type == "vault" else KmsSettings("Local")
    client_token = connect(admin, settings) if data.kms_type == "vault" else ""
    admin.state.contract, admin.state.persisted, admin.state.error = "v1", settings, ""
    admin.install(settings, client_token)
    return {"success": True, "message": "KMS configured successfully", "kms_type": data.kms_type}


def vault_settings(data: ConfigureBody) -> KmsSettings:
    """Return the settings for a Vault, checked in the server's order. Raises AdminError."""
    address = data.vault_address
    if address is None:
        raise invalid_configuration("vault_address is required for Vault KMS", "Missing vault_address field")
    role, secret, token = data.vault_app_role_id, data.vault_app_role_secret_id, data.vault_token
    by_role = bool(role) and bool(secret)
    if not by_role and not token:
        raise invalid_configuration(*AUTHENTICATION)
    fault = url_fault(address)
    if fault is not None:
        raise invalid_configuration("Invalid vault address format", f"Error parsing URL: {fault}")
    mount = data.vault_mount_path
    if scheme(address) not in ("http", "https"):
        raise refused("Vault address must use http or https scheme")
    if mount is not None and not mount.strip("/"):
        raise refused("Vault mount path cannot be empty")
    if data.vault_timeout_seconds == 0:
        raise refused("Timeout must be greater than 0")
    for name, value in vars(data).items():
        if isinstance(value, str) and name != "vault_address" and not value.isprintable():
            raise refused(f"{name} cannot be sent as a header")
    return KmsSettings(
        "VaultTransit",
        address=address,
        auth_method="approle" if by_role else "token",
        token="" if by_role else token or "",
        role_id=role or "" if by_role else "",
        secret_id=secret or "" if by_role else "",
        namespace=data.vault_namespace,
        mount_path=mount or "transit",
        timeout_seconds=data.vault_timeout_seconds or 30,
    )


def refused(text: str) -> AdminError:
    """Return the error for settings that no service can be created with."""
    return invalid_configuration("Failed to create KMS manager", f"Error: Configuration error: {text}")


def connect(admin: AdminContext, settings: KmsSettings) -> str:
    """Connect to the Vault as the server does at its start; return the token for it. Raises AdminError."""
    client = VaultClient(admin.core, settings.namespace, settings.token)
    try:
        if not admin.reachable(settings):
            raise KmsError(KmsFailure.BACKEND, "An error occurred with the request")
        if not admin.embedded(settings):
            return settings.token
        if client.is_sealed():
            raise KmsError(KmsFailure.BACKEND, "Vault is sealed")
        if settings.auth_method == "approle":
            client.login(settings.auth_mount, settings.role_id, settings.secret_id)
        KeyStore(admin, settings, client).names()
    except KmsError as error:
        message = "Failed to connect to Vault" if admin.guide_texts else "Failed to create KMS manager"
        raise invalid_configuration(message, f"Error: {error.vault_text}") from None
    return client.token
