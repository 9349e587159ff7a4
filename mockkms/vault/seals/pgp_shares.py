"""Encrypting shares and tokens to PGP keys, and the backup of encrypted shares that a barrier keeps."""

from __future__ import annotations

import base64

from mockkms.crypto import pgp
from mockkms.vault.seals.barrier import Barrier, ShareBackup


def check(keys: list[str] | None) -> None:
    """Raise ValueError for a key that is not usable for encryption."""
    for key in keys or ():
        pgp.check(str(key))


def encrypt_shares(shares: list[bytes], keys: list[str] | None) -> list[bytes]:
    """Return each share, as hex, encrypted to the key at the same index; without keys the shares themselves.

    Raises ValueError.
    """
    if not keys:
        return shares
    return [pgp.encrypt(share.hex().encode(), str(key)) for share, key in zip(shares, keys, strict=True)]


def store_backup(barrier: Barrier, nonce: str, shares: list[bytes], fingerprints: list[str]) -> None:
    """Store a backup of encrypted shares by fingerprint."""
    kept: dict[str, list[str]] = {}
    for share, owner in zip(shares, fingerprints, strict=True):
        kept.setdefault(owner, []).append(share.hex())
    barrier.backup = ShareBackup(nonce, kept)


def shown_backup(barrier: Barrier) -> dict[str, object] | None:
    """Return the backup as the API shows it; None if there is none."""
    if barrier.backup is None:
        return None
    keys = barrier.backup.keys
    plain = {owner: [base64.b64encode(bytes.fromhex(item)).decode() for item in items] for owner, items in keys.items()}
    return {"nonce": barrier.backup.nonce, "keys": keys, "keys_base64": plain}


def rotation_fingerprints(barrier: Barrier) -> tuple[list[str] | None, bool]:
    """Return the fingerprints and ``backup`` of the rotation in progress; None and False without PGP keys."""
    running = barrier.rotation
    if running is None or not running.pgp_keys:
        return None, False
    return [pgp.fingerprint(key) for key in running.pgp_keys], running.backup
