"""``config``: the directory, and how users and groups are found there."""

from __future__ import annotations

from mockkms.vault.auth.ldap.model import Ldap, LdapConfig, engine
from mockkms.vault.directories.settings import check
from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, Operation, Response, refusing
from mockkms.vault.products.features import Feature

_COLLIDES = "userfilter configured does not consider userattr and may result in colliding entity aliases on logins"

config = engine.path(
    "config",
    lambda: {**LdapConfig.fields(), **automated_rotation.fields(Feature.LDAP_ROTATION)},
    help="The directory, and how users and groups are found there.",
    go_errors=True,
)


@config.on(Operation.READ)
def read(state: Ldap, call: Call) -> Response:
    """Return the configuration without passwords and client certificate; before the first write, the defaults."""
    found, product = state.config, call.core.product
    shown = found.shown(product)
    if product.has(Feature.LDAP_ROTATION):
        shown |= found.shown_rotation(product)
    return Response(data=shown, warnings=_warnings(found))


@config.on(Operation.UPDATE)
def write(state: Ldap, call: Call) -> Response | None:
    """Change the configuration. Raises ErrorResponse, and BackendError for invalid settings of rotation."""
    made = state.config.copy()
    made.update_own(call)
    made.url, made.userattr = made.url.lower(), made.userattr.lower()
    made.schema = made.schema.strip().lower() or "openldap"
    with refusing():
        check(made)
        made.parse(call)
    with refusing(error=BackendError):
        made.parse_rotation(call)
    with refusing():
        made.register_rotation()
    state.config = made
    warnings = _warnings(made)
    return Response(warnings=warnings) if warnings else None


def _warnings(config: LdapConfig) -> list[str]:
    named = ("{{.UserAttr}}" in config.userfilter) or (config.userattr in config.userfilter)
    return [_COLLIDES] if config.userfilter and not named else []
