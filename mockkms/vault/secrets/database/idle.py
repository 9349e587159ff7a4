"""The session that a plugin keeps open with its database between requests.

The real plugins keep a pool. One session is enough for its visible effect: a session stays logged in although the
password changes meanwhile.
"""

from __future__ import annotations

import weakref
from typing import Protocol, TypeVar


class Session(Protocol):
    """An open session with a database."""

    def alive(self) -> bool: ...
    def close(self) -> None: ...


_Kind = TypeVar("_Kind", bound=Session)


class IdleSession:
    """A slot for one open session. A copy of it is empty, as is the pool of a restarted server."""

    def __init__(self) -> None:
        self._close: weakref.finalize[[], IdleSession] | None = None
        self._session: Session | None = None
        self._since = 0.0

    def __reduce__(self) -> tuple[type[IdleSession], tuple[()]]:
        return IdleSession, ()

    def take(self, kind: type[_Kind], now: float, lifetime: float) -> tuple[_Kind, float] | None:
        """Remove the session and return it with the time at which it was opened; None without a usable session.

        A session is usable if it is of this ``kind``, while it answers and is younger than ``lifetime`` seconds; 0
        means no limit. Times are seconds since the epoch.
        """
        session, since = self._session, self._since
        self._forget()
        if session is None:
            return None
        if isinstance(session, kind) and (not lifetime or now - since < lifetime) and session.alive():
            return session, since
        session.close()
        return None

    def keep(self, session: Session, since: float) -> None:
        """Store a session until the next request. It is closed with this object at the latest."""
        self.close()
        self._session, self._since = session, since
        self._close = weakref.finalize(self, session.close)

    def close(self) -> None:
        """Close the stored session, if any."""
        session = self._session
        self._forget()
        if session is not None:
            session.close()

    def _forget(self) -> None:
        if self._close is not None:
            self._close.detach()
        self._close = self._session = None
