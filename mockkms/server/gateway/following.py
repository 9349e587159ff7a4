"""The response of ``sys/monitor``: lines of the log as they are written, until the client leaves or the log ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from mockkms.vault.telemetry.server_log import LogStream

_TICK = 0.1
"""Seconds between two looks at the log."""


class Following:
    """The pieces of a response that follows the log. They are looked for, so that writers of lines never wait."""

    def __init__(self, stream: LogStream) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield lines as they come."""
        while True:
            ended = self._stream.ended
            lines = self._stream.take()
            if lines:
                yield lines
            elif ended:
                return
            else:
                await asyncio.sleep(_TICK)

    def close(self) -> None:
        """Stop following."""
        self._stream.close()
