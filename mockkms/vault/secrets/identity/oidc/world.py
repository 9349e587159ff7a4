"""``identity.oidc`` of world files: the OIDC provider of a namespace, with its keys and clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Required, TypedDict

from mockkms.crypto.encoding import pem
from mockkms.crypto.x509 import keys
from mockkms.vault.framework.shapes.collections import Choice, Key, ListOf, MapOf, Moment, RecordShape, Text
from mockkms.vault.framework.shapes.parameters import parameters
from mockkms.vault.framework.shapes.scalars import pem_fault
from mockkms.vault.framework.world_section import Filling
from mockkms.vault.kernel import seeding
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.identity.oidc.model import ALGORITHMS
from mockkms.vault.secrets.identity.references import Kind, all_exist

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.framework.records import Record
    from mockkms.vault.secrets.identity.oidc.model import NamedKey, Oidc, OidcClient

Spec = Mapping[str, Any]
PARTS = {
    "keys": "key", "scopes": "scope", "assignments": "assignment", "clients": "client", "providers": "provider",
    "roles": "role",
}  # fmt: skip
"""The parts in the order in which they need each other, and where the API has them."""
_BEYOND = {
    "keys": ("ring", "next_rotation"),
    "clients": ("client_id", "client_secret"),
    "assignments": ("entities", "groups"),
}
"""The members of a part that the API does not have."""
_ASSIGNED: Mapping[str, Kind] = {"entities": "entity", "groups": "group"}
_KINDS = {"RS": "rsa", "ES": "ec", "Ed": "ed25519"}


class SigningKeySpec(TypedDict, total=False):
    """A key pair of a ring."""

    id: Required[str]
    private: Required[str]
    """PEM."""
    algorithm: str
    expires: float
    """When its signatures expire (Unix seconds)."""


def shape() -> RecordShape:
    """Return the shape of ``identity.oidc``."""
    texts = ListOf(Text(), single=True)
    signing = RecordShape(
        {
            "id": Key(Text(), "the kid of its signatures", required=True),
            "private": Key(Text("PEM", pem_fault), "the private key", required=True),
            "algorithm": Key(Choice(ALGORITHMS, "algorithm"), "default: that of the named key"),
            "expires": Key(Moment(), "when its signatures expire; absent for the key that signs and the next one"),
        }
    )
    more: dict[str, dict[str, Key]] = {
        "keys": {
            "algorithm": Key(Choice(ALGORITHMS, "algorithm"), "default: RS256"),
            "ring": Key(ListOf(signing), "key pairs, oldest first; default: generated"),
            "next_rotation": Key(Moment(), "when the next key pair signs"),
        },
        "clients": {
            "client_id": Key(Text(), "default: generated"),
            "client_secret": Key(Text(), "of a confidential client; default: generated"),
        },
        "assignments": {"entities": Key(texts, "names of entities"), "groups": Key(texts, "names of groups")},
    }
    parts = {
        part: Key(
            MapOf(RecordShape({**parameters("identity", f"oidc/{word}/x"), **more.get(part, {})})), f"{part} by name"
        )
        for part, word in PARTS.items()
    }
    return RecordShape({"issuer": Key(Text(), "scheme, host and port of the iss claim"), **parts})


def fill(to: Filling, namespace: str, spec: Spec) -> None:
    """Write the provider of a namespace."""
    if spec.get("issuer"):
        with to.guard("issuer"):
            set_issuer(to.core, namespace, spec["issuer"])
    for part in PARTS:
        for name, one in (spec.get(part) or {}).items():
            with to.guard(part, name):
                if part != "assignments" or all_exist(to, namespace, (part, name), one, _ASSIGNED):
                    add(to.core, namespace, part, name, one)


def set_issuer(core: Context, namespace: str, issuer: str) -> None:
    """Set the issuer of identity tokens. Raises VaultError with the server's text."""
    seeding.write(core, _mount(core, namespace), "oidc/config", {"issuer": issuer})


