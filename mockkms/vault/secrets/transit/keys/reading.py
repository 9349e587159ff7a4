"""A key as ``keys/{name}`` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.crypto import asymmetric
from mockkms.crypto.encoding import b64, pem
from mockkms.vault.framework.message import BackendError, VaultError, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit.model import KDF_HKDF, Event, KeyVersion, TransitKey
from mockkms.world.clock import rfc3339

if TYPE_CHECKING:
    from mockkms.vault.products import Product


def shown(key: TransitKey, product: Product, context: bytes = b"") -> dict[str, object]:
    """Return a key as reads show it, a derived ``ed25519`` key with its public keys for ``context``."""
    kind = key.kind
    data: dict[str, object] = {
        **key.shown(product),
        "name": key.name,
        "type": key.type,
        "latest_version": key.latest_version,
        "supports_encryption": kind.encrypts,
        "supports_decryption": kind.encrypts,
        "supports_signing": kind.signs,
        "supports_derivation": kind.derives,
        "imported_key": key.imported,
    }
    if product.has(Feature.TRANSIT_ADDITIONS):
        data["soft_deleted"] = key.soft_deleted
    if key.imported:
        data["imported_key_allow_rotation"] = key.allow_imported_rotation
    if key.backup_info:
        data["backup_info"] = _event(key.backup_info)
    if key.restore_info:
        data["restore_info"] = _event(key.restore_info)
    if key.derived:
        _show_derivation(data, key)
    if kind.aead:
        data["keys"] = {str(number): int(version.created) for number, version in key.usable()}
    elif kind.signs:
        data["keys"] = {
            str(number): _show_version(key, number, version, product, context) for number, version in key.usable()
        }
    return data


def _event(event: Event) -> dict[str, object]:
    return {"time": rfc3339(event.time), "version": event.version}


def _show_derivation(data: dict[str, object], key: TransitKey) -> None:
    if key.kdf == KDF_HKDF:
        data["kdf"] = "hkdf_sha256"
    else:
        data["kdf"] = data["kdf_mode"] = "hmac-sha256-counter"
    data["convergent_encryption"] = key.convergent_encryption
    if key.convergent_encryption:
        data["convergent_encryption_version"] = key.convergent_version


def _show_version(
    key: TransitKey, number: int, version: KeyVersion, product: Product, context: bytes
) -> dict[str, object]:
    shown: dict[str, object] = {
        "name": key.kind.curve or key.type,
        "public_key": _public_text(key, number, version, context),
        "certificate_chain": "\n".join(pem.encode("CERTIFICATE", der).strip() for der in version.certificate_chain),
        "creation_time": rfc3339(version.created),
    }
    if product.has(Feature.TRANSIT_ENTERPRISE):
        shown["hybrid_public_key"] = ""
    return shown


def _public_text(key: TransitKey, number: int, version: KeyVersion, context: bytes) -> str:
    if key.type != "ed25519":
        return pem.encode("PUBLIC KEY", version.public)
    if not key.derived:
        return b64.encode(version.public)
    if not context:
        return ""
    with refusing("failed to derive key to return public component: ", BackendError, of=VaultError):
        private = asymmetric.ed25519_from_seed(key.signing_seed(context, number))
    return b64.encode(private[32:])
