"""The system backend (``sys/``): one file per topic, each declaring its endpoints on the shared engine."""

from __future__ import annotations

from mockkms.vault.sys.engine import engine

__all__ = ["engine"]
