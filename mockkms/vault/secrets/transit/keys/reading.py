"""A key as ``keys/{name}`` shows it."""

from __future__ import annotations

from bisect import insort
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from mockkms.crypto import asymmetric
from mockkms.crypto.encoding import b64, pem
from mockkms.vault.framework.message import BackendError, VaultError, refusing
from mockkms.vault.golang.json_text import Encoded
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
        data["keys"] = _creation_times(key)
    elif kind.signs:
        data["keys"] = {
            str(number): _show_version(key, number, version, product, context) for number, version in key.usable()
        }
    return data


class _Written(NamedTuple):
    """The creation times of a key's versions as JSON, while no version goes and none changes."""

    versions: dict[int, KeyVersion]
    first: int
    latest: int
    there: int
    """How many versions there were, those out of use included."""
    entries: list[str]
    """Sorted as Go sorts keys of maps."""


_written: dict[int, _Written] = {}
"""Of the keys with many versions that were shown last, by the identity of their versions."""
_MOST_WRITTEN = 4
_MANY = 200
"""Versions from which on their times are kept as JSON: a rotation answers with all of them."""


def _creation_times(key: TransitKey) -> Mapping[str, object]:
    """Return the creation time of each version in use, in seconds since the epoch."""
    versions, first, latest = key.versions, key.min_decryption_version, key.latest_version
    if len(versions) < _MANY:
        return {str(number): int(version.created) for number, version in key.usable()}
    known = _written.pop(id(versions), None)
    if known is None or known.versions is not versions or known.first != first:
        known = _Written(versions, first, latest, len(versions), _entries(key))
    elif (known.latest, known.there) == (latest - 1, len(versions) - 1):  # It was rotated.
        insort(known.entries, _entry(latest, versions[latest]))
        known = _Written(versions, first, latest, len(versions), known.entries)
    elif (known.latest, known.there) != (latest, len(versions)):
        known = _Written(versions, first, latest, len(versions), _entries(key))
    if len(_written) >= _MOST_WRITTEN:
        _written.clear()
    _written[id(versions)] = known
    return Encoded("{" + ",".join(known.entries) + "}")


def _entries(key: TransitKey) -> list[str]:
    return sorted(_entry(number, version) for number, version in key.usable())


def _entry(number: int, version: KeyVersion) -> str:
    return f'"{number}":{int(version.created)}'


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
