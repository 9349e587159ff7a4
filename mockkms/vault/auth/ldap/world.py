"""LDAP mounts in world files: settings, users, groups, and the people in the directory."""

from __future__ import annotations

from mockkms.vault.auth import directories
from mockkms.vault.framework.shapes.collections import Key, MapOf, RecordShape, Text
from mockkms.vault.framework.shapes.parameters import written


def _keys(_type: str) -> dict[str, Key]:
    person = RecordShape(
        {
            "password": directories.PASSWORD,
            "groups": Key(directories.NAMES, "groups in the directory, by name or DN"),
            "dn": Key(Text(), "made of userattr, name and userdn when not given"),
            "attributes": Key(MapOf(Text()), "attributes by name, for the alias"),
        }
    )
    return {
        "config": Key(written("auth/ldap", "config"), "the directory's address, and how users and groups are found"),
        "users": Key(MapOf(written("auth/ldap", "users/x")), "groups and policies that the mount adds, by user"),
        "groups": Key(MapOf(written("auth/ldap", "groups/x")), "policies by group"),
        "directory": Key(MapOf(person), "who stands in the directory, by user name"),
    }


section = directories.section(_keys, {"users": "users", "groups": "groups"})
