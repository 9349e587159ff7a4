"""A server with one port for each node of a cluster; single ports close and open again."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from mockkms.http.server import Server, _listen

_PATIENCE = 5.0
"""Seconds to wait for the server's thread."""
_TURNS = 4
"""Of the loop, until a connection that was just accepted is known as one: a listener closed before that loses it."""


class NodeServer(Server):
    """Every node has the port at its own place in ``ports``; further ports belong to the first node."""

    _closed: frozenset[int] = frozenset()

    def node_at(self, port: int) -> int:
        """The node that a local port belongs to."""
        place = self.ports.index(port) if port in self.ports else 0
        return place if place < len(self.ports) else 0

    def close_port(self, port: int, *, spare: Any = None) -> None:
        """Refuse connections to ``port`` and abort those there are, ``spare`` (a transport) a moment later."""
        self._closed |= {port}
        self._on_loop(self._close_port(port, spare))

    def open_port(self, port: int) -> None:
        """Listen on ``port`` again. Raises OSError where somebody else has taken it."""
        if port in self._closed:
            self._closed -= {port}
            self._on_loop(self._open_port(port))

    def _on_loop(self, work: Coroutine[Any, Any, None]) -> None:
        if self._loop is None:
            work.close()
            return
        try:
            here = asyncio.get_running_loop() is self._loop
        except RuntimeError:
            here = False
        if here:
            task = self._loop.create_task(work)
            self._reopening.add(task)
            task.add_done_callback(self._reopening.discard)
        else:
            asyncio.run_coroutine_threadsafe(work, self._loop).result(_PATIENCE)

    async def _close_port(self, port: int, spare: Any) -> None:
        loop = asyncio.get_running_loop()
        doomed = [one for one in self._listeners if any(made.getsockname()[1] == port for made in one.sockets)]
        for listener in doomed:
            self._listeners.remove(listener)
            for made in listener.sockets:
                loop.remove_reader(made.fileno())
        for _ in range(_TURNS):
            await asyncio.sleep(0)
        for listener in doomed:
            listener.close()
        for connection in list(self._manager.connections) if self._manager is not None else ():
            transport = connection.transport
            if transport is None or transport.get_extra_info("sockname")[1] != port:
                continue
            if transport is spare:
                loop.call_later(0.05, transport.abort)
            else:
                transport.abort()

    async def _open_port(self, port: int) -> None:
        await self._listen_on([_listen(self._host, port)])

    async def _reopen(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        if not self._listeners:
            await self._listen_on([_listen(self._host, port) for port in self.ports if port not in self._closed])
