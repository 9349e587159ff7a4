"""``users``: policies of registered users."""

from __future__ import annotations

from mockkms.vault.auth import directories
from mockkms.vault.auth.radius.config import config
from mockkms.vault.auth.radius.model import Radius, RadiusPerson, engine
from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.folders import children
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.policy import names

users = engine.path(
    "users/{name:some}",
    fields={
        "name": Field(Kind.STRING, help="Name of the user."),
        "policies": Field(Kind.COMMA_STRINGS, help="Policies."),
    },
    help="Policies of a user.",
)
listing = engine.path(
    "users[/]",
    fields=PAGE,
    help="The names of all users.",
)


@users.existence
def exists(state: Radius, call: Call, *, name: str) -> bool:
    """Return whether the user is registered."""
    return state.looked_up(call, name) in state.users


@listing.on(Operation.LIST)
def list_users(state: Radius, call: Call, *, after: str, limit: int) -> Reply:
    """Return the names of all users."""
    return {"keys": page(children(state.users, ""), after, limit)}


@users.on(Operation.READ)
def read(state: Radius, call: Call, *, name: str) -> Reply:
    """Return a user."""
    found = state.users.get(state.looked_up(call, name))
    return None if found is None else {"policies": found}


@users.on(Operation.CREATE, Operation.UPDATE)
def write(state: Radius, call: Call, *, name: str, policies: list[str]) -> None:
    """Register a user; the name is kept as written if case counts. Raises ErrorResponse."""
    granted = names.sanitize(policies)
    if "root" in granted:
        raise ErrorResponse("root policy cannot be granted by an auth method")
    state.users[state.canonical(name)] = granted


@users.on(Operation.DELETE)
def delete(state: Radius, call: Call, *, name: str) -> None:
    """Delete a user; the name is used as written if case counts."""
    state.users.pop(state.canonical(name), None)


# -- in world files --------------------------------------------------------------------------------------------------


section = directories.Directory(
    RadiusPerson,
    lambda: {"password": directories.PASSWORD},
    "the server's users, by user name",
    config,
    "the authentication server's address",
).section(directories.entries("users", "policies by registered user", users, lambda mount: mount.state.users))
