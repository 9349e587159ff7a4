"""The system backend's engine: every topic file of this package declares its endpoints on it."""

from __future__ import annotations

from mockkms.vault.endpoint import Engine

engine = Engine(
    "system",
    kind="system",
    new_state=dict,
    help="The system backend: mounts, policies, leases, seal, and the settings of the server itself.",
)
