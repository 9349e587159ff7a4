"""``config`` and ``rotate-root`` of LDAP mounts."""

from __future__ import annotations

from dataclasses import replace

from mockkms.vault.directories.settings import check, check_complete
from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, Operation, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.directories.ldap.model import (
    SCHEMAS,
    LdapSecrets,
    LdapSecretsConfig,
    configured,
    engine,
    set_password,
)
from mockkms.vault.secrets.issuing import Setting
from mockkms.world.clock import rfc3339


def _shown(config: LdapSecretsConfig, product: Product) -> dict[str, object]:
    shown = config.shown(product)
    if config.length <= 0:
        shown.pop("length", None)
    if product.has(Feature.LDAP_ROTATION):
        shown |= config.shown_rotation(product)
    return shown


config: Setting[LdapSecrets, LdapSecretsConfig] = Setting(
    engine, "config", LdapSecretsConfig, "config", help="The directory, and the passwords that are generated.",
    extra=automated_rotation.fields(Feature.LDAP_ROTATION), existence=True, supplies=(Operation.DELETE,),
    go_errors=True,
)  # fmt: skip
rotate_root = engine.path("rotate-root", help="A new password for binddn.", go_errors=True)


@config.endpoint.on(Operation.READ)
def read(state: LdapSecrets, call: Call) -> dict[str, object] | None:
    """Return the settings without passwords."""
    if state.config is None:
        return None
    shown = _shown(state.config, call.core.product)
    if state.bindpass_rotated:
        shown["last_bind_password_rotation"] = rfc3339(state.bindpass_rotated)
    return shown


@config.write
def write(state: LdapSecrets, call: Call, found: LdapSecretsConfig) -> None:
    """Create or change the settings. Raises ErrorResponse and BackendError."""
    found.update_from(call)
    found.url = found.url.lower()
    found.length = call["length"]
    with refusing(error=BackendError):
        check(found)
        check_complete(found)
    if not found.schema:
        raise BackendError("schema is required")
    if found.schema not in SCHEMAS:
        known = " ".join(SCHEMAS)
        raise BackendError(f"the configured schema {found.schema} is not valid. Supported schemas: [{known}]")
    if state.config is None and "userattr" not in call:
        found.userattr = SCHEMAS[found.schema]
    if found.password_policy and "length" in call:
        raise BackendError("cannot set both 'password_policy' and 'length'")
    if call.core.product.has(Feature.LDAP_FOLDERS):
        found.credential_type = call["credential_type"]
        if found.credential_type not in ("password", "phrase"):
            raise BackendError(f"invalid credential_type {quote(found.credential_type)}")
    with refusing():
        found.parse_rotation(call)
        found.register_rotation()


@rotate_root.on(Operation.UPDATE)
def rotate(state: LdapSecrets, call: Call) -> None:
    """Change the password of ``binddn`` in the directory and in the settings. Raises BackendError."""
    found = configured(state)
    password = set_password(state, call, dn=found.binddn)
    state.previous_bindpass, state.bindpass_rotated = found.bindpass, call.now()
    state.config = replace(found, bindpass=password)
