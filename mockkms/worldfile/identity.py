"""``identity``: entities with their aliases, groups, the OIDC provider, and second proofs at login."""

from __future__ import annotations

from typing import Any

from mockkms.vault.framework.shapes.collections import Boolean, Choice, Key, Late, ListOf, MapOf, Record, Text
from mockkms.vault.kernel.core import Core
from mockkms.vault.secrets.identity import world
from mockkms.worldfile.applying import Applier, Steps


def shape() -> Record:
    """Entities, groups and the provider."""
    texts = ListOf(Text(), single=True)
    mount = Key(Text(), "path of the auth method: auth/userpass/", required=True)
    name = Key(Text(), "what it is called there", required=True)
    metadata = MapOf(Text())
    sources = {"issuer": Key(Text(), "issuer that it comes from"), "external_id": Key(Text(), "its id there")}
    alias = Record({"mount": mount, "name": name, "custom_metadata": Key(metadata, "set by users"), **sources})
    entity = Record(
        {
            "id": Key(Text(), "drawn when not given"),
            "policies": Key(texts, "names of policies"),
            "metadata": Key(metadata, "any texts"),
            "disabled": Key(Boolean(), "its tokens are refused"),
            "aliases": Key(ListOf(alias), "who it is on auth methods"),
        }
    )
    group = Record(
        {
            "type": Key(Choice(("internal", "external"), "group type"), "internal when not given"),
            "policies": Key(texts, "names of policies"),
            "metadata": Key(metadata, "any texts"),
            "members": Key(texts, "names of entities"),
            "groups": Key(texts, "names of member groups, described before this one"),
            "alias": Key(Record({"mount": mount, "name": name}), "of an external group"),
        }
    )
    return Record(
        {
            "entities": Key(MapOf(entity), "by name"),
            "groups": Key(MapOf(group), "by name"),
            "oidc": Key(Late(_oidc), "the OIDC provider"),
            "mfa": Key(Late(_mfa), "second proofs at login"),
        }
    )


def _oidc() -> Record:
    from mockkms.worldfile import openid

    return openid.shape()


def _mfa() -> Record:
    from mockkms.worldfile import mfa as second_proof

    return second_proof.shape()


def apply(to: Applier, section: dict[str, Any], steps: Steps, namespace: str) -> None:
    """Write the identities of a namespace."""
    identity = section.get("identity") or {}
    for name, spec in (identity.get("entities") or {}).items():
        with to.guard(*steps, "identity", "entities", name):
            world.add_entity(to.core, name, spec, namespace)
    for name, spec in (identity.get("groups") or {}).items():
        with to.guard(*steps, "identity", "groups", name):
            world.add_group(to.core, name, spec, namespace)
    if identity.get("oidc"):
        from mockkms.worldfile import openid

        openid.apply(to, identity["oidc"], (*steps, "identity", "oidc"), namespace)
    if identity.get("mfa"):
        from mockkms.worldfile import mfa as second_proof

        second_proof.apply(to, identity["mfa"], (*steps, "identity", "mfa"), namespace)


def dump(core: Core, namespace: str) -> dict[str, Any]:
    """The identities of a namespace."""
    shown = {"entities": world.dump_entities(core, namespace), "groups": world.dump_groups(core, namespace)}
    if core.state.identity.oidc:
        from mockkms.worldfile import openid

        shown["oidc"] = openid.dump(core, namespace)
    if core.state.identity.mfa:
        from mockkms.worldfile import mfa as second_proof

        shown["mfa"] = second_proof.dump(core, namespace)
    return {"identity": {word: found for word, found in shown.items() if found}}
