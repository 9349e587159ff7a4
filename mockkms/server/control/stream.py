"""The journal as server-sent events: ``GET /_mockkms/journal/stream``.

The journal is looked at a few times a second rather than subscribed to, so that requests cost the same with and
without an open inspector.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping

from mockkms.server import web
from mockkms.world.journal.journal import Journal

PATH = "journal/stream"
INTERVAL = 0.25
"""Seconds between looks."""
MOST_AT_ONCE = 500
"""Entries of one event; of more, the latest are sent and the others counted."""
MOST_STREAMS = 16
"""Streams of a server at the same time."""
_SILENCE = 15.0
"""Seconds after which a comment is sent, so that a connection that is gone is noticed."""


class JournalStream(web.StreamResponse):
    """Sends new entries, without bodies, until the client leaves or the server stops.

    Events: ``entries`` (``entries``, ``total``, ``skipped``) and ``cleared``, after which numbers may start again.
    """

    def __init__(self, journal: Journal, after: int, streams: set[JournalStream]) -> None:
        """``after``: the number of the last entry that the client knows. The stream is in ``streams`` while sent."""
        super().__init__(headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"})
        self.content_type = "text/event-stream"
        self._journal = journal
        self._last = after
        self._streams = streams

    async def write_eof(self, data: bytes = b"") -> None:
        """Send events, then end the response."""
        self._streams.add(self)
        try:
            await self._send()
        except (ConnectionError, RuntimeError):
            return  # The client has gone.
        finally:
            self._streams.discard(self)
        await super().write_eof(data)

    async def _send(self) -> None:
        silent = 0.0
        await self.write(b"retry: 1000\n\n")
        while True:
            events = b"".join(self._events())
            if not events and silent >= _SILENCE:
                events = b": still here\n\n"
            if events:
                await self.write(events)
            silent = 0.0 if events else silent + INTERVAL
            await asyncio.sleep(INTERVAL)

    def _events(self) -> Iterator[bytes]:
        total = self._journal.total
        if total < self._last:
            self._last = 0
            yield _event("cleared", {"total": total})
        if total > self._last:
            missing = total - self._last
            new = [entry for entry in self._journal.latest(min(missing, MOST_AT_ONCE)) if entry.number > self._last]
            yield _event(
                "entries",
                {"entries": [entry.data(bodies=False) for entry in new], "total": total, "skipped": missing - len(new)},
            )
            self._last = total


def _event(name: str, data: Mapping[str, object]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data, separators=(',', ':'))}\n\n".encode()
