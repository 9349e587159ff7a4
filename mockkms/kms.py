"""MockKMS: one server with one world, as tests and the command line hold it."""

from __future__ import annotations

import copy
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from mockkms.handle import Handle
from mockkms.server.gateway.browsers import BrowserGuard
from mockkms.server.gateway.gateway import Gateway
from mockkms.server.wire.server import Server
from mockkms.server.wire.tls import NO_TLS, Address, OwnTls, ServerTls, TlsFiles
from mockkms.tenant import Tenant
from mockkms.vault.products import DEFAULT, product_named
from mockkms.world.world import Snapshot, UpstreamError, World

if TYPE_CHECKING:
    from mockkms.api import Kms
    from mockkms.server.proxy.upstream import Upstream
    from mockkms.worldfile import WorldSpec

AnyGateway = TypeVar("AnyGateway", bound=Gateway)
Tls = bool | ssl.SSLContext | tuple[str | Path, str | Path] | TlsFiles
Listener = tuple[str, int, TlsFiles | None]
"""Host, port (0 picks one) and TLS of a further address to listen on."""
_ALONE = {"step_down": "there is nobody to take over from one server; mockkms.Cluster and serve --nodes make several"}
_KEPT_WORLDS = 64
"""Loaded worlds that are kept ready."""
STATES = ("uninitialized", "sealed", "unsealed")


