"""``config``: the authentication server."""

from __future__ import annotations

from mockkms.vault.auth.radius.model import Radius, RadiusConfig, engine
from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.message import ErrorResponse, Operation

config = engine.path("config", RadiusConfig.fields, help="The authentication server.")


@config.existence
def exists(state: Radius, call: Call) -> bool:
    """Return whether there is a configuration."""
    return state.config is not None


@config.on(Operation.READ)
def read(state: Radius, call: Call) -> Reply:
    """Return the configuration without the shared secret."""
    found = state.config
    if found is None:
        return None
    return found.shown(call.core.product) | {"unregistered_user_policies": found.unregistered_policies}


@config.on(Operation.CREATE, Operation.UPDATE)
def write(state: Radius, call: Call, *, host: str, unregistered_user_policies: str) -> None:
    """Create or change the configuration. Raises ErrorResponse."""
    made = state.config.copy() if state.config else RadiusConfig()
    made.update_token_params(call)
    made.update_from(
        call, "port", "dial_timeout", "read_timeout", "nas_port", "nas_identifier", "secret", "case_insensitive_names"
    )
    if "host" in call:
        made.host = host.lower()
    for name in ("host", "secret"):
        if not getattr(made, name):
            raise ErrorResponse(f"config parameter `{name}` cannot be empty")
    if "unregistered_user_policies" in call:
        made.unregistered_user_policies = unregistered_user_policies
        if "root" in made.unregistered_policies:
            raise ErrorResponse("root policy cannot be granted by an auth method")
    state.config = made
