"""The OIDC provider of a namespace: what a world says of its keys, clients, providers and what they need."""

from __future__ import annotations

from typing import Any

from mockkms.crypto import pem
from mockkms.seed.applying import Applier, Steps
from mockkms.seed.parameters import parameters
from mockkms.seed.shapes import Choice, Key, ListOf, MapOf, Moment, Record, Text
from mockkms.vault.core import Core
from mockkms.vault.engines.identity.oidc_model import ALGORITHMS
from mockkms.vault.identity import oidc_seed


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
        for part, word in oidc_seed.PARTS.items()
    }
    return Record({"issuer": Key(Text(), "scheme, host and port of the iss claim"), **parts})


def apply(to: Applier, section: dict[str, Any], at: Steps, namespace: str) -> None:
    """Write the provider of a namespace."""
    if section.get("issuer"):
        with to.guard(*at, "issuer"):
            oidc_seed.set_issuer(to.core, namespace, section["issuer"])
    for part in oidc_seed.PARTS:
        for name, spec in (section.get(part) or {}).items():
            with to.guard(*at, part, name):
                oidc_seed.add(to.core, namespace, part, name, spec)


def dump(core: Core, namespace: str) -> dict[str, Any]:
    """The provider of a namespace."""
    return oidc_seed.dump(core, namespace)
