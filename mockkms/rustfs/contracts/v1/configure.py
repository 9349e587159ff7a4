"""``POST /configure`` of the documented contract: read, check, connect, and replace what was in force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockkms.rustfs.address import scheme, url_fault
from mockkms.rustfs.contracts.v1.errors import V1Error, invalid_configuration, invalid_request
from mockkms.rustfs.serde import SerdeError
from mockkms.rustfs.state import KmsSettings
from mockkms.rustfs.store import StoreError, TransitStore, VaultClient
from mockkms.rustfs.typed import REQUIRED, option, read_body, string, struct, unsigned

if TYPE_CHECKING:
    from mockkms.rustfs.context import AdminContext

_TEXT = (option(string), None)

BODY = struct(
    "ConfigureKmsRequest",
    {
        "kms_type": (string, REQUIRED),
        "vault_address": _TEXT,
        "vault_token": _TEXT,
        "vault_namespace": _TEXT,
        "vault_mount_path": _TEXT,
        "vault_timeout_seconds": (option(unsigned(64)), None),
        "vault_app_role_id": _TEXT,
        "vault_app_role_secret_id": _TEXT,
    },
    closed=False,
)

AUTHENTICATION = (
    "Either vault_token or both vault_app_role_id and vault_app_role_secret_id must be provided",
    "Vault authentication method not specified",
)


def configure(admin: AdminContext, body: bytes) -> dict[str, Any]:
    """Put the configuration in ``body`` in force; the answer of the route."""
    try:
        data = read_body(body, BODY)
    except SerdeError as error:
        raise invalid_request("Invalid JSON format", error.located(body)) from None
    kms_type = data["kms_type"]
    if kms_type not in ("vault", "local"):
        raise V1Error(400, "UnsupportedKmsType", f"Unsupported KMS type: {kms_type}", "Supported types: vault, local")
    settings = vault_settings(data) if kms_type == "vault" else KmsSettings("Local")
    client_token = ""
    if kms_type == "vault":
        client_token = connect(admin, settings)
    admin.state.contract, admin.state.persisted, admin.state.error = "v1", settings, ""
    admin.install(settings, client_token)
    return {"success": True, "message": "KMS configured successfully", "kms_type": kms_type}


def vault_settings(data: dict[str, Any]) -> KmsSettings:
    """The checked settings of a Vault, or the refusal, in the server's order of checks."""
    address = data["vault_address"]
    if address is None:
        raise invalid_configuration("vault_address is required for Vault KMS", "Missing vault_address field")
    role, secret, token = data["vault_app_role_id"], data["vault_app_role_secret_id"], data["vault_token"]
    by_role = bool(role) and bool(secret)
    if not by_role and not token:
        raise invalid_configuration(*AUTHENTICATION)
    fault = url_fault(address)
    if fault is not None:
        raise invalid_configuration("Invalid vault address format", f"Error parsing URL: {fault}")
    mount = data["vault_mount_path"]
    timeout = data["vault_timeout_seconds"]
    if scheme(address) not in ("http", "https"):
        raise refused("Vault address must use http or https scheme")
    if mount is not None and not mount.strip("/"):
        raise refused("Vault mount path cannot be empty")
    if timeout == 0:
        raise refused("Timeout must be greater than 0")
    for name, value in data.items():
        if isinstance(value, str) and name != "vault_address" and not value.isprintable():
            raise refused(f"{name} cannot be sent as a header")
    return KmsSettings(
        "VaultTransit",
        address=address,
        auth_method="approle" if by_role else "token",
        token="" if by_role else token,
        role_id=role if by_role else "",
        secret_id=secret if by_role else "",
        namespace=data["vault_namespace"],
        mount_path=mount or "transit",
        timeout_seconds=timeout or 30,
    )


def refused(text: str) -> V1Error:
    """The settings were read, and no service can be made of them."""
    return invalid_configuration("Failed to create KMS manager", f"Error: Configuration error: {text}")


def connect(admin: AdminContext, settings: KmsSettings) -> str:
    """Log in at the Vault and ask what the server asks at its start, where it is emulated; the token to work with."""
    client = VaultClient(admin.core, settings.namespace, settings.token)
    try:
        if not admin.reachable(settings):
            raise StoreError("An error occurred with the request")
        if not admin.embedded(settings):
            return settings.token
        if client.sealed():
            raise StoreError("Vault is sealed")
        if settings.auth_method == "approle":
            client.token = client.login(settings.auth_mount, settings.role_id, settings.secret_id)
        store = TransitStore(admin.state, settings, admin.core)
        store.client = client
        store.check()
    except StoreError as error:
        message = "Failed to connect to Vault" if admin.contract_words else "Failed to create KMS manager"
        raise invalid_configuration(message, f"Error: {error.text}") from None
    return client.token
