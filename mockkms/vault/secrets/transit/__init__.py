"""The transit secrets engine: encryption as a service. One file for each endpoint or pair of related endpoints."""

from __future__ import annotations

from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.secrets.transit.engine import engine

load_endpoints(
    __name__, "transfer.backup", "transfer.byok", "keys.certificates", "encryption.datakey", "encryption.decrypt",
    "encryption.derive_key", "encryption.encrypt", "transfer.export", "signatures.hash", "signatures.hmac",
    "transfer.import_", "keys.config", "keys.keys", "random", "encryption.rewrap", "keys.lifecycle", "keys.settings",
    "signatures.sign", "signatures.verify", "transfer.wrapping_key",
)  # fmt: skip

__all__ = ["engine"]
