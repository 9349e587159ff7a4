"""KV version 2: secrets in versions. One file for each group of endpoints."""

# The order counts: folders below ``data/`` are tried before secrets.
from mockkms.vault.secrets.kv.v2 import invalid, data, metadata, versions  # isort: skip
from mockkms.vault.secrets.kv.v2.engine import engine

invalid.declare()

__all__ = ["data", "engine", "invalid", "metadata", "versions"]
