"""PKI mounts in world files: keys, certificate authorities, roles, settings and certificates.

Each key is a part of the section, applied in the order of the parts; ``descriptions`` creates keys, issuers and
certificates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mockkms.vault.framework.captured import CapturedMount, parameters_in
from mockkms.vault.framework.message import Operation
from mockkms.vault.framework.shapes.collections import (
    Boolean,
    Choice,
    Either,
    Integer,
    Key,
    ListOf,
    MapOf,
    Moment,
    RecordShape,
    Text,
)
from mockkms.vault.framework.shapes.parameters import endpoint_at, parameters, written
from mockkms.vault.framework.shapes.scalars import pem_fault
from mockkms.vault.framework.world_section import Filling, items_at, mapping_at, mappings_at
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import Part, named, record_section
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.pki import descriptions
from mockkms.vault.secrets.pki.acme.world import PARTS
from mockkms.vault.secrets.pki.cel.roles import roles as cel_roles
from mockkms.vault.secrets.pki.model import PKI

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


def _settings(key: str, path: str, describe: Callable[[PKI], object]) -> Part:
    """Return the part of settings that the endpoint at ``path`` writes."""

    def fill(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
        data = mapping_at(spec, key)
        if data:
            with to.guard(key):
                seeding.write(to.core, mount, path, data)

    return Part(
        key,
        lambda: Key(written("pki", path), f"settings of {path}"),
        fill,
        lambda _core, mount: describe(mount.state),
        lambda server: _known_values(server.read(path), path),
    )


def _known_values(data: Mapping[str, object] | None, path: str) -> dict[str, object]:
    return parameters_in(data or {}, endpoint_at("pki", path))


def _add_each(
    to: Filling,
    mount: Mount,
    spec: Mapping[str, object],
    key: str,
    add: Callable[[Context, Mount, Mapping[str, object]], object],
) -> None:
    """Add the members of the list ``key``; errors are reported at each."""
    for index, one in items_at(spec, key):
        with to.guard(key, index):
            add(to.core, mount, one)


def _default(key: str, describe: Callable[[PKI], str]) -> Part:
    """Return the part of the default key or issuer, given by name or id."""

    def fill(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
        if spec.get(key):
            with to.guard(key):
                seeding.write(to.core, mount, f"config/{key.removeprefix('default_')}s", {"default": spec[key]})

    return Part(key, lambda: Key(Text(), "name or id"), fill, lambda _core, mount: describe(mount.state))


# -- keys, issuers and certificates --------------------------------------------------------------------------------


def _id_and_name() -> dict[str, Key]:
    return {"id": Key(Text(), "random if it is missing"), "name": Key(Text(), "the name for the API")}


def _revoked() -> Key:
    since = Moment()
    shape = Either({"boolean": Boolean(), "integer": since, "number": since, "time": since, "text": since})
    return Key(shape, "time of the revocation; true for now")


def _key_shape() -> Key:
    shape = RecordShape(
        {
            **_id_and_name(),
            "material": Key(Text("PEM", pem_fault), "the private key; generated if it is missing"),
            "type": Key(Choice(("rsa", "ec", "ed25519"), "key type"), "ec if it is missing"),
            "bits": Key(Integer(), "size of a generated key; the default of the type if it is missing"),
        }
    )
    return Key(ListOf(shape), "private keys, the first is the default")


def _issuer_shape() -> Key:
    settings = parameters("pki", "issuer/x")
    generate = {**parameters("pki", "root/sign-intermediate"), **parameters("pki", "root/generate/internal")}
    for left_out in ("csr", "issuer_ref", "issuer_name", "key_ref", "format", "private_key_format"):
        generate.pop(left_out, None)
    shape = RecordShape(
        {
            **_id_and_name(),
            "certificate": Key(Text("PEM", pem_fault), "the CA's certificate; its key is listed under keys"),
            "generate": Key(RecordShape(generate), "parameters of a CA to generate, by default with an EC key"),
            "signed_by": Key(Text(), "name of the issuer that signs a generated CA; a root if it is missing"),
            "key": Key(Text(), "name of the key of a generated CA; a new key if it is missing"),
            **{name: settings[name] for name in (*descriptions.ISSUER_SETTINGS, "manual_chain")},
            "revoked": _revoked(),
        }
    )
    return Key(ListOf(shape), "certificate authorities, the first with a key is the default")


def _fill_issuers(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    """Add the issuers, then their chains, which may name issuers further down."""
    given = mappings_at(spec, "issuers")
    added = {}
    for index, issuer in enumerate(given):
        with to.guard("issuers", index):
            added[index] = descriptions.add_issuer(to.core, mount, issuer)
    for index, issuer_id in added.items():
        if given[index].get("manual_chain"):
            with to.guard("issuers", index, "manual_chain"):
                chain = {"manual_chain": given[index]["manual_chain"]}
                seeding.write(to.core, mount, f"issuer/{issuer_id}", chain, Operation.PATCH)


def _captured_issuers(server: CapturedMount) -> list[dict[str, object]]:
    """Return a new root CA in place of each issuer, with its common name: private keys cannot be read."""
    found: list[dict[str, object]] = []
    for issuer_id in server.names("issuers"):
        data = server.read(f"issuer/{issuer_id}") or {}
        common_name = descriptions.common_name(str(data.get("certificate", "")))
        if not common_name:
            server.left_out(f"issuer/{issuer_id}", "its certificate cannot be read")
            continue
        server.left_out(f"issuer/{issuer_id}", "its key cannot be read: the world has a new root CA of this name")
        named = {"name": data["issuer_name"]} if data.get("issuer_name") else {}
        found.append({**named, "generate": {"common_name": common_name, "ttl": "87600h"}})
    return found


def _certificate_shape() -> Key:
    issue = parameters("pki", "issue/x")
    for left_out in ("format", "private_key_format", "remove_roots_from_chain", "issuer_ref"):
        issue.pop(left_out, None)
    shape = RecordShape(
        {
            "certificate": Key(Text("PEM", pem_fault), "a certificate to store"),
            "role": Key(Text(), "role of a certificate to issue, which is stored without its key"),
            **issue,
            "revoked": _revoked(),
            "issuer": Key(Text(), "id of the issuer of a revoked certificate; found by its signature if it is missing"),
        }
    )
    return Key(ListOf(shape), "stored certificates")


def _fill_certificates(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    """Add the certificates, then build the revocation lists, which mounts without certificates have too."""
    _add_each(to, mount, spec, "certificates", descriptions.add_certificate)
    with to.guard():
        seeding.write(to.core, mount, "crl/rotate", {}, Operation.READ)


def _fill_roles(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    roles = mapping_at(spec, "roles")
    for name in roles:
        with to.guard("roles", name):
            seeding.write(to.core, mount, f"roles/{name}", mapping_at(roles, name))


def _fill_follow(_to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    mount.state.follow_latest = bool(spec.get("default_follows_latest_issuer", False))


section = record_section(
    # Addresses come first, because they are written into certificates.
    _settings("cluster", "config/cluster", lambda state: state.cluster.changed()),
    _settings("urls", "config/urls", lambda state: state.urls.changed()),
    Part(
        "keys",
        _key_shape,
        lambda to, mount, spec: _add_each(to, mount, spec, "keys", descriptions.add_key),
        lambda _core, mount: [descriptions.shown_key(key) for key in mount.state.keys.values()],
    ),
    Part(
        "issuers",
        _issuer_shape,
        _fill_issuers,
        lambda _core, mount: [descriptions.shown_issuer(issuer) for issuer in mount.state.issuers.values()],
        _captured_issuers,
    ),
    _default("default_key", lambda state: state.default_key if state.default_key in state.keys else ""),
    _default("default_issuer", lambda state: state.default_issuer if state.default_issuer in state.issuers else ""),
    Part(
        "default_follows_latest_issuer",
        lambda: Key(Boolean(), "the newest issuer becomes the default"),
        _fill_follow,
        lambda _core, mount: mount.state.follow_latest,
    ),
    Part(
        "roles",
        lambda: Key(MapOf(written("pki", "roles/x")), "roles by name"),
        _fill_roles,
        lambda _core, mount: {name: role.changed() for name, role in sorted(mount.state.roles.items())},
        lambda server: {name: _known_values(server.read(f"roles/{name}"), "roles/x") for name in server.names("roles")},
    ),
    named("cel_roles", "roles that are programs, by name", cel_roles),
    _settings("crl", "config/crl", lambda state: state.crl.changed()),
    _settings("auto_tidy", "config/auto-tidy", lambda state: state.tidy.changed()),
    *PARTS,
    Part(
        "certificates",
        _certificate_shape,
        _fill_certificates,
        lambda _core, mount: [
            descriptions.shown_certificate(mount.state, serial) for serial in mount.state.certificates
        ],
    ),
)
