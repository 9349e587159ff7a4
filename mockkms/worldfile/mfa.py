"""``identity.mfa``: the second proofs of a namespace's logins, in a world."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from mockkms.vault.framework.shapes.collections import Choice, Key, ListOf, MapOf, Record, Tagged, Text
from mockkms.vault.framework.shapes.parameters import parameters
from mockkms.vault.identity.mfa.services import ANSWERS
from mockkms.vault.kernel.core import Core
from mockkms.vault.secrets.identity.mfa import world
from mockkms.worldfile.applying import Applier, Steps

_TYPES = ("totp", "duo", "okta", "pingid")


def _base32(text: str) -> str | None:
    try:
        base64.b32decode(text + "=" * (-len(text) % 8))
    except (binascii.Error, ValueError):
        return "not base32 without padding"
    return None


def shape() -> Record:
    """The section."""
    texts = ListOf(Text(), single=True)
    variants = {type: parameters("identity", f"mfa/method/{type}") for type in _TYPES}
    for keys in variants.values():
        del keys["method_name"]
    method = Tagged("type", variants, {"id": Key(Text(), "drawn when not given")}, "MFA method")
    enforcement = Record(
        {
            "methods": Key(texts, "names of methods, any of which will do", required=True),
            "mounts": Key(texts, "logins on these auth methods: auth/userpass/"),
            "types": Key(texts, "logins on auth methods of these types"),
            "groups": Key(texts, "logins of members of groups with these names"),
            "entities": Key(texts, "logins of entities with these names"),
        }
    )
    return Record(
        {
            "services": Key(Choice(ANSWERS, "answer"), "how Duo, Okta and PingID take it; unreachable when not given"),
            "methods": Key(MapOf(method), "by name"),
            "enforcements": Key(MapOf(enforcement), "by name"),
            "keys": Key(MapOf(MapOf(Text("base32", _base32))), "TOTP keys by method and entity, by name"),
        }
    )


def apply(to: Applier, section: dict[str, Any], at: Steps, namespace: str) -> None:
    """Write the second proofs of a namespace."""
    core = to.core
    if section.get("services"):
        core.mfa.state(namespace).services = section["services"]
    for name, spec in (section.get("methods") or {}).items():
        with to.guard(*at, "methods", name):
            world.add_method(core, namespace, name, spec)
    for name, spec in (section.get("enforcements") or {}).items():
        with to.guard(*at, "enforcements", name):
            world.add_enforcement(core, namespace, name, spec)
    for name, keys in (section.get("keys") or {}).items():
        for entity, key in keys.items():
            with to.guard(*at, "keys", name, entity):
                world.add_key(core, namespace, name, entity, key)


def dump(core: Core, namespace: str) -> dict[str, Any]:
    """The second proofs of a namespace."""
    return world.dump(core, namespace)
