"""``identity``: entities with their aliases, groups, the OIDC provider, and second proofs at login."""

from __future__ import annotations

from typing import Any

from mockkms.seed.applying import Applier, Steps
from mockkms.seed.shapes import Boolean, Choice, Key, Late, ListOf, MapOf, Record, Text
from mockkms.vault.core import Core
from mockkms.vault.identity import seed


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
    from mockkms.seed import openid

    return openid.shape()


def _mfa() -> Record:
    from mockkms.seed import second_proof

    return second_proof.shape()


def apply(to: Applier, section: dict[str, Any], steps: Steps, namespace: str) -> None:
    """Write the identities of a namespace."""
    identity = section.get("identity") or {}
    for name, spec in (identity.get("entities") or {}).items():
        with to.guard(*steps, "identity", "entities", name):
            seed.add_entity(to.core, name, spec, namespace)
    for name, spec in (identity.get("groups") or {}).items():
        with to.guard(*steps, "identity", "groups", name):
            seed.add_group(to.core, name, spec, namespace)
    if identity.get("oidc"):
        from mockkms.seed import openid

        openid.apply(to, identity["oidc"], (*steps, "identity", "oidc"), namespace)
    if identity.get("mfa"):
        from mockkms.seed import second_proof

        second_proof.apply(to, identity["mfa"], (*steps, "identity", "mfa"), namespace)


def dump(core: Core, namespace: str) -> dict[str, Any]:
    """The identities of a namespace."""
    shown = {"entities": seed.dump_entities(core, namespace), "groups": seed.dump_groups(core, namespace)}
    if core.state.identity.oidc:
        from mockkms.seed import openid

        shown["oidc"] = openid.dump(core, namespace)
    if core.state.identity.mfa:
        from mockkms.seed import second_proof

        shown["mfa"] = second_proof.dump(core, namespace)
    return {"identity": {word: found for word, found in shown.items() if found}}
