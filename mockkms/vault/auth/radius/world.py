"""RADIUS mounts in world files: settings, users, and the people that the server knows."""

from __future__ import annotations

from mockkms.vault.auth import directories
from mockkms.vault.framework.shapes.collections import Key, MapOf, RecordShape
from mockkms.vault.framework.shapes.parameters import written


def _keys(_type: str) -> dict[str, Key]:
    return {
        "config": Key(written("radius", "config"), "the authentication server's address"),
        "users": Key(MapOf(written("radius", "users/x")), "policies by registered user"),
        "directory": Key(MapOf(RecordShape({"password": directories.PASSWORD})), "whom the server knows, by user name"),
    }


section = directories.section(_keys, {"users": "users"})
