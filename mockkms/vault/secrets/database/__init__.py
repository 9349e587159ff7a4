"""The database secrets engine: users made on demand with a lease, and static users whose passwords rotate.

A PostgreSQL on this machine is asked for real, and its roles' statements are run. Any other database is taken as there:
what is handed out is made as the real plugins make it, and no statement is run.
"""

from __future__ import annotations

from mockkms.vault.secrets.database import connections, credentials, roles
from mockkms.vault.secrets.database.engine import engine

__all__ = ["connections", "credentials", "engine", "roles"]
