"""The registry of agents that Vault 2.1 mounts: the community edition has the mount, and no path below it."""

from __future__ import annotations

from mockkms.vault.framework.engine import Engine

engine = Engine("agent_registry", kind="secret", new_state=dict, help="The agents that are registered.")
