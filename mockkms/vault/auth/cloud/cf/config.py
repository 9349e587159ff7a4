"""``config`` and ``roles/{role}``: authorities of instance certificates, and which instances may log in."""

from __future__ import annotations

from mockkms.vault.auth.cloud.cf import api
from mockkms.vault.auth.cloud.cf.model import CfAuth, CfConfig, CfRole, engine
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.duration import SECOND

_OLD = ("api_trusted_certificates", "api_addr", "username", "password")
"""Parameters that may begin with ``pcf_`` instead of ``cf_``."""


config = engine.path(
    "config",
    lambda: {
        **CfConfig.fields(),
        **{
            f"pcf_{name}": Field(
                CfConfig.fields()[f"cf_{name}"].kind, deprecated=True, help=f"The former name of cf_{name}."
            )
            for name in _OLD
        },
    },
    help="How instances are verified.",
)
roles = Collection[CfAuth, CfRole](
    engine,
    "roles/{role}",
    CfRole,
    lambda state: state.roles,
    name=Field(Kind.STRING, help="Name of the role, in any case."),
    lower=True,
    paged=False,
    empty_list=True,
    help="Which instances may log in, and the parameters of the tokens.",
    list_help="The names of all roles.",
)


@config.on(Operation.READ)
def read(state: CfAuth, call: Call) -> Reply:
    """Return the settings without passwords and keys."""
    found = state.config
    if found is None:
        return None
    return {"version": found.version, **found.shown(call.core.product)}


@config.on(Operation.UPDATE)
def write(state: CfAuth, call: Call) -> None:
    """Change the settings that were sent. Raises ErrorResponse, also after storing some that do not reach the API."""
    made = state.config.copy() if state.config else CfConfig()
    made.update_from(call)
    for name in _OLD:
        if f"pcf_{name}" in call and f"cf_{name}" not in call:
            setattr(made, f"cf_{name}", call[f"pcf_{name}"])
    if state.config is None:
        _check_new(made, call)
    state.config = made  # The plugin, too, stores them before it tries them.
    if not state.loading:
        with refusing(of=OSError):
            api.check(made)


def _check_new(made: CfConfig, call: Call) -> None:
    """Check the settings of a first write. Raises ErrorResponse."""
    if not made.identity_ca_certificates:
        raise ErrorResponse("'identity_ca_certificates' is required")
    if "cf_api_addr" not in call and "pcf_api_addr" not in call:
        raise ErrorResponse("'cf_api_addr' is required")
    if not made.cf_username and not made.cf_client_id:
        raise ErrorResponse("'cf_username' or 'cf_client_id' is required")
    if not made.cf_password and not made.cf_client_secret:
        raise ErrorResponse("'cf_password' or 'cf_client_secret' is required")
    if bool(made.cf_api_mutual_tls_certificate) != bool(made.cf_api_mutual_tls_key):
        raise ErrorResponse(
            "both 'cf_api_mutual_tls_certificate' and 'cf_api_mutual_tls_key' must be set if one is set"
        )


@config.on(Operation.DELETE)
def delete(state: CfAuth, _call: Call) -> None:
    """Delete the settings."""
    state.config = None


@roles.write
def write_role(_state: CfAuth, call: Call, _name: str, role: CfRole) -> Response | None:
    """Create or change a role. Raises ErrorResponse."""
    role.take(call, "ttl exceeds max ttl")
    longest = call.core.max_ttl(call.mount)
    if role.token_ttl <= longest:
        return None
    times = f"{role.token_ttl * SECOND} exceeds the system max ttl of {longest * SECOND}"
    return Response(warnings=[f"ttl of {times}, the latter will be used during login"])
