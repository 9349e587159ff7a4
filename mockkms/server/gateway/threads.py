"""Requests that may wait for another server, or compute for long: each runs on a thread of its own, off the loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Final, TypeVar

_T = TypeVar("_T")
MOST: Final = 64
"""Threads at a time; further requests wait for one to end."""


class Threads:
    """Runs functions off the loop. The threads are daemons: a server that stops does not wait for them."""

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(MOST)

    async def run(self, work: Callable[[], _T]) -> _T:
        """Return what ``work`` returns, or raise what it raises."""
        async with self._free:
            loop = asyncio.get_running_loop()
            ended: asyncio.Future[_T] = loop.create_future()

            def settle(result: _T | None, error: BaseException | None) -> None:
                if ended.done():  # The client has left, and nobody waits for the answer.
                    return
                if error is not None:
                    ended.set_exception(error)
                else:
                    ended.set_result(result)  # type: ignore[arg-type]

            def run() -> None:
                result: _T | None = None
                fault: BaseException | None = None
                try:
                    result = work()
                except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
                    fault = error
                with suppress(RuntimeError):  # The server has stopped, and its loop is closed.
                    loop.call_soon_threadsafe(settle, result, fault)

            threading.Thread(target=run, name="mockkms request", daemon=True).start()
            return await ended
