"""KV version 2: secrets in versions. One file for each family of endpoints."""

from mockkms.vault.secrets.kv.v2 import config, data, invalid, metadata, upgrade, versions
from mockkms.vault.secrets.kv.v2.engine import engine

invalid.declare()

__all__ = ["config", "data", "engine", "invalid", "metadata", "upgrade", "versions"]
