"""The session that a plugin keeps open with its database from one request to the next.

The real plugins keep a pool. What matters of it: who has logged in stays so, though the password changes meanwhile.
"""

from __future__ import annotations

import weakref
from contextlib import suppress

from mockkms.outside.postgres import Connection, PostgresError

_PING = "-- ping"


class Idle:
    """A session that waits for the next request, if any. A copy has none, as a restarted server has none."""

    def __init__(self) -> None:
        self._close: weakref.finalize[[], Idle] | None = None
        self._session: Connection | None = None
        self._since = 0.0

    def __reduce__(self) -> tuple[type[Idle], tuple[()]]:
        return Idle, ()

    def take(self, now: float, lifetime: float) -> tuple[Connection, float] | None:
        """Return the session and when it was opened, if it still answers and is not older than ``lifetime`` (if any).

        Seconds; it is the caller's from then on.
        """
        session, since = self._session, self._since
        self._forget()
        if session is None:
            return None
        if not lifetime or now - since < lifetime:
            with suppress(OSError, PostgresError):
                session.query(_PING)
                return session, since
        session.close()
        return None

    def keep(self, session: Connection, since: float) -> None:
        """Let a session wait. It ends with this object at the latest."""
        self.close()
        self._session, self._since = session, since
        self._close = weakref.finalize(self, session.close)

    def close(self) -> None:
        """End the session that waits."""
        session = self._session
        self._forget()
        if session is not None:
            session.close()

    def _forget(self) -> None:
        if self._close is not None:
            self._close.detach()
        self._close = self._session = None
