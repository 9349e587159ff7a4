"""The server: one daemon thread with its own loop, one port or more, one handler for everything.

``Server(world).start()`` returns once it listens; ``stop()`` cuts every connection first, so a hung client never delays
it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from functools import partial

from mockkms.server.gateway.gateway import Gateway
from mockkms.server.gateway.own_connection import cut
from mockkms.server.wire.answering import Answering
from mockkms.server.wire.eager_tasks import start_requests_at_once
from mockkms.server.wire.forks import Home
from mockkms.server.wire.listening.addresses import Address, UnixSocket
from mockkms.server.wire.listening.listener import Listener, listening, place_of
from mockkms.server.wire.loops import new_loop
from mockkms.server.wire.plaintext import refuse_http, speaks_http
from mockkms.server.wire.protocol import HEAD_SECONDS, Manager, Protocol
from mockkms.server.wire.tls import ServerTls
from mockkms.server.wire.tls_alerts import accepting
from mockkms.server.wire.tls_faults import meet

_LONGEST_STOP = 0.7
"""Seconds that ``stop`` waits for the server's thread."""
_LOG = logging.getLogger("mockkms.server")
_RETRY_SECONDS = 0.1
"""Seconds between attempts to listen on a port that was given up for a while, and is taken."""
_LONGEST_CALL = 60.0
"""Seconds for ``call``."""
_LONGEST_WORK = 5.0
"""Seconds for the end of aborted requests, and for a port of a cluster to open or close."""
_LONGEST_ENDING = 30.0
"""Seconds that ``start`` waits for the thread of the previous run."""


