"""MockKMS: one server with one world, as tests and the command line hold it."""

from __future__ import annotations

import ssl
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from mockkms.clock import Clock
from mockkms.faults import RuleBook
from mockkms.http.door import Door
from mockkms.http.server import Server
from mockkms.http.tls import NO_TLS, OwnTls, ServerTls, from_files
from mockkms.journal import Journal
from mockkms.tenant import Tenant
from mockkms.world import Snapshot, World

if TYPE_CHECKING:
    from mockkms.seed import WorldSpec
    from mockkms.vault.policy.explain import Explanation

Tls = bool | ssl.SSLContext | tuple[str | Path, str | Path]
STATES = ("uninitialized", "sealed", "unsealed")


class MockKMS:
    """An emulated Vault and RustFS admin API on a loopback port of its own.

        with MockKMS(seed="world.yaml") as kms:
            client = hvac.Client(url=kms.url, token=kms.token)

    ``seed`` is a path, the name of a ready-made world, a dict, or a list of these laid over one another. ``rng`` makes
    every id, key and nonce repeat. ``flavor`` is ``vault`` or ``openbao``. ``state`` is ``unsealed``, ``sealed`` or
    ``uninitialized``: waiting for ``sys/init`` as a server that is no dev server does. ``tls`` is True (a certificate
    for localhost that clients trust by ``ca_file``), an SSLContext, or the paths of a certificate and a key in PEM.
    ``fresh_keys`` makes every RSA key anew (slow). The lease limits are in seconds, 768 hours unless given. Arguments
    win over the world's own words.

    Raises ``mockkms.SeedError`` for a world with faults, and ValueError for arguments and PEM files that cannot be;
    ``start`` raises OSError for a taken port.
    """

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
        fresh_keys: bool = False,
        default_lease_ttl: int | None = None,
        max_lease_ttl: int | None = None,
        cluster_name: str = "",
    ) -> None:
        self._host = host
        self._ports: tuple[int, ...] = (port,) if rustfs_port is None else (port, rustfs_port)
        self._seeds = _listed(seed)
        self._words = {"root_token": root_token, "rng": rng, "flavor": flavor}
        self._loaded: dict[str, Snapshot] = {}
        self._state = _known_state(state)
        self.ca_file = str(tls[0]) if isinstance(tls, (tuple, list)) else ""
        """Path of the certificate (PEM) that clients must trust, where the server knows it; for ``tls=True`` there from
        ``start`` to ``stop``."""
        self._own_tls = OwnTls(host) if tls is True else None
        context = self._own_tls or _context(tls)
        self._scheme = "http" if context is None else "https"
        self.world = World()
        self.world.faults.tls_denied = NO_TLS if context is None else context.denied
        self.world.entropy.fresh_keys = fresh_keys
        core = self.world.core
        core.max_lease_ttl = max_lease_ttl or core.max_lease_ttl
        core.default_lease_ttl = min(default_lease_ttl or core.default_lease_ttl, core.max_lease_ttl)
        core.cluster_name = cluster_name
        self._populate(self._seeds)
        self.world.dumper = _dump
        self._door = Door(self.world)
        self._server = Server(self._door, tls=context)

    @property
    def url(self) -> str:
        """The address of the server, without a trailing slash; Vault's API is below ``/v1/``."""
        return f"{self._scheme}://{self._shown_host}:{self._server.ports[0]}"

    @property
    def rustfs_url(self) -> str:
        """The address for clients of the RustFS admin API (both APIs answer on every port)."""
        return f"{self._scheme}://{self._shown_host}:{self._server.ports[-1]}"

    @property
    def _shown_host(self) -> str:
        host = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}.get(self._host, self._host)
        return f"[{host}]" if ":" in host else host

    @property
    def token(self) -> str:
        """The root token; empty while the Vault is uninitialized."""
        return self.world.root_token or self.world.core.state.seal.root_token

    @property
    def state(self) -> str:
        """``uninitialized``, ``sealed`` or ``unsealed``."""
        return self.world.core.seal.status

    @property
    def flavor(self) -> str:
        """``vault`` or ``openbao``."""
        return self.world.core.flavor.name

    @property
    def rng(self) -> int | str | None:
        """The seed from which ids, keys and nonces repeat; None: they do not."""
        return self.world.entropy.seed

    @property
    def faults(self) -> RuleBook:
        """The fault rules: ``faults.add("transit/*", answer="sealed", times=2)``."""
        return self.world.faults

    @property
    def journal(self) -> Journal:
        """What was asked and answered."""
        return self.world.journal

    @property
    def clock(self) -> Clock:
        """The server's time: ``freeze``, ``advance``, ``set``, ``resume``; everything with a lifetime follows it."""
        return self.world.clock

    @property
    def unseal_keys(self) -> list[str]:
        """The unseal key shares in base64."""
        return list(self.world.core.seal.unseal_keys)

    def start(self) -> Self:
        """Listen; returns itself. Raises OSError where a port is taken."""
        self._server.start(self._host, self._ports)
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
        """Back to the world as it was at the start: state, clock, faults and journal. All tenants are dropped.

        Requests that still wait for their answer are cut first, so that they do nothing to the world after it.
        """
        self._server.cut_busy()
        self._door.tenants.clear()
        self.world.reset()

    def tenant(self, id: str) -> Tenant:
        """A handle on the world behind ``/t/<id>``, made from the baseline if it is new.

        Raises TenantError (a ValueError) for an id that no tenant can have, or where all are busy.
        """
        return Tenant(id, self.url, self._door.tenants)

    def load(self, *seeds: Any) -> None:
        """Go to the world of the start with ``seeds`` laid over it. Raises SeedError, then nothing has changed."""
        self._server.cut_busy()
        self._door.tenants.clear()
        name = repr([(seed, _changed(seed)) for seed in seeds])
        kept = self._loaded.get(name)
        if kept is not None:
            self.world.restore(kept)
            return
        baseline = self.world.baseline
        spec = self._read([*self._seeds, *seeds])
        self._apply(spec)
        self._loaded[name] = self.world.snapshot()
        self.world.baseline = baseline

    def snapshot(self) -> Snapshot:
        """Keep everything: state, clock, faults and journal."""
        return self.world.snapshot()

    def restore(self, snapshot: Snapshot) -> None:
        """Put back what ``snapshot`` kept."""
        self.world.restore(snapshot)

    def seal(self) -> None:
        """Seal the Vault, as ``sys/seal`` does."""
        with self.world.lock:
            self.world.core.seal.seal()

    def unseal(self) -> None:
        """Unseal the Vault without asking for keys."""
        with self.world.lock:
            self.world.core.seal.open()

    def dump(self) -> str:
        """The world as YAML that loads to an equal world."""
        return _dump(self.world)

    def explain(self, token: str, operation: str, path: str) -> Explanation:
        """Why ``token`` may or may not do ``operation`` on ``path``: its policies and the rule that decides.

        ``str()`` of the answer is the explanation for people. Raises ValueError for a token that is not there.
        """
        from mockkms.vault.message import Operation
        from mockkms.vault.policy.explain import explain

        with self.world.lock:
            core = self.world.core
            held = core.tokens.lookup(token)
            if held is None:
                raise ValueError("no such token, or it has expired")
            return explain(core, held, Operation(operation), path)

    def _populate(self, seeds: Sequence[Any]) -> None:
        self._apply(self._read(seeds) if seeds else None)
        self.world.baseline = self.world.snapshot()

    def _read(self, seeds: Sequence[Any]) -> WorldSpec:
        from mockkms.seed import load

        word = {"vault": {"state": self._state}} if self._state is not None else {}
        return load([*seeds, word])

    def _apply(self, spec: WorldSpec | None) -> None:
        words = self._words
        rng = words["rng"] if words["rng"] is not None else spec.rng if spec else None
        flavor = words["flavor"] or (spec and spec.flavor) or "vault"
        token = words["root_token"] or (spec and spec.root_token) or "root"
        self.world.begin(root_token=str(token), rng=rng, flavor=str(flavor), clock=spec.clock if spec else None)
        if spec is not None:
            from mockkms.seed import populate

            populate(self.world, spec)
        elif self._state is not None:
            self.world.settle(self._state)
        if self.state == "uninitialized":
            self.world.root_token = ""

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()


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
    from mockkms.seed import dump

    with world.lock:
        return dump(world)


def _context(tls: Tls | None) -> ServerTls | None:
    if not tls:
        return None
    if isinstance(tls, ssl.SSLContext):
        return ServerTls(tls)
    if isinstance(tls, bool) or len(tls) != 2:
        raise ValueError(f"tls={tls!r}: True, an SSLContext, or the paths of a certificate and a key")
    return ServerTls(from_files(*tls), again=lambda: from_files(*tls))


def _known_state(state: str | None) -> str | None:
    if state is not None and state not in STATES:
        raise ValueError(f"state={state!r}: one of {', '.join(STATES)}")
    return state
