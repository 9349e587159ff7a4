"""Waits inside the server, which end after real time or when the world's clock has advanced far enough.

A wait ends even if the clock is frozen. Advancing the clock ends waits in the order of their times.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

from mockkms.world.clock import Clock

_TICK = 0.01
"""Seconds between checks of the world's clock while a request waits."""


_HANG_TICK = 0.02
"""Seconds between checks whether the world was reset while a request hangs."""


class Sleepers:
    """The requests that wait for one world's clock."""

    def __init__(self, clock: Clock, resets: Callable[[], int] = lambda: 0) -> None:
        self._clock = clock
        self._resets = resets
        """Returns the number of resets so far."""
        self._heap: list[tuple[float, int, float, asyncio.Future[None]]] = []
        self._numbers = count()
        self._waker: asyncio.Task[None] | None = None

    async def sleep(self, seconds: float, since: float | None = None) -> None:
        """Return after ``seconds`` of real time or of the world's clock, whichever comes first.

        ``since`` is the time of the world's clock from which they count; by default, now.
        """
        if seconds <= 0:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        virtual = (self._clock.now() if since is None else since) + seconds
        heapq.heappush(self._heap, (virtual, next(self._numbers), loop.time() + seconds, future))
        if self._waker is None or self._waker.done():
            self._waker = loop.create_task(self._wake())
        await future

    @property
    def resets(self) -> int:
        """The number of resets of the world so far."""
        return self._resets()

    async def hang(self, seconds: float, since: int) -> None:
        """Return after ``seconds`` (0: never), as ``sleep`` does, or when the world is reset.

        ``since`` is ``resets`` as the request was decided: a reset may come before the wait starts.
        """
        sleep = asyncio.ensure_future(self.sleep(seconds)) if seconds else None
        try:
            while self._resets() == since and (sleep is None or not sleep.done()):
                await asyncio.sleep(_HANG_TICK)
        finally:
            if sleep is not None:
                sleep.cancel()

    async def _wake(self) -> None:
        loop = asyncio.get_running_loop()
        while self._heap:
            virtual, real = self._clock.now(), loop.time()
            left = []
            soonest = _TICK
            for sleeper in sorted(self._heap):
                if sleeper[3].done():
                    continue
                if sleeper[0] <= virtual or sleeper[2] <= real:
                    sleeper[3].set_result(None)
                else:
                    left.append(sleeper)
                    soonest = min(soonest, sleeper[2] - real)
            self._heap = left
            if left:
                await asyncio.sleep(max(soonest, 0.0005))
