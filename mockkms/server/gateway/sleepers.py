"""Waiting inside the server: until real time has passed, or the world's clock was moved past the moment.

A frozen clock never makes a wait endless, and advancing it wakes those who wait in the order of their moments.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from itertools import count

from mockkms.world.clock import Clock

_TICK = 0.01
"""Seconds between looks at the world's clock while somebody sleeps."""


_HANG_TICK = 0.02
"""Seconds between looks at whether the world was put back while a request hangs."""


class Sleepers:
    """Those who wait on one world's clock."""

    def __init__(self, clock: Clock, resets: Callable[[], int] = lambda: 0) -> None:
        self._clock = clock
        self._resets = resets
        """How often the world was put back so far."""
        self._heap: list[tuple[float, int, float, asyncio.Future[None]]] = []
        self._numbers = count()
        self._waker: asyncio.Task[None] | None = None

    async def sleep(self, seconds: float) -> None:
        """Return after ``seconds`` of real time or of the world's clock, whichever comes first."""
        if seconds <= 0:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        heapq.heappush(self._heap, (self._clock.now() + seconds, next(self._numbers), loop.time() + seconds, future))
        if self._waker is None or self._waker.done():
            self._waker = loop.create_task(self._wake())
        await future

    async def hang(self, seconds: float) -> None:
        """Return after ``seconds`` (0: never), as ``sleep`` does, or as soon as the world is put back."""
        begun = self._resets()
        sleep = asyncio.ensure_future(self.sleep(seconds)) if seconds else None
        try:
            while self._resets() == begun and (sleep is None or not sleep.done()):
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
