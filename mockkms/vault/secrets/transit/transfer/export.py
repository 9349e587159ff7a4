"""``export/{type}/{name}[/{version}]``: key material and certificates of exportable keys."""

from __future__ import annotations

from typing import Final

from mockkms.crypto.encoding import b64, encodings, pem
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation
from mockkms.vault.golang.integers import int64
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import NAME, engine
from mockkms.vault.secrets.transit.keys.keyring import find
from mockkms.vault.secrets.transit.keys.keys import CMAC_REFUSED
from mockkms.vault.secrets.transit.model import SOFT_DELETED, KeyVersion, Transit, TransitKey

TYPES: Final = ("encryption-key", "signing-key", "hmac-key", "public-key", "certificate-chain")
_PUBLIC: Final = ("public-key", "certificate-chain")
FORMATS: Final = ("", "raw", "der", "pem")

endpoint = engine.path(
    "export/{type}/{name}[/{version:some}]",
    {
        "type": Field(Kind.STRING, help="encryption-key, signing-key, hmac-key, public-key or certificate-chain."),
        "name": NAME,
        "version": Field(Kind.STRING, help="A version, or latest; all if absent."),
        "format": Field(
            Kind.STRING, help="raw, der or pem; each type's own if empty.", query=True, needs=Feature.TRANSIT_ADDITIONS
        ),
    },
    help="Export a key.",
    go_errors=True,
)


@endpoint.on(Operation.READ)
def export(state: Transit, call: Call, *, name: str) -> Reply:
    """Return one version, or all that are in use."""
    what, key_format = call["type"], call["format"]
    if what == "cmac-key" and call.core.product.has(Feature.TRANSIT_ENTERPRISE):
        raise ErrorResponse(CMAC_REFUSED)
    if what not in TYPES:
        raise ErrorResponse(f"invalid export type: {what}")
    if key_format not in FORMATS:
        raise ErrorResponse(f"invalid format: {key_format}")
    key = find(state, name, call.core)
    if key is None:
        return None
    if not key.exportable and what not in _PUBLIC:
        raise ErrorResponse("private key material is not exportable")
    if key.soft_deleted:
        raise BackendError(SOFT_DELETED)
    _check_ability(key, what)
    texts = {
        str(number): _text(key, version, what, key_format) for number, version in versions_asked(key, call["version"])
    }
    return {"name": key.name, "type": key.type, "keys": texts}


def versions_asked(key: TransitKey, asked: str) -> list[tuple[int, KeyVersion]]:
    """Return the versions for ``""`` (all in use), ``latest``, ``3`` or ``v3``. Raises ErrorResponse."""
    if not asked:
        return list(key.usable())
    number = key.latest_version if asked == "latest" else int64(asked.removeprefix("v"))
    if number is None:
        raise ErrorResponse("invalid key version")
    if number < key.min_decryption_version:
        raise ErrorResponse("version for export is below minimum decryption version")
    if number not in key.versions:
        raise ErrorResponse("version does not exist or cannot be found")
    return [(number, key.versions[number])]


def _check_ability(key: TransitKey, what: str) -> None:
    if what == "encryption-key" and not key.kind.encrypts:
        raise ErrorResponse("encryption not supported for the key")
    if what == "signing-key" and not key.kind.signs:
        raise ErrorResponse("signing not supported for the key")
    if what == "certificate-chain" and not key.kind.signs:
        raise ErrorResponse("certificate chain not supported for keys that do not support signing")


def _text(key: TransitKey, version: KeyVersion, what: str, key_format: str) -> str:
    if what == "certificate-chain":
        if not version.certificate_chain:
            raise BackendError("selected key version does not have a certificate chain imported")
        return "\n".join(pem.encode("CERTIFICATE", der).strip() for der in version.certificate_chain)
    if what == "hmac-key" or (what == "encryption-key" and key.kind.aead):
        if key_format in ("der", "pem"):
            raise BackendError("unknown format for HMAC key; supported values are `` or `raw`")
        return b64.encode(version.hmac_key if what == "hmac-key" else version.key)
    if not key.kind.asymmetric:
        raise BackendError(f"unknown key type {key.type} for export type {what}")
    if key_format == "raw" and key.type != "ed25519":
        family = "rsa" if key.kind.bits else "ec"
        raise BackendError(f"unknown key format for {family} key; supported values are ``, `der`, or `pem`")
    return _public(key, version, key_format) if what == "public-key" else _private(key, version, key_format)


def _private(key: TransitKey, version: KeyVersion, key_format: str) -> str:
    """Return the private half; empty if only the public one was imported."""
    if version.private_missing:
        return ""
    if key.kind.bits:
        return encodings.rsa_private_text(version.key, key_format)
    if key.kind.curve:
        return encodings.ec_private_text(version.key, key_format)
    return encodings.ed25519_private_text(version.key, key_format)


def _public(key: TransitKey, version: KeyVersion, key_format: str) -> str:
    if key.type == "ed25519":
        return encodings.ed25519_public_text(version.public, key_format)
    text = encodings.public_text(version.public, key_format)
    return text.strip() if key.kind.curve else text