class MockKMS(Handle):
    """An emulated Vault and RustFS admin API on a loopback port of its own.

        with MockKMS(seed="world.yaml") as kms:
            client = hvac.Client(url=kms.url, token=kms.token)

    ``seed`` is a path, the name of a ready-made world, a dict, or a list of these laid over one another. ``rng`` makes
    every id, key and nonce repeat. ``flavor`` is ``vault`` (2.1), ``vault-1.21`` or ``openbao``. ``state`` is
    ``unsealed``, ``sealed`` or ``uninitialized``: waiting for ``sys/init`` as a server that is no dev server does.
    ``tls`` is True (a certificate for localhost that clients trust by ``ca_file``), an SSLContext, or the paths of a
    certificate and a key in PEM (``TlsFiles`` asks clients for certificates too). ``further`` addresses are listened on
    besides, each with its TLS. ``fresh_keys`` makes every RSA key anew (slow). The lease limits are in seconds, 768
    hours unless given. The control API asks for ``control_token`` where one is given, and with ``control_anywhere``
    answers peers and host names that are not local. A browser's requests for pages of foreign hosts are refused on
    loopback addresses, unless ``allow_hosts`` names their host. Arguments win over the world's own words. With
    ``upstream``, the address of a real server, rules and journal stand in front of that one instead: it is trusted by
    ``upstream_ca`` (PEM) or the system's certificates, or whatever it shows (``upstream_insecure``), is shown
    ``upstream_cert`` (certificate and key, PEM) where it asks, and given up after ``upstream_timeout`` silent seconds.
    Its state is its own: ``root_token`` is only told to clients, and a world can hold rules and a clock, no more.
    Raises ``mockkms.SeedError`` for a world with faults, and ValueError for arguments and PEM files that cannot be;
    ``start`` raises OSError for a taken port.
    """

    _denied: ClassVar[Mapping[str, str]] = _ALONE

    def __init__(
        self,
        *,
        seed: Any = None,
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
        control_token: str = "",
        control_anywhere: bool = False,
        allow_hosts: Sequence[str] = (),
        upstream: str | None = None,
        upstream_ca: str | Path = "",
        upstream_cert: tuple[str | Path, str | Path] | None = None,
        upstream_insecure: bool = False,
        upstream_timeout: float = 60.0,
    ) -> None:
        self._control = (control_token, control_anywhere)
        self._browsers = BrowserGuard(allow_hosts)
        self._host = host
        self._ports: tuple[int, ...] = (port,) if rustfs_port is None else (port, rustfs_port)
        self._seeds = _listed(seed)
        self._words = {"root_token": root_token, "rng": rng, "flavor": _known_flavor(flavor)}
        self._loaded: dict[str, Snapshot] = {}
        self._state = _known_state(state)
        self.ca_file = _certificate(tls)
        """Path of the certificate (PEM) that clients must trust, where the server knows it; for ``tls=True`` there from
        ``start`` to ``stop``."""
        self._own_tls = OwnTls(host) if tls is True else None
        context = self._own_tls or _context(tls)
        self._scheme = "http" if context is None else "https"
        self._upstream = None
        self._world = World()
        if upstream is not None:
            if state is not None:
                raise UpstreamError(f"state={state!r}: the state of {upstream} is its own")
            self._upstream = _server_at(
                upstream, ca_file=upstream_ca, cert=upstream_cert, insecure=upstream_insecure, timeout=upstream_timeout
            )
            self.world.stand_before(self._upstream.url)
        self.world.faults.denied = self._denied
        self.world.faults.tls_denied = NO_TLS if context is None else context.denied
        self.world.entropy.fresh_keys = fresh_keys
        core = self.world.core
        core.max_lease_ttl = max_lease_ttl or core.max_lease_ttl
        core.default_lease_ttl = min(default_lease_ttl or core.default_lease_ttl, core.max_lease_ttl)
        core.cluster_name = cluster_name
        self._populate(self._seeds)
        self.world.dumper, self.world.loader = _dump, self._load
        self._gateway = self._guarded(self._made_gateway())
        addresses = [Address(place, number, own.server() if own else None) for place, number, own in further]
        self._server = Server(self._gateway, tls=context, further=addresses)

    @property
    def url(self) -> str:
        """The address of the server, without a trailing slash; Vault's API is below ``/v1/``."""
        return self._address(0)

    @property
    def rustfs_url(self) -> str:
        """The address for clients of the RustFS admin API (both APIs answer on every port)."""
        return self._address(-1)

    def _address(self, which: int) -> str:
        ports = self._server.ports
        if not ports:
            raise RuntimeError("no address: this server is not started; `with MockKMS() as kms:` or start() does it")
        return f"{self._scheme}://{self._shown_host}:{ports[which]}"

    @property
    def further_urls(self) -> list[str]:
        """The addresses besides, as ``url``; none before the start."""
        found = self._server.further
        return [f"http{'s' if place.tls else ''}://{_shown(place.host)}:{port}" for place, port in found]

    @property
    def _shown_host(self) -> str:
        return _shown(self._host)

    @property
    def world(self) -> World:
        """The world itself."""
        return self._world

    def start(self) -> Self:
        """Listen; returns itself. Raises OSError where a port is taken, ValueError where it is its own upstream."""
        self._server.start(self._host, self._ports)
        upstream = self._upstream
        if upstream is not None and upstream.port in self._server.ports and upstream.is_here(self._host):
            self._server.stop()
            raise UpstreamError(f"{upstream.url} is this server itself")
        if self._own_tls is not None:
            self._own_tls.open()
            self.ca_file = self._own_tls.ca_file
        return self

    def stop(self) -> None:
        """Stop at once, cutting every connection."""
        self._server.stop()
        if self._own_tls is not None:
            self._own_tls.close()
            self.ca_file = ""

    def reset(self) -> None:
        """Back to the world of the start, or as last loaded: state, clock, faults, journal. All tenants are dropped.

        Requests that still wait for their answer are cut first, so that they do nothing to the world after it.
        """
        self._server.cut_busy()
        self._gateway.tenants.clear()
        self.world.reset()

    def tenant(self, id: str) -> Tenant:
        """A handle on the world behind ``/t/<id>``, made from the baseline if it is new.

        Raises TenantError (a ValueError) for an id that no tenant can have, or where all are busy.
        """
        return Tenant(id, self.url, self._gateway.tenants, self.ca_file)

    def _made_gateway(self) -> Gateway:
        if self._upstream is None:
            return Gateway(self.world)
        from mockkms.server.proxy.gateway import ProxyGateway

        return ProxyGateway(self.world, self._upstream)

    def _guarded(self, gateway: AnyGateway) -> AnyGateway:
        """The gateway, its control API guarded as the options say."""
        gateway.control.token, gateway.control.anywhere = self._control
        gateway.control.browsers = gateway.browsers = self._browsers
        return gateway

    def load(self, *seeds: Any) -> None:
        """Go to the world of the start with ``seeds`` laid over it; ``reset`` goes back there from now on.

        Without seeds it is the world of the start. All tenants are dropped. Raises SeedError, then nothing has changed.
        """
        self._server.cut_busy()
        self._gateway.tenants.clear()
        super().load(*seeds)

    def _load(self, world: World, seeds: list[Any]) -> None:
        """Put a world, ours or a tenant's, into the state of the start with ``seeds`` over it."""
        if not seeds and world.start is not None:
            world.baseline = world.start
            world.reset()
            return
        name = repr([(seed, _changed(seed)) for seed in seeds])
        kept = self._loaded.get(name)
        if kept is None:
            spec = self._read([*self._seeds, *seeds])
            before = world.snapshot()
            if world.beside is not None:
                world.beside.put_back(b"")  # Nodes begin anew too.
            try:
                self._apply(world, spec)
            except ValueError:
                world.restore(before)
                raise
            kept = world.snapshot()
            if len(self._loaded) >= _KEPT_WORLDS:
                self._loaded.pop(next(iter(self._loaded)))
            self._loaded[name] = kept
        # Rules count in place: each world needs its own.
        faults = copy.deepcopy(kept.faults if world is self._world else kept.faults.of_requests())
        world.baseline = replace(kept, faults=faults)
        world.reset()

    def _populate(self, seeds: Sequence[Any]) -> None:
        self._apply(self._world, self._read(seeds) if seeds else None)
        self._world.baseline = self._world.start = self._world.snapshot()

    def _read(self, seeds: Sequence[Any]) -> WorldSpec:
        from mockkms.worldfile import load

        word = {"vault": {"state": self._state}} if self._state is not None else {}
        return load([*seeds, word])

    def _apply(self, world: World, spec: WorldSpec | None) -> None:
        words = self._words
        if spec is not None and world.upstream:
            for section in ("vault", "rustfs", "exact"):
                if spec.sections.get(section):
                    world.own_state(f"{section}: of a world")
        rng = words["rng"] if words["rng"] is not None else spec.rng if spec else None
        flavor = words["flavor"] or (spec and spec.flavor) or DEFAULT
        token = words["root_token"] or (spec and spec.root_token) or "root"
        world.begin(root_token=str(token), rng=rng, flavor=str(flavor), clock=spec.clock if spec else None)
        if spec is not None:
            from mockkms.worldfile import populate

            populate(world, spec)
        elif self._state is not None:
            world.settle(self._state)
        if world.upstream:
            world.root_token = str(words["root_token"] or "")
        elif world.core.seal.status == "uninitialized":
            world.root_token = ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()


