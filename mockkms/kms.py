"""MockKMS: one server with one world, for tests and the command line."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self, SupportsIndex, TypeVar

from mockkms.arguments import check_arguments
from mockkms.environment import ServerEnvironment
from mockkms.faults.kinds.connections import NO_TLS
from mockkms.faults.kinds.state import ALONE
from mockkms.faults.parsing import unknown
from mockkms.handle import Handle
from mockkms.pem_folders import remove_abandoned_folders
from mockkms.server.front import Front
from mockkms.server.gateway.browsers import BrowserGuard
from mockkms.server.gateway.gateway import Gateway
from mockkms.server.wire.listening.addresses import Address, UnixSocket, address_of
from mockkms.server.wire.server import Server
from mockkms.server.wire.tls import OwnTls, Tls, TlsFiles, TrustedFile, server_tls
from mockkms.tenant import Tenant
from mockkms.urls import shown_host
from mockkms.vault.kernel.node import RAFT, STORAGES, SYSTEM_MAX_TTL, ServerSettings, alone
from mockkms.world.world import World
from mockkms.worldfile.initial import InitialWorld, known_option
from mockkms.worldfile.reading_back import dumped, read_back

if TYPE_CHECKING:
    from mockkms.api import Kms
    from mockkms.recording.writer import Recorder
    from mockkms.world.state_keeper import StateKeeper

AnyGateway = TypeVar("AnyGateway", bound=Gateway)
Listener = tuple[str, int, TlsFiles | None] | UnixSocket | str
"""An additional address: host, port (0 picks a free one) and TLS; or a Unix socket, as in ``unix:/run/vault.sock``."""


class MockKMS(Handle):
    """An emulated Vault and RustFS admin API on its own loopback port.

        with MockKMS(seed="world.yaml") as kms:
            client = hvac.Client(url=kms.url, token=kms.token)

    - ``seed``: a path, the name of a ready-made world, a dict, or a list of these, merged in order. The arguments of
      this class take precedence over the world's keys.
    - ``rng``: a seed that makes every id, key and nonce repeatable.
    - ``flavor``: ``vault`` (2.1), ``vault-1.21`` or ``openbao``.
    - ``state``: ``unsealed``, ``sealed`` or ``uninitialized`` (waiting for ``sys/init``, unlike a dev server).
    - ``tls``: True (a certificate for localhost; clients trust ``ca_file``), an SSLContext, or the paths of a
      certificate and a key in PEM. ``TlsFiles`` can also request client certificates.
    - ``further``: additional addresses: tuples of host, port and TLS, and texts such as ``unix:/run/vault.sock``.
    - ``fresh_keys``: generate every RSA key instead of using prepared ones (slow).
    - ``default_lease_ttl``, ``max_lease_ttl``: seconds; the default is 768 hours. ``storage``: ``raft`` has the
      endpoints of raft storage; data stays in memory.
    - ``plugin_directory``: the folder with the programs of external plugins, which can then be registered. They are
      never run: a world names the built-in types that answer for them (``plugins``).
    - ``control_token``: required by the control API, if given. ``control_anywhere``: the control API also answers
      clients on other machines and foreign host names. ``control_port``: a further port, for the control API alone, on
      plain HTTP; 0 picks one. No fault touches it, so that rules can be removed while ``refuse`` or ``tls`` works.
    - ``allow_hosts``: host names for whose pages browsers may send requests to loopback addresses; others are refused.
    - ``state_file``: a file that keeps Vault, RustFS admin API, clock and randomness over restarts. If it exists, its
      state is used instead of ``seed``, ``root_token``, ``rng`` and ``state``.
    - ``upstream``: the address of a real server. Rules and journal then apply to requests forwarded to it (proxy
      mode). ``upstream_ca`` (PEM; default: the system's certificates) or ``upstream_insecure`` verify its certificate,
      ``upstream_cert`` (certificate and key, PEM) is the client certificate, ``upstream_timeout`` is the time without
      data in seconds after which a response is given up. ``root_token`` is then only passed on to clients, and a world
      may contain only rules and a clock.
    - ``record``: a new file for a recording, without secrets, of the requests to ``upstream`` and its answers, of at
      most ``record_limit`` bytes (256 MiB). ``replay``: a recording to answer from; requests that are not in it get an
      error with status 599, with ``replay_fallback`` the emulated server's answer.

    Several ``with`` blocks may use one server, which the end of the last one stops.

    Raises ``mockkms.SeedError`` for an invalid world, and ValueError for invalid arguments and PEM files. ``start``
    raises OSError for a port in use.
    """

    _state_restored = False
    _denied: ClassVar[Mapping[str, str]] = ALONE

    def __init__(
        self,
        *,
        seed: object = None,
        host: str = "127.0.0.1",
        port: int = 0,
        rustfs_port: int | None = None,
        root_token: str | None = None,
        rng: int | str | None = None,
        flavor: str | None = None,
        state: str | None = None,
        tls: Tls | None = None,
        further: Sequence[Listener] = (),
        fresh_keys: bool = False,
        default_lease_ttl: int | None = None,
        max_lease_ttl: int | None = None,
        cluster_name: str = "",
        storage: str = "inmem",
        plugin_directory: str | Path = "",
        control_token: str = "",
        control_anywhere: bool = False,
        control_port: int | None = None,
        allow_hosts: Sequence[str] = (),
        state_file: str | Path | None = None,
        upstream: str | None = None,
        upstream_ca: str | Path = "",
        upstream_cert: tuple[str | Path, str | Path] | None = None,
        upstream_insecure: bool = False,
        upstream_timeout: float = 60.0,
        record: str | Path | None = None,
        record_limit: int | None = None,
        replay: str | Path | None = None,
        replay_fallback: bool = False,
    ) -> None:
        check_arguments(locals())
        self._running = threading.RLock()
        """Held while the server starts or stops, so that several threads can do either."""
        self._holders = 0
        """The ``with`` blocks that the server runs for; the last one to end stops it."""
        self._control = (control_token, control_anywhere)
        self._browsers = BrowserGuard(allow_hosts)
        self._host = host
        self._ports: tuple[int, ...] = (port,) if rustfs_port is None else (port, rustfs_port)
        self._initial = InitialWorld(seed, root_token=root_token, rng=rng, flavor=flavor, state=state)
        context = OwnTls(host) if tls is True else server_tls(tls)
        self._trusted = TrustedFile(tls, context)
        self._scheme = "http" if context is None else "https"
        largest = max_lease_ttl or SYSTEM_MAX_TTL
        if default_lease_ttl is not None and default_lease_ttl > largest:
            raise ValueError(
                f"default_lease_ttl={default_lease_ttl}: expected at most max_lease_ttl, which is {largest}"
            )
        usual = min(default_lease_ttl or SYSTEM_MAX_TTL, largest)
        plugins = os.path.abspath(plugin_directory) if plugin_directory else ""
        if plugins and not os.path.isdir(plugins):
            raise ValueError(f"plugin_directory={str(plugin_directory)!r}: the folder does not exist")
        settings = ServerSettings(usual, largest, cluster_name, known_option("storage", storage, STORAGES), plugins)
        self._world = World(loader=self._initial.load, dumper=dumped, reader=read_back, server=settings)
        self._front = Front(
            self._world, state=state, upstream=upstream, ca=upstream_ca, cert=upstream_cert,
            insecure=upstream_insecure, timeout=upstream_timeout, record=record, record_limit=record_limit,
            replay=replay, replay_fallback=replay_fallback,
        )  # fmt: skip
        self.world.faults.denied = self._denied
        self.world.faults.tls_denied = NO_TLS if context is None else context.denied
        self.world.entropy.fresh_keys = fresh_keys
        self._initial.begin(self._world)
        self._keeper = self._kept_in(Path(state_file)) if state_file is not None else None
        self._gateway = self._guarded(self._made_gateway())
        addresses = [address_of(one) for one in further]
        own = None if control_port is None else Address("127.0.0.1", control_port)
        self._server = Server(self._gateway, tls=context, further=addresses, control=own)

    @property
    def url(self) -> str:
        """The address of the server, without a trailing slash; Vault's API is below ``/v1/``.

        Raises RuntimeError before ``start`` and after ``stop``: each start may have another port.
        """
        return self._address(0)

    @property
    def rustfs_url(self) -> str:
        """The address for clients of the RustFS admin API (both APIs answer on every port)."""
        return self._address(-1)

    def _address(self, which: int) -> str:
        ports = self._server.ports
        if not ports:
            raise RuntimeError(
                "the server has no address while it is not running; use start() or `with MockKMS() as kms:`"
            )
        return f"{self._scheme}://{self._shown_host}:{ports[which]}"

    @property
    def ca_file(self) -> str:
        """Path of the certificate (PEM) that clients must trust; empty if it is not known.

        With ``tls=True``, and for a certificate in one file with its key, there is one only while the server runs. One
        that is set, such as that of the authority of an own certificate, stays; an empty one is as if none were set.
        """
        return self._trusted.path

    @ca_file.setter
    def ca_file(self, path: str | Path) -> None:
        check_arguments({"ca_file": path})
        self._trusted.chosen = str(path)

    @property
    def control_url(self) -> str:
        """The address of the control API, below which ``/_mockkms/`` is: with ``control_port`` one without faults."""
        port = self._server.control_port
        return f"http://127.0.0.1:{port}" if port else self.url

    @property
    def further_urls(self) -> list[str]:
        """The additional addresses, in the form of ``url`` or ``unix:///path``; empty while it is not running."""
        return self._server.further_urls

    @property
    def _shown_host(self) -> str:
        return shown_host(self._host)

    @property
    def world(self) -> World:
        """The world itself."""
        return self._world

    def start(self) -> Self:
        """Start listening and return self; does nothing while it runs.

        Raises OSError for a port in use, and ValueError if it is its own upstream or another server has the state file.
        """
        with self._running:
            if not self._server.running:
                self._start()
        return self

    def _start(self) -> None:
        remove_abandoned_folders()
        if self._keeper is not None:
            self._keeper.start()
        try:
            self._server.start(self._host, self._ports)
            self._front.check_address(self._host, self._server.ports)
            self._trusted.open()
        except BaseException:
            self._server.stop()
            self._trusted.close()
            if self._keeper is not None:
                self._keeper.stop()
            raise
        if self.world.core.server.storage == RAFT:
            self.world.core.server.standing = alone(self.url, self.clock.now())

    def __reduce_ex__(self, protocol: SupportsIndex) -> str:
        raise TypeError(f"{self!r} cannot be pickled or copied; give another process its url and token")

    def stop(self) -> None:
        """Stop immediately and close all connections; does nothing if it does not run in this process."""
        with self._running:
            self._holders = 0
            self._stop()

    def _stop(self) -> None:
        if self._server.is_copy:
            # In a child of the process that started it: its files and its server are the parent's.
            self._server.forget_copy()
            return
        self._server.stop()
        self._front.close()
        if self._keeper is not None:
            self._keeper.stop()
        self._trusted.close()

    def reset(self) -> None:
        """Return to the baseline: state, clock, faults and journal. All tenants are dropped.

        Connections with a pending request are closed first, so that it cannot change the world afterwards.
        """
        self._server.cut_busy()
        self._gateway.tenants.clear()
        self.world.reset()

    def tenant(self, id: str, *, now: bool = False) -> Tenant:
        """Return the tenant behind ``/t/<id>``, created from the baseline if it is new.

        ``now``: always create it, from the server's current state. Raises ValueError for an invalid id, and TenantError
        (a ValueError) if all tenants are busy.
        """
        check_arguments({"tenant": id, "now": now})
        if now:
            self._gateway.tenants.forget(id)
            self._gateway.tenants.world(id, now=True)
        return Tenant(id, self.url, self._gateway.tenants, self._act, self.ca_file)

    def act(self, **words: object) -> None:
        """Run actions on the server, named like the fault kinds: ``act(expire="last")``, ``act(restart="keep")``.

        Raises ValueError for unknown ones, for invalid values, and for what does not exist.
        """
        self._act(words)

    def _act(self, words: dict[str, object], tenant: str = "") -> None:
        from mockkms.server.control.routes import run_actions

        self._server.call(lambda: run_actions(words, *self._gateway.host_of(tenant)))

    def tenants(self) -> list[str]:
        """Return the ids of the tenants, the least recently used first."""
        return list(self._gateway.tenants.names())

    def forget_tenant(self, id: str) -> None:
        """Drop a tenant. Raises ValueError for an unknown id."""
        check_arguments({"tenant": id})
        if not self._gateway.tenants.forget(id):
            raise unknown(id, self.tenants(), "tenant")

    @property
    def recorder(self) -> Recorder | None:
        """What writes the recording: ``recorder.exchanges``, ``recorder.left_out``; None without ``record``."""
        return self._front.recorder

    def section(self, name: str) -> None:
        """Begin a section, such as a test: ``record`` writes its beginning, ``replay`` answers from it alone."""
        self._front.section(self._gateway, name)

    @property
    def state_file(self) -> Path | None:
        """The file that keeps the state over restarts, if there is one."""
        return self._keeper.path if self._keeper is not None else None

    @property
    def state_restored(self) -> bool:
        """Whether the world was loaded from an existing state file."""
        return self._state_restored

    @property
    def state_complete(self) -> bool:
        """Whether the state file has all changes, as far as is known: False once ``stop`` could not write the last."""
        return self._keeper is None or self._keeper.complete

    def _kept_in(self, path: Path) -> StateKeeper:
        """Load the state in a file, if it exists, and return its keeper. Raises StateFileError."""
        from mockkms.world import state_file
        from mockkms.world.state_keeper import StateKeeper

        self.world.require_state(f"state_file={str(path)!r}")
        self._state_restored = state_file.resume(self.world, path, self._initial.flavor)
        logger = logging.getLogger("mockkms")
        return StateKeeper(self.world, path, self._activity, logger.warning)

    def _activity(self) -> object:
        """Return a value that changes with every request."""
        world = self.world
        return (
            world.journal.total,
            world.resets,
            self._gateway.control.served,
            world.clock.state(),
            world.core.seal.status,
        )

    def _made_gateway(self) -> Gateway:
        return self._front.gateway()

    def _guarded(self, gateway: AnyGateway) -> AnyGateway:
        """Apply the access options of the control API to a gateway and return it."""
        gateway.control.token, gateway.control.anywhere = self._control
        gateway.control.browsers = gateway.browsers = self._browsers
        return gateway

    def load(self, *seeds: object) -> None:
        """Replace the world by the initial one with ``seeds`` merged over it, and make that the baseline of ``reset``.

        Without seeds it is the initial world. All tenants are dropped. Raises SeedError; the world is unchanged then.
        """
        self._server.cut_busy()
        super().load(*seeds)
        self._gateway.tenants.clear()

    def check_worlds(self) -> None:
        """Read the initial worlds again without using them. Raises SeedError for errors in them."""
        self._initial.read()

    def reload(self) -> None:
        """Read the initial worlds again and make them the initial state; the root token stays.

        Changes by clients and all tenants are dropped. Raises SeedError; the world is unchanged then.
        """
        spec = self._initial.read()
        self._server.cut_busy()
        self._initial.reload(self._world, spec)
        self._gateway.tenants.clear()

    def __repr__(self) -> str:
        where = f"at {self.url}" if self._server.running else "not running"
        return f"<{type(self).__name__} of {self.flavor} {where}, {self.state}>"

    def __enter__(self) -> Self:
        with self._running:
            if not self._server.running:
                self._holders = 0  # Those of a server that has been stopped, or of the parent of this process.
            self.start()
            self._holders += 1
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._release()

    def _release(self) -> None:
        """Stop the server at the end of the last block that uses it."""
        with self._running:
            self._holders = max(0, self._holders - 1)
            if not self._holders:
                self._stop()

    async def __aenter__(self) -> Self:
        return self.__enter__()  # Milliseconds: the server has a thread of its own.

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        self._release()

    def environment(self) -> ServerEnvironment[Self]:
        """Return a context, usable as a decorator, that sets ``VAULT_ADDR``, ``VAULT_TOKEN``, … and restores them.

        A server that is not running is started, and stopped at the end: ``with MockKMS().environment() as kms:``.
        """
        return ServerEnvironment(self, self._held, self._release)

    def _held(self) -> bool:
        """Let the server run for one more block; return False if ``start`` has started it, which no block stops."""
        with self._running:
            if self._server.running and not self._holders:
                return False
            self.__enter__()
            return True


if TYPE_CHECKING:

    def _has_the_whole_interface(one: MockKMS) -> Kms:
        return one
