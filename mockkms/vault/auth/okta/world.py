"""Okta mounts in world files: settings, users, groups, and the people at Okta."""

from __future__ import annotations

from mockkms.vault.auth import directories
from mockkms.vault.auth.okta.model import STATUSES
from mockkms.vault.framework.shapes.collections import Choice, Key, MapOf, RecordShape, Text
from mockkms.vault.framework.shapes.parameters import written


def _keys(_type: str) -> dict[str, Key]:
    person = RecordShape(
        {
            "password": directories.PASSWORD,
            "groups": Key(directories.NAMES, "groups at Okta"),
            "status": Key(Choice(STATUSES, "status"), "what Okta says of the right password; SUCCESS when not given"),
            "totp": Key(Text(), "the code that is right where the status is MFA_REQUIRED"),
        }
    )
    return {
        "config": Key(written("okta", "config"), "the organization"),
        "users": Key(MapOf(written("okta", "users/x")), "groups and policies that the mount adds, by user"),
        "groups": Key(MapOf(written("okta", "groups/x")), "policies by group"),
        "directory": Key(MapOf(person), "whom Okta knows, by user name"),
    }


section = directories.section(_keys, {"users": "users", "groups": "groups"})