def _server_at(url: str, **words: Any) -> Upstream:
    from mockkms.server.proxy.upstream import Upstream

    return Upstream(url, **words)


def _listed(seed: Any) -> list[Any]:
    if seed is None:
        return []
    return list(seed) if isinstance(seed, (list, tuple)) else [seed]


def _changed(seed: Any) -> int:
    """When a seed file last changed, so that an edited one is read anew."""
    try:
        return Path(seed).stat().st_mtime_ns
    except (TypeError, OSError, ValueError):
        return 0


def _dump(world: World) -> str:
    from mockkms.worldfile import dump

    with world.lock:
        return dump(world)


def _context(tls: Tls | None) -> ServerTls | None:
    if not tls:
        return None
    if isinstance(tls, ssl.SSLContext):
        return ServerTls(tls)
    if isinstance(tls, TlsFiles):
        return tls.server()
    if isinstance(tls, bool) or len(tls) != 2:
        raise ValueError(f"tls={tls!r}: True, an SSLContext, or the paths of a certificate and a key")
    return TlsFiles(*tls).server()


def _certificate(tls: Tls | None) -> str:
    if isinstance(tls, TlsFiles):
        return str(tls.certificate)
    return str(tls[0]) if isinstance(tls, (tuple, list)) else ""


def _shown(host: str) -> str:
    """A host for addresses: where it is all of them, the loopback one."""
    host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"[{host}]" if ":" in host else host


def _known_flavor(flavor: str | None) -> str | None:
    return flavor if flavor is None else product_named(flavor).name


def _known_state(state: str | None) -> str | None:
    if state is not None and state not in STATES:
        raise ValueError(f"state={state!r}: one of {', '.join(STATES)}")
    return state


if TYPE_CHECKING:

    def _has_the_whole_interface(one: MockKMS) -> Kms:
        return one
