"""Threads for requests that may wait for another server or compute for long, so that they do not block the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, TypeVar

_T = TypeVar("_T")
LARGE: Final = 64 * 1024
"""Bytes of target and body from which on a request is answered off the loop: it may take seconds."""
MOST: Final = 64
"""Threads at a time; further requests wait for one to end."""


class Threads:
    """Runs functions off the loop. The threads are daemons: a server that stops does not wait for them."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._loop: asyncio.AbstractEventLoop | None = None
        self._free = asyncio.Semaphore(most)

    async def run(self, work: Callable[[], _T]) -> _T:
        """Return what ``work`` returns, or raise what it raises."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # The server was started again.
            self._loop, self._free = loop, asyncio.Semaphore(self._most)
        free = self._free
        await free.acquire()
        ended: asyncio.Future[_T] = loop.create_future()

        def settle(give: Callable[[], None]) -> None:
            # Not earlier, even if the client disconnects: the thread is in use until its work ends.
            free.release()
            if not ended.done():
                give()

        def run() -> None:
            try:
                give = partial(ended.set_result, work())
            except BaseException as error:  # noqa: BLE001 - raised where the result is awaited
                give = partial(ended.set_exception, error)
            with suppress(RuntimeError):  # The server has stopped, and its loop is closed.
                loop.call_soon_threadsafe(settle, give)

        threading.Thread(target=run, name="mockkms request", daemon=True).start()
        return await ended
