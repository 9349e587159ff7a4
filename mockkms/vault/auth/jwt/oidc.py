"""``oidc/*``: the browser flow, as far as it goes without an identity provider to send the browser to."""

from __future__ import annotations

from typing import Any

from mockkms.vault.auth.jwt.model import JWT, engine
from mockkms.vault.endpoint import Call, Field
from mockkms.vault.fields import Kind
from mockkms.vault.message import ErrorResponse, Operation

_STATE = Field(Kind.STRING, query=True, help="The state that auth_url made.")

auth_url = engine.path(
    "oidc/auth_url",
    fields={
        "role": Field(Kind.LOWER_STRING, help="Role to log in against; else the configured default."),
        "redirect_uri": Field(Kind.STRING, help="Where the provider sends the browser back to."),
        "client_nonce": Field(Kind.STRING, help="A value that the client must show again."),
    },
    login=True,
    help="Where to send the browser.",
)
callback = engine.path(
    "oidc/callback",
    fields={
        "state": _STATE,
        "code": Field(Kind.STRING, query=True, help="The provider's code."),
        "id_token": Field(Kind.STRING, help="The provider's token."),
        "client_nonce": Field(Kind.STRING, query=True, help="As given to auth_url."),
        "error_description": Field(Kind.STRING, query=True, help="What the provider refused."),
    },
    login=True,
    help="Where the provider sends the browser back to.",
)
poll = engine.path(
    "oidc/poll",
    fields={"state": _STATE, "client_nonce": Field(Kind.STRING, help="As given to auth_url.")},
    login=True,
    help="Ask whether the login is done.",
)


@auth_url.on(Operation.UPDATE)
def make_url(state: JWT, call: Call) -> dict[str, Any]:
    """An empty URL where the provider cannot be asked. Raises ErrorResponse."""
    config = state.config
    if config is None:
        raise ErrorResponse("could not load configuration")
    if not config.oidc_discovery_url or not config.oidc_client_id:
        raise ErrorResponse("OIDC login is not configured for this mount")
    name = call["role"] or config.default_role
    if not name:
        raise ErrorResponse("missing role")
    role = state.roles.get(name)
    if role is None:
        raise ErrorResponse(f'role "{name}" could not be found')
    if not call["redirect_uri"]:
        raise ErrorResponse("missing redirect_uri")
    return {"auth_url": ""}


@callback.on(Operation.READ, Operation.UPDATE)
@poll.on(Operation.UPDATE)
def no_state(state: JWT, call: Call) -> None:
    """No login is ever under way here: its state is expired."""
    raise ErrorResponse(f"{call.core.flavor.product} login failed. Expired or missing OAuth state.")
