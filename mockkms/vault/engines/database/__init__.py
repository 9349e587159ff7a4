"""The database secrets engine: users made on demand with a lease, and static users whose passwords rotate.

No database is contacted and no statement is run: what is handed out is made as the real plugins make it.
"""

from __future__ import annotations

from mockkms.vault.engines.database import connections, credentials, roles
from mockkms.vault.engines.database.engine import engine

__all__ = ["connections", "credentials", "engine", "roles"]
