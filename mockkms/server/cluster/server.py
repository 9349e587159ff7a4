"""A server with one port for each node of a cluster, which can be closed and opened separately."""

from __future__ import annotations

import asyncio

from mockkms.server.wire.listening.listener import listening
from mockkms.server.wire.server import Server


class NodeServer(Server):
    """``ports`` has the port of each node, in order; additional ports belong to the first node."""

    _closed: frozenset[int] = frozenset()

    def node_at(self, port: int) -> int:
        """Return the node of a local port."""
        place = self.ports.index(port) if port in self.ports else 0
        return place if place < len(self.ports) else 0

    def close_port(self, port: int, *, spare: object = None) -> None:
        """Close ``port`` and abort its connections, ``spare`` (a transport) a moment later."""
        self._closed |= {port}
        if self._loop is not None:
            self._carry_out(self._loop, self._close_port(port, spare))

    def open_port(self, port: int) -> None:
        """Listen on ``port`` again. Raises OSError if it is in use."""
        if port in self._closed:
            self._closed -= {port}
            if self._loop is not None:
                self._carry_out(self._loop, self._open_port(port))

    async def _close_port(self, port: int, spare: object) -> None:
        loop = asyncio.get_running_loop()
        self._close_listeners([listener for listener in self._listeners if listener.port == port])
        for connection in list(self._manager.connections) if self._manager is not None else ():
            transport = connection.transport
            if transport is None or transport.get_extra_info("sockname")[1] != port:
                continue
            if transport is spare:
                loop.call_later(0.05, transport.abort)
            else:
                transport.abort()

    async def _open_port(self, port: int) -> None:
        self._listen_on([listening(self._host, port)])

    def _ports_to_open(self) -> list[int]:
        return [port for port in self.ports if port not in self._closed]
