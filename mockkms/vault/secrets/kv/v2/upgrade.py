"""A version 1 mount becomes version 2: each secret is version 1 of a key."""

from __future__ import annotations

from mockkms.vault.secrets.kv.v1 import KV1
from mockkms.vault.secrets.kv.v2.engine import engine
from mockkms.vault.secrets.kv.v2.model import KV2, Version
from mockkms.vault.secrets.kv.v2.payload import stored

UPGRADED = {"actor": "kv_upgrade", "operation": "upgrade"}


def upgrade(before: KV1, now: float) -> KV2:
    """The state of a version 2 mount with what a version 1 mount held; ``now`` in seconds since the epoch."""
    after = KV2()
    for path, kept in before.secrets.items():
        key = after.open(path, now)
        key.updated_by = UPGRADED
        after.append(path, key, Version(created=now, created_by=UPGRADED), stored(kept.value()))
        # The real server migrates with a window of one version, which leaves this mark.
        key.oldest = 1
    return after


engine.take_over = upgrade
