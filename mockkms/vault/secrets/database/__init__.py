"""The database secrets engine: users that are created on demand with a lease, and static users whose passwords rotate.

A PostgreSQL server on this machine is contacted and runs the statements of roles. Any other database is assumed: its
credentials are generated as the real plugins generate them, and no statement is run.
"""

from __future__ import annotations

from mockkms.vault.secrets.database import connections, credentials, roles
from mockkms.vault.secrets.database.engine import engine

__all__ = ["connections", "credentials", "engine", "roles"]
