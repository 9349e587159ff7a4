"""``users`` and ``groups``: groups and policies that the mount assigns to users and to members of groups."""

from __future__ import annotations

from mockkms.vault.auth import directories
from mockkms.vault.auth.ldap.config import config
from mockkms.vault.auth.ldap.model import Ldap, LdapPerson, LdapUser, engine
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.folders import walk
from mockkms.vault.framework.message import Operation
from mockkms.vault.framework.shapes.collections import Key, MapOf, Text
from mockkms.vault.policy import names as policynames
from mockkms.vault.products.features import Feature

_POLICIES = Field(Kind.COMMA_STRINGS, help="Policies.")
_NAME = Field(Kind.STRING, help="Name in the directory.")

groups = engine.path("groups/{name:some}", {"name": _NAME, "policies": _POLICIES}, help="Policies of a group.")
group_list = engine.path("groups[/]", help="The names of all groups.")
users = engine.path(
    "users/{name:some}",
    {"name": _NAME, "policies": _POLICIES, "groups": Field(Kind.COMMA_STRINGS, help="More groups of the user.")},
    help="Groups and policies of a user.",
)
user_list = engine.path("users[/]", help="The names of all users.")


@group_list.on(Operation.LIST)
def list_groups(state: Ldap, call: Call) -> Reply:
    """Return the names of all groups."""
    return {"keys": walk(state.groups)}


@user_list.on(Operation.LIST)
def list_users(state: Ldap, call: Call) -> Reply:
    """Return the names of all users."""
    return {"keys": walk(state.users)}


@groups.on(Operation.READ)
def read_group(state: Ldap, call: Call, *, name: str) -> Reply:
    """Return a group."""
    found = state.groups.get(state.canonical(name))
    return None if found is None else {"policies": found}


@groups.on(Operation.UPDATE)
def write_group(state: Ldap, call: Call, *, policies: list[str], name: str) -> None:
    """Create or replace a group."""
    state.groups[state.canonical(name)] = policynames.sanitize(policies)


@groups.on(Operation.DELETE)
def delete_group(state: Ldap, call: Call, *, name: str) -> None:
    """Delete a group."""
    state.groups.pop(_deleted(state, call, name), None)


@users.on(Operation.READ)
def read_user(state: Ldap, call: Call, *, name: str) -> Reply:
    """Return a user; the groups are one text."""
    found = state.users.get(state.canonical(name))
    return None if found is None else {"groups": ",".join(found.groups), "policies": found.policies}


@users.on(Operation.UPDATE)
def write_user(state: Ldap, call: Call, *, name: str, groups: list[str], policies: list[str]) -> None:
    """Create or replace a user."""
    trimmed = {group.strip() for group in groups} - {""}
    names = sorted({state.canonical(group) for group in trimmed})
    state.users[state.canonical(name)] = LdapUser(names, policynames.sanitize(policies))


@users.on(Operation.DELETE)
def delete_user(state: Ldap, call: Call, *, name: str) -> None:
    """Delete a user."""
    state.users.pop(_deleted(state, call, name), None)


def _deleted(state: Ldap, call: Call, name: str) -> str:
    return state.canonical(name) if call.core.product.has(Feature.LDAP_FOLDED_DELETES) else name


# -- in world files --------------------------------------------------------------------------------------------------


def _person() -> dict[str, Key]:
    return {
        "password": directories.PASSWORD,
        "groups": Key(directories.NAMES, "groups in the directory, by name or DN"),
        "dn": Key(Text(), "default: userattr, name and userdn"),
        "attributes": Key(MapOf(Text()), "attributes by name, for the alias"),
    }


section = directories.Directory(
    LdapPerson,
    _person,
    "the people in the directory, by user name",
    config,
    "the directory's address, and how users and groups are found",
).section(
    directories.entries(
        "users", "groups and policies that the mount adds, by user", users, lambda mount: mount.state.users
    ),
    directories.entries("groups", "policies by group", groups, lambda mount: mount.state.groups),
)
