"""A version 1 mount becomes version 2: each secret is version 1 of a key."""

from __future__ import annotations

from mockkms.vault.engines.kv1 import KV1
from mockkms.vault.engines.kv2.model import KV2, Version
from mockkms.vault.engines.kv2.payload import stored
from mockkms.vault.mounts import Mount


def upgrade(mount: Mount, now: float) -> None:
    """Turn a KV version 1 mount into version 2 in place (its options are the caller's to set); ``now`` in seconds."""
    before: KV1 = mount.state
    after = KV2()
    for path, data in before.secrets.items():
        key = after.open(path, now)
        after.append(path, key, Version(created=now), stored(data))
        # The real server migrates with a window of one version, which leaves this mark.
        key.oldest = 1
    mount.state = after
    mount.engine = "kv2"
