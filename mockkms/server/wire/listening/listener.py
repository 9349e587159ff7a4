"""Accepts connections on a port, without losing any when it is closed.

asyncio's own server has one TLS context for all connections, and loses a connection that it accepts while it is closed:
the client would wait forever. Here each connection is passed on separately, and connections that are not passed on yet
are closed with the port.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress

from mockkms.server.gateway.own_connection import is_spared

BACKLOG = 512
_SHORT_OF = frozenset((errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM))
_BREATH = 0.1
"""Seconds without accepting connections if the system is short of files or memory."""

Welcome = Callable[[socket.socket], Coroutine[object, object, None]]


class Listener:
    """A listening socket. On the loop's thread only. ``welcome`` makes a connection of each accepted socket."""

    def __init__(self, made: socket.socket, welcome: Welcome) -> None:
        self.port = place_of(made)
        """The port, or the path of a Unix socket."""
        self._socket, self._welcome = made, welcome
        self._loop = asyncio.get_running_loop()
        self._arriving: dict[asyncio.Task[None], socket.socket] = {}
        self._open = True
        self._listen()

    def _listen(self) -> None:
        if self._open:
            self._loop.add_reader(self._socket, self._accept)

    def _accept(self) -> None:
        for _ in range(BACKLOG):
            try:
                made, _address = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in _SHORT_OF:
                    raise
                self._loop.remove_reader(self._socket)
                self._loop.call_later(_BREATH, self._listen)
                return
            made.setblocking(False)
            task = self._loop.create_task(self._welcome(made))
            self._arriving[task] = made
            task.add_done_callback(self._arrived)

    def _arrived(self, task: asyncio.Task[None]) -> None:
        made = self._arriving.pop(task)
        if task.cancelled() or task.exception() is not None:
            # A task that never started has not closed it.
            made.close()

    def descriptors(self) -> Iterator[int]:
        """Yield the files of its socket and of the connections that are not passed on yet."""
        yield self._socket.fileno()
        for made in self._arriving.values():
            yield made.fileno()

    def drop_arriving(self) -> None:
        """Close the connections that are not passed on yet, such as those in a TLS handshake."""
        for task, made in self._arriving.items():
            if not is_spared(made.fileno()):
                task.cancel()

    def close(self) -> None:
        """Close the port."""
        self._open = False
        self._loop.remove_reader(self._socket)
        self._socket.close()
        if isinstance(self.port, str):
            with suppress(OSError):
                os.unlink(self.port)
        self.drop_arriving()


def place_of(made: socket.socket) -> int | str:
    """Return the port of a socket, or the path of a Unix socket."""
    name = made.getsockname()
    return str(name) if isinstance(name, (str, bytes)) else int(name[1])


def listening(host: str, port: int) -> socket.socket:
    """Return a listening socket; 0 picks a free one. Raises OSError if it is taken: ``filename`` is its address."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        # Only listening reserves the port: until then a second server could bind it too.
        made.listen(BACKLOG)
        made.setblocking(False)
    except OSError as error:
        made.close()
        error.filename = f"{host}:{port}"
        raise
    return made
