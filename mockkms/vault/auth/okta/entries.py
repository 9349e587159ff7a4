"""``users`` and ``groups``: groups and policies that the mount assigns to users and to members of groups."""

from __future__ import annotations

from mockkms.vault.auth import directories
from mockkms.vault.auth.okta.config import config
from mockkms.vault.auth.okta.model import PUSHED, STATUSES, Okta, OktaPerson, OktaUser, engine
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.folders import children, walk
from mockkms.vault.framework.message import Operation
from mockkms.vault.framework.shapes.collections import Choice, Integer, Key, Text
from mockkms.vault.policy import names

_POLICIES = Field(Kind.COMMA_STRINGS, help="Policies.")
_NAME = Field(Kind.STRING, help="Name at Okta.")

users = engine.path(
    "users/{name:some}",
    {"name": _NAME, "policies": _POLICIES, "groups": Field(Kind.COMMA_STRINGS, help="More groups of the user.")},
    help="Groups and policies of a user.",
)
groups = engine.path("groups/{name:some}", {"name": _NAME, "policies": _POLICIES}, help="Policies of a group.")
user_list = engine.path("users[/]", help="The names of all users.")
group_list = engine.path("groups[/]", help="The names of all groups.")


@user_list.on(Operation.LIST)
def list_users(state: Okta, call: Call) -> Reply:
    """Return the names of all users."""
    return {"keys": children(state.users, "")}


@group_list.on(Operation.LIST)
def list_groups(state: Okta, call: Call) -> Reply:
    """Return the names of all groups."""
    return {"keys": walk(state.groups)}


@users.on(Operation.READ)
def read_user(state: Okta, call: Call, *, name: str) -> Reply:
    """Return a user."""
    found = state.users.get(name)
    return None if found is None else {"groups": found.groups, "policies": found.policies}


@users.on(Operation.UPDATE)
def write_user(state: Okta, call: Call, *, name: str, groups: list[str], policies: list[str]) -> None:
    """Create or replace a user; groups and policies stay as they were sent."""
    state.users[name] = OktaUser(list(groups), list(policies))


@users.on(Operation.DELETE)
def delete_user(state: Okta, call: Call, *, name: str) -> None:
    """Delete a user."""
    state.users.pop(name, None)


@groups.on(Operation.READ)
def read_group(state: Okta, call: Call, *, name: str) -> Reply:
    """Return a group, in any case."""
    known = state.known_group(name)
    return None if known is None else {"policies": state.groups[known]}


@groups.on(Operation.UPDATE)
def write_group(state: Okta, call: Call, *, name: str, policies: list[str]) -> None:
    """Create or replace a group; a new one is kept in lower case."""
    known = state.known_group(name)
    state.groups[known or name.lower()] = names.sanitize(policies)


@groups.on(Operation.DELETE)
def delete_group(state: Okta, call: Call, *, name: str) -> None:
    """Delete a group, in any case."""
    state.groups.pop(state.known_group(name) or "", None)


# -- in world files --------------------------------------------------------------------------------------------------


def _person() -> dict[str, Key]:
    return {
        "password": directories.PASSWORD,
        "groups": Key(directories.NAMES, "groups at Okta"),
        "status": Key(Choice(STATUSES, "status"), "Okta's status after the correct password; default: SUCCESS"),
        "totp": Key(Text(), "where the status is MFA_REQUIRED: the right code of Okta Verify"),
        "google_totp": Key(Text(), "the right code of Google Authenticator (provider: GOOGLE)"),
        "push": Key(Choice(PUSHED, "answer"), "what the user answers to a push of Okta Verify"),
        "number": Key(Integer(1, 99), "the number that the user is to tap for a push (number challenge)"),
    }


section = directories.Directory(OktaPerson, _person, "Okta's users, by user name", config, "the organization").section(
    directories.entries(
        "users", "groups and policies that the mount adds, by user", users, lambda mount: mount.state.users
    ),
    directories.entries("groups", "policies by group", groups, lambda mount: mount.state.groups),
)
