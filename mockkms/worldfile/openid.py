"""The OIDC provider of a namespace: what a world says of its keys, clients, providers and what they need."""

from __future__ import annotations

from typing import Any

from mockkms.crypto.encoding import pem
from mockkms.vault.framework.shapes.collections import Choice, Key, ListOf, MapOf, Moment, Record, Text
from mockkms.vault.framework.shapes.parameters import parameters
from mockkms.vault.kernel.core import Core
from mockkms.vault.secrets.identity.oidc import world
from mockkms.vault.secrets.identity.oidc.model import ALGORITHMS
from mockkms.worldfile.applying import Applier, Steps


def _pem(text: str) -> str | None:
    return None if pem.decode(text.strip() + "\n") else "not PEM: no whole block between BEGIN and END"


def shape() -> Record:
    """The section."""
    texts = ListOf(Text(), single=True)
    signing = Record(
        {
            "id": Key(Text(), "the kid of its signatures", required=True),
            "private": Key(Text("PEM", _pem), "the private key", required=True),
            "algorithm": Key(Choice(ALGORITHMS, "algorithm"), "that of the named key when not given"),
            "expires": Key(Moment(), "when its signatures no longer count; not given while it signs or comes next"),
        }
    )
    more: dict[str, dict[str, Key]] = {
        "keys": {
            "algorithm": Key(Choice(ALGORITHMS, "algorithm"), "RS256 when not given"),
            "ring": Key(ListOf(signing), "key pairs, oldest first; made when not given"),
            "next_rotation": Key(Moment(), "when the next key pair signs"),
        },
        "clients": {
            "client_id": Key(Text(), "drawn when not given"),
            "client_secret": Key(Text(), "of a confidential client; drawn when not given"),
        },
        "assignments": {"entities": Key(texts, "names of entities"), "groups": Key(texts, "names of groups")},
    }
    parts = {
        part: Key(MapOf(Record({**parameters("identity", f"oidc/{word}/x"), **more.get(part, {})})), f"{part} by name")
        for part, word in world.PARTS.items()
    }
    return Record({"issuer": Key(Text(), "scheme, host and port of the iss claim"), **parts})


def apply(to: Applier, section: dict[str, Any], at: Steps, namespace: str) -> None:
    """Write the provider of a namespace."""
    if section.get("issuer"):
        with to.guard(*at, "issuer"):
            world.set_issuer(to.core, namespace, section["issuer"])
    for part in world.PARTS:
        for name, spec in (section.get(part) or {}).items():
            with to.guard(*at, part, name):
                world.add(to.core, namespace, part, name, spec)


def dump(core: Core, namespace: str) -> dict[str, Any]:
    """The provider of a namespace."""
    return world.dump(core, namespace)
