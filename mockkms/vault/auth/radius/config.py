"""``config``: the authentication server."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mockkms.vault.auth.radius.model import Config, Radius, engine
from mockkms.vault.auth.token_params import FIELDS
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.products.features import Feature

_FIELDS: dict[str, Field] = {
    "host": Field(Kind.STRING, help="The server's host."),
    "port": Field(Kind.INT, default=1812, help="The server's port."),
    "secret": Field(Kind.STRING, help="The secret shared with the server."),
    "unregistered_user_policies": Field(Kind.STRING, help="Policies of users that are not registered, with commas."),
    "dial_timeout": Field(Kind.SECONDS, default=10, help="Seconds to wait for a connection."),
    "read_timeout": Field(Kind.SECONDS, default=10, help="Seconds to wait for an answer."),
    "nas_port": Field(Kind.INT, default=10, help="NAS port of requests."),
    "nas_identifier": Field(Kind.STRING, help="NAS identifier of requests."),
    "case_insensitive_names": Field(Kind.BOOL, help="User names are the same in any case.", needs=Feature.RADIUS_CASE),
}

config = engine.path("config", {**_FIELDS, **FIELDS}, help="The authentication server.")


@config.existence
def exists(state: Radius, call: Call) -> bool:
    """Whether there is a configuration."""
    return state.config is not None


@config.on(Operation.READ)
def read(state: Radius, call: Call) -> dict[str, Any] | None:
    """The configuration without the shared secret."""
    found = state.config
    if found is None:
        return None
    product = call.core.product
    known = (name for name, declared in _FIELDS.items() if name != "secret" and declared.known_to(product))
    return {**{name: getattr(found, name) for name in known}, **found.shown(product)}


@config.on(Operation.CREATE, Operation.UPDATE)
def write(state: Radius, call: Call) -> None:
    """Make or change the configuration. Raises ErrorResponse."""
    made = replace(state.config, old=dict(state.config.old)) if state.config else Config()
    try:
        made.parse(call)
    except ValueError as error:
        raise ErrorResponse(str(error)) from None
    for name in (
        "port",
        "dial_timeout",
        "read_timeout",
        "nas_port",
        "nas_identifier",
        "secret",
        "case_insensitive_names",
    ):
        if name in call:
            setattr(made, name, call[name])
    if "host" in call:
        made.host = call["host"].lower()
    for name in ("host", "secret"):
        if not getattr(made, name):
            raise ErrorResponse(f"config parameter `{name}` cannot be empty")
    if "unregistered_user_policies" in call:
        sent: str = call["unregistered_user_policies"]
        made.unregistered_user_policies = sent.split(",") if sent.strip() else []
        if "root" in made.unregistered_user_policies:
            raise ErrorResponse("root policy cannot be granted by an auth method")
    state.config = made
