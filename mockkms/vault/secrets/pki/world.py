"""PKI mounts in world files: keys, certificate authorities, roles, settings and certificates.

``descriptions`` creates what they describe.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockkms.crypto.encoding import pem
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
from mockkms.vault.framework.shapes.parameters import parameters, written
from mockkms.vault.framework.world_section import Filling, WorldSection
from mockkms.vault.kernel.mounts import Mount
from mockkms.vault.secrets.pki import descriptions

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


def _pem(text: str) -> str | None:
    return None if pem.decode(text.strip() + "\n") else "not PEM: no whole block between BEGIN and END"


def _keys(_type: str) -> dict[str, Key]:
    block = Text("PEM", _pem)
    since = Moment()
    revoked = Either({"boolean": Boolean(), "integer": since, "number": since, "time": since, "text": since})
    id_key, name = Key(Text(), "random if it is missing"), Key(Text(), "the name for the API")
    key = RecordShape(
        {
            "id": id_key,
            "name": name,
            "material": Key(block, "the private key; generated if it is missing"),
            "type": Key(Choice(("rsa", "ec", "ed25519"), "key type"), "ec if it is missing"),
            "bits": Key(Integer(), "size of a generated key; the default of the type if it is missing"),
        }
    )
    settings = parameters("pki", "issuer/x")
    generate = {**parameters("pki", "root/sign-intermediate"), **parameters("pki", "root/generate/internal")}
    for left_out in ("csr", "issuer_ref", "issuer_name", "key_ref", "format", "private_key_format"):
        generate.pop(left_out, None)
    issuer = RecordShape(
        {
            "id": id_key,
            "name": name,
            "certificate": Key(block, "the CA's certificate; its key is listed under keys"),
            "generate": Key(RecordShape(generate), "parameters of a CA to generate, by default with an EC key"),
            "signed_by": Key(Text(), "name of the issuer that signs a generated CA; a root if it is missing"),
            "key": Key(Text(), "name of the key of a generated CA; a new key if it is missing"),
            **{word: settings[word] for word in (*descriptions.ISSUER_SETTINGS, "manual_chain")},
            "revoked": Key(revoked, "time of the revocation; true for now"),
        }
    )
    issue = parameters("pki", "issue/x")
    for left_out in ("format", "private_key_format", "remove_roots_from_chain", "issuer_ref"):
        issue.pop(left_out, None)
    certificate = RecordShape(
        {
            "certificate": Key(block, "a certificate to store"),
            "role": Key(Text(), "role of a certificate to issue, which is stored without its key"),
            **issue,
            "revoked": Key(revoked, "time of the revocation; true for now"),
            "issuer": Key(Text(), "id of the issuer of a revoked certificate; found by its signature if it is missing"),
        }
    )
    return {
        **{word: Key(written("pki", path), f"settings of {path}") for word, path in descriptions.SETTINGS.items()},
        "keys": Key(ListOf(key), "private keys, the first is the default"),
        "issuers": Key(ListOf(issuer), "certificate authorities, the first with a key is the default"),
        "default_key": Key(Text(), "name or id"),
        "default_issuer": Key(Text(), "name or id"),
        "default_follows_latest_issuer": Key(Boolean(), "the newest issuer becomes the default"),
        "roles": Key(MapOf(written("pki", "roles/x")), "roles by name"),
        "certificates": Key(ListOf(certificate), "stored certificates"),
    }


def _fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
    """Fill a mount: addresses first, because they are written into certificates."""
    core = to.core
    _settings(to, mount, spec, "cluster", "urls")
    for index, key in enumerate(spec.get("keys") or []):
        with to.guard("keys", index):
            descriptions.add_key(core, mount, key)
    for index, issuer in enumerate(spec.get("issuers") or []):
        with to.guard("issuers", index):
            descriptions.add_issuer(core, mount, issuer)
    for word in ("default_key", "default_issuer"):
        if spec.get(word):
            with to.guard(word):
                descriptions.choose(core, mount, word, spec[word])
    mount.state.follow_latest = bool(spec.get("default_follows_latest_issuer", False))
    for index, issuer in enumerate(spec.get("issuers") or []):
        if issuer.get("manual_chain"):
            with to.guard("issuers", index, "manual_chain"):
                descriptions.link(core, mount, issuer)
    for name, role in (spec.get("roles") or {}).items():
        with to.guard("roles", name):
            descriptions.add_role(core, mount, name, role)
    _settings(to, mount, spec, "crl", "auto_tidy", "acme")
    for index, certificate in enumerate(spec.get("certificates") or []):
        with to.guard("certificates", index):
            descriptions.add_certificate(core, mount, certificate)
    with to.guard():
        descriptions.finish(core, mount)


def _settings(to: Filling, mount: Mount, spec: Mapping[str, Any], *words: str) -> None:
    for word in words:
        if spec.get(word):
            with to.guard(word):
                descriptions.configure(to.core, mount, word, spec[word])


def _dump(_core: Context, mount: Mount) -> dict[str, object]:
    return descriptions.dump(mount.state)


section = WorldSection(_keys, _fill, _dump)
