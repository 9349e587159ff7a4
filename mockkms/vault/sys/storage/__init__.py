"""``sys/storage/raft``: snapshots for backup tools, and the peers, of a server with raft storage."""

from __future__ import annotations

from mockkms.vault.framework.loading import load_endpoints

load_endpoints(__name__, "raft")