class Server:
    """Serves one world on one or more loopback ports."""

    def __init__(
        self,
        gateway: Gateway,
        *,
        tls: ServerTls | None = None,
        further: Sequence[Address | UnixSocket] = (),
        control: Address | None = None,
    ) -> None:
        """``control``: where the control API has a port of its own, on plain HTTP, which no fault touches."""
        self.gateway = gateway
        self._answering = Answering(gateway)
        self.control = control
        self.control_port = 0
        """The port in use for the control API alone; 0: none."""
        self._control_manager: Manager | None = None
        self._control_listener: Listener | None = None
        self.tls = tls
        self._addresses = list(further)
        self._further: dict[int | str, Address | UnixSocket] = {}
        """Additional addresses by the port in use, or the path of a Unix socket."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._home: Home | None = None
        """The process of the thread."""
        self._ending: threading.Thread | None = None
        """The thread of the previous run, which may not have ended yet."""
        self._manager: Manager | None = None
        self._listeners: list[Listener] = []
        self._deaf: list[socket.socket] | None = None
        """Connections that are not read from; None: all connections are read from."""
        self.ports: list[int] = []
        self._host = ""
        self._started_here: set[asyncio.Task[None]] = set()
        """Work that was started on the server's thread: the loop itself keeps no references to tasks."""
        self._refusing: asyncio.Task[None] | None = None
        """Listens again when ``refuse`` ends."""
        self._failure: BaseException | None = None
        gateway.host = self

    def start(self, host: str = "127.0.0.1", ports: tuple[int, ...] = (0,)) -> list[int]:
        """Listen on every port (0 picks one); returns the ports. Raises OSError for a taken one.

        Raises RuntimeError if a request of the previous run still holds its thread.
        """
        if self._ending is not None:
            self._ending.join(_LONGEST_ENDING)
            if self._ending.is_alive():
                raise RuntimeError("the last run of this server has not ended: a request still holds its thread")
        self.forget_copy()
        self._host = host
        own = [self.control] if self.control is not None else []
        places = [*own, *(Address(host, port) for port in ports), *self._addresses]
        sockets = _all_or_none(place.listen for place in places)
        found = [place_of(made) for made in sockets]
        if self.control is not None:
            self.control_port = int(found.pop(0))
        self.ports = [int(port) for port in found[: len(ports)]]
        self.gateway.world.core.server.ports.update(port for port in found if isinstance(port, int))
        self._further = dict(zip(found[len(ports) :], self._addresses, strict=True))
        ready = threading.Event()
        self._home = Home(self._descriptors)
        self._thread = threading.Thread(target=self._run, args=(sockets, ready), name="mockkms", daemon=True)
        self._thread.start()
        ready.wait()
        failure, self._failure = self._failure, None
        if failure is not None:
            self._thread.join()
            self._forget_run()
            raise failure
        return self.ports

    @property
    def running(self) -> bool:
        """Whether the server listens: it was started in this process, and not stopped."""
        return self._thread is not None and not self.is_copy

    @property
    def is_copy(self) -> bool:
        """Whether this process is a child of the one whose server this is."""
        return self._home is not None and self._home.elsewhere

    def forget_copy(self) -> None:
        """Forget the server of the parent, if this process is a child; it goes on there."""
        if self.is_copy:
            self._forget_run()
            self._listeners, self._manager, self._home = [], None, None

    def _descriptors(self) -> Iterator[int]:
        """Yield the files of the sockets of this server."""
        listeners = [*self._listeners, *([self._control_listener] if self._control_listener is not None else [])]
        for listener in listeners:
            yield from listener.descriptors()
        for manager in (self._manager, self._control_manager):
            for connection in manager.connections if manager is not None else ():
                made = connection.transport.get_extra_info("socket") if connection.transport is not None else None
                if made is not None:
                    yield made.fileno()
        for deaf in self._deaf or ():
            yield deaf.fileno()

    def stop(self) -> None:
        """Stop at once and abort all connections."""
        loop, thread = self._loop, self._thread
        if loop is None or thread is None:
            return
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(loop.stop)
        # The generation of a key or a silent external server can delay the end of the thread. It is a daemon thread.
        if thread is not threading.current_thread():
            thread.join(_LONGEST_STOP)
        self._ending = thread
        self._forget_run()

    def _forget_run(self) -> None:
        """Forget the loop, the thread and the ports: the next start may have other ports."""
        self.gateway.world.core.server.ports.difference_update(self.ports, self._further)
        self._loop = self._thread = None
        self.ports, self.control_port, self._further = [], 0, {}

    @property
    def further_urls(self) -> list[str]:
        """The additional addresses, with the ports in use."""
        return [place.url(port) for port, place in self._further.items()]

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop that the server runs on. Raises RuntimeError while it is not running."""
        if self._loop is None:
            raise RuntimeError("the server is not running")
        return self._loop

    def cut_all(self) -> None:
        """Abort every connection. On the server's thread only."""
        for listener in self._listeners:
            listener.drop_arriving()
        for connection in self._manager.connections if self._manager is not None else ():
            cut(connection.transport)

    def call(self, work: Callable[[], None]) -> None:
        """Call ``work`` on the server's thread, if it is running, and raise its errors here."""
        if not self.running or threading.current_thread() is self._thread:
            work()
            return

        async def run() -> None:
            work()

        asyncio.run_coroutine_threadsafe(run(), self.loop).result(_LONGEST_CALL)

    def cut_busy(self) -> None:
        """Abort connections with unanswered requests, wait for the end of their handlers, and listen again.

        Afterwards these requests have no further effects; on the server's own thread, once its caller has returned.
        Raises RuntimeError in a child of the server's process.
        """
        loop = self._loop
        if loop is None:
            return
        if self._home is not None and self._home.elsewhere:
            raise RuntimeError(f"the server runs in process {self._home.pid}; use RemoteKMS(kms.url) in its children")
        self._carry_out(loop, self._cut_busy())

    def _carry_out(self, loop: asyncio.AbstractEventLoop, work: Coroutine[object, object, None]) -> None:
        """Run ``work`` on the loop and wait for its end; on the server's own thread it is only started."""
        if threading.current_thread() is self._thread:
            task = loop.create_task(work)
            self._started_here.add(task)
            task.add_done_callback(self._started_here.discard)
        else:
            asyncio.run_coroutine_threadsafe(work, loop).result(_LONGEST_WORK)

    async def _cut_busy(self) -> None:
        self.listen_again()
        # A request may have been decided, and recorded, whose handler has not started yet.
        waiting = self._manager.connections if self._manager is not None else ()
        doomed = self._answering.busy | {
            one for one in waiting if isinstance(one, Protocol) and one.started is not None
        }
        if not doomed:
            return
        for connection in doomed:
            if connection.transport is not None:
                connection.transport.abort()
        # Handlers that start now are cancelled by the loss of their connection, which comes after them.
        for _ in range(2):
            await asyncio.sleep(0)
        while doomed & self._answering.busy:
            await asyncio.sleep(0)

    def refuse(self, seconds: float) -> None:
        """Stop listening, cut every connection, and listen again on the same ports. On the server's thread only."""
        self._close_listeners(self._listeners)
        self.cut_all()
        if self._refusing is not None:
            self._refusing.cancel()
        self._refusing = self.loop.create_task(self._reopen(seconds))

    def deaf(self, seconds: float) -> None:
        """Accept connections without reading from them for ``seconds``, then close them. On its thread only."""
        if self._deaf is None:
            self._deaf = []
            self.loop.call_later(seconds, self._hear)

    def _hear(self) -> None:
        unheard, self._deaf = self._deaf or (), None
        for made in unheard:
            made.close()

    def listen_again(self) -> None:
        """End ``refuse`` and ``deaf`` early. On the server's thread only.

        Raises OSError if another process has taken a port meanwhile; the server listens again when it is free.
        """
        self._hear()
        if self._refusing is not None:
            self._reopen_now()
            self._refusing.cancel()
            self._refusing = None

    async def _reopen(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        complained = False
        while True:
            try:
                self._reopen_now()
                break
            except OSError as error:  # The system may have given the port to an outgoing connection.
                if not complained:
                    complained = True
                    _LOG.warning(
                        "%s cannot be opened again after the fault `refuse`: %s; trying again until it can",
                        error.filename or "a port", error.strerror or error,
                    )  # fmt: skip
                await asyncio.sleep(_RETRY_SECONDS)
        self._refusing = None

    def _reopen_now(self) -> None:
        if not self._listeners:
            own = [partial(listening, self._host, port) for port in self._ports_to_open()]
            further = [partial(place.listen, port) for port, place in self._further.items()]
            self._listen_on(_all_or_none([*own, *further]))

    def _ports_to_open(self) -> list[int]:
        return self.ports

    def _run(self, sockets: list[socket.socket], ready: threading.Event) -> None:
        loop = new_loop()
        start_requests_at_once(loop)
        asyncio.set_event_loop(loop)
        self._loop = loop
        try:
            loop.run_until_complete(self._open(sockets))
            loop.call_soon(ready.set)
            loop.run_forever()
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits in start()
            self._failure = error
            for made in sockets:
                made.close()
        finally:
            loop.run_until_complete(self._close())
            loop.run_until_complete(loop.shutdown_asyncgens())
            asyncio.set_event_loop(None)
            loop.close()
            ready.set()

    async def _open(self, sockets: list[socket.socket]) -> None:
        self._manager = Manager(self._answering.handle, self._answering.start)
        if self.control is not None:
            self._control_manager = Manager(self._answering.handle_control)
            self._control_listener = Listener(sockets[0], self._welcome_control)
            sockets = sockets[1:]
        self._listen_on(sockets)

    def _listen_on(self, sockets: list[socket.socket]) -> None:
        self._listeners += [Listener(made, self._welcome) for made in sockets]

    def _close_listeners(self, doomed: list[Listener]) -> None:
        self._listeners = [listener for listener in self._listeners if listener not in doomed]
        for listener in doomed:
            listener.close()

    async def _welcome(self, made: socket.socket) -> None:
        """Make a connection of an accepted socket, unless a fault prevents it."""
        assert self._manager is not None
        if self._deaf is not None:
            self._deaf.append(made)
            return
        context, tls = None, self.tls
        if self._further:
            place = self._further.get(place_of(made))
            tls = place.tls if place is not None else tls
        if tls is not None:
            plan = self.gateway.world.faults.connecting()
            if plan is not None and plan.tls and not tls.presents(plan.tls):
                await meet(plan.tls, made)
                return
            context = tls.context_for(plan.tls if plan is not None else "")
        # An error here is one of the client's handshake, which the client sees.
        with contextlib.suppress(OSError):
            if context is not None and await _refused_as_plain(made):
                return
            accepting(made)
            await asyncio.get_running_loop().connect_accepted_socket(
                self._manager, made, ssl=context,
                ssl_handshake_timeout=HEAD_SECONDS if context is not None else None,
            )  # fmt: skip

    async def _welcome_control(self, made: socket.socket) -> None:
        assert self._control_manager is not None
        with contextlib.suppress(OSError):
            await asyncio.get_running_loop().connect_accepted_socket(self._control_manager, made)

    async def _close(self) -> None:
        self._close_listeners(self._listeners)
        if self._control_listener is not None:
            self._control_listener.close()
        self._hear()
        for manager in (self._manager, self._control_manager):
            if manager is None:
                continue
            for connection in manager.connections:
                if connection.transport is not None:
                    connection.transport.abort()
            await manager.shutdown(0.01)
        current = asyncio.current_task()
        pending = [task for task in asyncio.all_tasks() if task is not current]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await self.gateway.close()


def _all_or_none(makers: Iterable[Callable[[], socket.socket]]) -> list[socket.socket]:
    """Return the listening sockets that ``makers`` make; if one raises OSError, the others are closed."""
    made: list[socket.socket] = []
    try:
        for listen in makers:
            made.append(listen())
    except OSError:
        for one in made:
            one.close()
        raise
    return made


async def _refused_as_plain(made: socket.socket) -> bool:
    """Return whether a client on a port with TLS was refused, because it sent plain HTTP or nothing."""
    try:
        if not await speaks_http(made, HEAD_SECONDS):
            return False
    except OSError:
        made.close()
    else:
        await refuse_http(made)
    return True