def add(core: Context, namespace: str, part: str, name: str, spec: Spec) -> None:
    """Write one of a part by the parameters of the API, and beyond them: ``ring`` and ``next_rotation`` of a key,
    ``client_id`` and ``client_secret`` of a client, ``entities`` and ``groups`` (names) of an assignment.

    Raises VaultError with the server's text, ValueError.
    """
    beyond = _BEYOND.get(part, ())
    values = {word: value for word, value in spec.items() if word not in beyond}
    seeding.write(core, _mount(core, namespace), f"oidc/{PARTS[part]}/{name}", values)
    service: Oidc = core.state.identity.oidc[namespace]
    if part == "clients":
        client = service.clients[name]
        client.client_id = spec.get("client_id", client.client_id)
        client.client_secret = spec.get("client_secret", client.client_secret)
    elif part == "keys":
        _set_ring(service.keys[name], spec.get("ring") or [])
        service.keys[name].next_rotation = spec.get("next_rotation", service.keys[name].next_rotation)
    elif part == "assignments":
        chosen = service.assignments[name]
        # Ids of a world file may be any texts; the endpoint turns them into lower case.
        entities, groups = spec.get("entities", ()), spec.get("groups", ())
        chosen.entity_ids = sorted({*spec.get("entity_ids", ()), *_ids(core, namespace, "entities", entities)})
        chosen.group_ids = sorted({*spec.get("group_ids", ()), *_ids(core, namespace, "groups", groups)})


def _ids(core: Context, namespace: str, word: str, names: Iterable[str]) -> list[str]:
    """Return the ids of entities or groups by their names. Raises ValueError for an unknown name."""
    identity, found = core.identity, []
    for name in names:
        one = (identity.entity_named if word == "entities" else identity.group_named)(namespace, name)
        if one is None:
            raise ValueError(f'nothing is named "{name}" among the {word}')
        found.append(one.id)
    return found


def _set_ring(key: NamedKey, given: list[SigningKeySpec]) -> None:
    from mockkms.vault.secrets.identity.oidc.model import SigningKey

    ring = []
    for one in given:
        block = pem.decode(one["private"].strip() + "\n")
        private = keys.parse(block.der if block is not None else b"")
        algorithm = one.get("algorithm", key.algorithm)
        if keys.describe(keys.public_of(private))[0] != _KINDS.get(algorithm[:2]):
            raise ValueError(f"{algorithm} requires a key of another type")
        ring.append(SigningKey(one["id"], private, algorithm, one.get("expires", 0)))
    if ring:
        if sum(not one.expires for one in ring) != 2:
            raise ValueError("exactly two keys of a ring must lack `expires`: the one that signs, and the next")
        key.ring = ring


def _mount(core: Context, namespace: str) -> Mount:
    mount = core.state.mounts.get(namespace, "identity/")
    assert mount is not None
    return mount


# -- describing again ------------------------------------------------------------------------------------------------


def dump(core: Context, namespace: str) -> dict[str, object]:
    """Describe the provider of a namespace, without what every server has."""
    service: Oidc | None = core.state.identity.oidc.get(namespace)
    if service is None:
        return {}
    from mockkms.vault.secrets.identity.oidc.model import Oidc

    fresh = Oidc()
    return _set_only(
        issuer=service.issuer,
        keys={name: _key(key) for name, key in service.keys.items()},
        scopes=_changed(service.scopes, fresh.scopes),
        assignments=_changed(service.assignments, fresh.assignments),
        clients={name: _client(client) for name, client in service.clients.items()},
        providers=_changed(service.providers, fresh.providers),
        roles=_changed(service.roles, fresh.roles),
    )


def _set_only(**values: object) -> dict[str, object]:
    """Return the values that are neither empty nor 0."""
    return {name: value for name, value in values.items() if value}


def _changed(records: Mapping[str, Record], fresh: Mapping[str, Record]) -> dict[str, object]:
    """Return the records that a new server does not have, by name."""
    return {name: record.changed() for name, record in records.items() if record != fresh.get(name)}


def _client(client: OidcClient) -> dict[str, object]:
    return client.changed() | _set_only(client_id=client.client_id, client_secret=client.client_secret)


def _key(key: NamedKey) -> dict[str, object]:
    ring = []
    for one in key.ring:
        shown: dict[str, object] = {"id": one.id, "private": keys.private_pem(one.private, pkcs8=True) + "\n"}
        if one.algorithm != key.algorithm:
            shown["algorithm"] = one.algorithm
        ring.append(shown | ({"expires": one.expires} if one.expires else {}))
    return {**key.changed(), "ring": ring, "next_rotation": key.next_rotation}
