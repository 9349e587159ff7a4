"""Azure auth: configuration and roles. A login needs the keys of the tenant, which are not here."""

from __future__ import annotations

from mockkms.vault.auth.cloud.roles import Cloud, CloudRole, declare
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation

engine = Engine("auth/azure", kind="auth", new_state=Cloud, help="Logins with tokens of Azure; only configured here.")

_SHOWN = {
    "tenant_id": Field(Kind.STRING, help="The tenant."),
    "resource": Field(Kind.STRING, help="The audience of tokens."),
    "environment": Field(Kind.STRING, help="Which Azure: AzurePublicCloud and so on."),
    "client_id": Field(Kind.STRING, help="Client that asks Azure."),
    "root_password_ttl": Field(Kind.SECONDS, default=15768000, help="How long a rotated secret lasts."),
    "max_retries": Field(Kind.INT, default=3, help="How often Azure is asked again."),
    "retry_delay": Field(Kind.SECONDS, default=4, help="First pause before that."),
    "max_retry_delay": Field(Kind.SECONDS, default=60, help="Longest pause before that."),
}
config = engine.path(
    "config", {**_SHOWN, "client_secret": Field(Kind.STRING, help="Its secret.")}, help="Which Azure is asked."
)
login = engine.path(
    "login",
    {
        name: Field(Kind.STRING, help=text)
        for name, text in (
            ("role", "Role to log in against."), ("jwt", "The signed token."),
            ("subscription_id", "Of the machine."), ("resource_group_name", "Of the machine."),
            ("vm_name", "Of the machine."), ("vmss_name", "Of the machine's set."), ("resource_id", "Of a resource."),
        )
    },
    login=True,
    help="Log in with a token of Azure.",
)  # fmt: skip
_BOUNDS = {
    f"bound_{name}": Field(Kind.COMMA_STRINGS, help=f"Accepted {text}.")
    for name, text in (
        ("service_principal_ids", "service principals"), ("group_ids", "groups"), ("locations", "locations"),
        ("subscription_ids", "subscriptions"), ("resource_groups", "resource groups"), ("scale_sets", "scale sets"),
    )
}  # fmt: skip


def _check(role: CloudRole) -> None:
    if not any(role.settings.values()):
        raise ErrorResponse("must have at least one bound constraint when creating/updating a role")


declare(engine, _BOUNDS, _check)


@config.on(Operation.READ)
def read(state: Cloud, _call: Call) -> Reply:
    """Return the settings without the secret."""
    return None if state.config is None else {name: state.config[name] for name in _SHOWN}


@config.on(Operation.UPDATE)
def write(state: Cloud, call: Call) -> None:
    """Keep settings; what is not sent stays."""
    old = state.config or {}
    made = {name: call.get(name, old.get(name, call[name])) for name in config.fields}
    for name in ("tenant_id", "resource"):
        if not made[name]:
            raise ErrorResponse(f"{name} is required")
    state.config = made


@config.on(Operation.DELETE)
def delete(state: Cloud, _call: Call) -> None:
    """Forget the settings."""
    state.config = None


@login.on(Operation.UPDATE)
def log_in(state: Cloud, call: Call) -> None:
    """Always refused: the token's owner cannot be verified here. Raises ErrorResponse and BackendError."""
    for name, text in (("jwt", "jwt is required"), ("role", "role is required")):
        if not call[name]:
            raise ErrorResponse(text)
    role = state.roles.get(call["role"].lower())
    if role is None:
        raise ErrorResponse(f'invalid role name "{call["role"]}"')
    if state.config is None:
        raise BackendError("unable to retrieve backend configuration")
    call.request.trace.hint = "logins with tokens of Azure are not emulated; a rule can answer this path"
    raise BackendError("oidc provider could not be reached")
