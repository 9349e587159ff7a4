"""GitHub mounts in world files: settings, teams, users, and the accounts at GitHub."""

from __future__ import annotations

from mockkms.vault.auth import directories
from mockkms.vault.framework.shapes.collections import Key, MapOf, RecordShape, Text
from mockkms.vault.framework.shapes.parameters import written


def _keys(_type: str) -> dict[str, Key]:
    account = RecordShape(
        {
            "user": Key(Text(), "name of the user", required=True),
            "org": Key(directories.NAMES, "organizations that the user is a member of"),
            "teams": Key(directories.NAMES, "teams of the user in the configured organization"),
        }
    )
    return {
        "config": Key(written("github", "config"), "the organization"),
        "teams": Key(MapOf(directories.NAMES), "policies by team"),
        "users": Key(MapOf(directories.NAMES), "policies by user"),
        "directory": Key(MapOf(account), "whom GitHub knows, by personal access token"),
    }


section = directories.section(_keys, {"teams": "map/teams", "users": "map/users"})
