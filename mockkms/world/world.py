"""One isolated world: an emulated Vault, a RustFS admin API, faults, journal and clock, restored as one."""

from __future__ import annotations

import pickle
import threading
from collections.abc import Callable, Mapping
from typing import Protocol

from mockkms.faults import RuleBook
from mockkms.faults.parsing import unknown
from mockkms.faults.rulebook import BookState
from mockkms.lazy_dataclass import dataclass
from mockkms.rustfs import RustfsAdmin, RustfsState
from mockkms.vault.kernel.core import Core
from mockkms.vault.kernel.node import ServerSettings
from mockkms.vault.kernel.state import VaultState, forked_parts
from mockkms.vault.mounts.table import forks
from mockkms.world.clock import Clock
from mockkms.world.entropy import Entropy
from mockkms.world.journal.journal import Journal, Kept
from mockkms.world.sharing import Forkable


@dataclass(frozen=True)
class Snapshot:
    """A saved world. Opaque: for ``World.restore``."""

    state: bytes
    shared: Mapping[str, Forkable]
    """The states of mounts that are shared with the world, by the key of the mount."""
    parts: Mapping[str, Forkable]
    """Other parts of the Vault's state that are shared with the world, by their names."""
    clock: tuple[float, float | None]
    entropy: tuple[int | str | None, int, bytes]
    root_token: str
    flavor: str
    faults: BookState
    journal: Kept
    companion: bytes = b""
    """The state of the world's companion; empty if it has none."""

    def load(self) -> tuple[VaultState, RustfsState]:
        """Return copies of the states of Vault and of the RustFS API."""
        vault, rustfs = pickle.loads(self.state)
        for key, state in self.shared.items():
            vault.mounts.entries[key].state = state.fork()
        for name, part in self.parts.items():
            setattr(vault, name, part.fork())
        return vault, rustfs


class NoState(ValueError):
    """An operation needs the state of an emulated server, but a real server or a recording answers."""


class Companion(Protocol):
    """State outside of a world that is saved and restored with it, such as that of the nodes of a cluster."""

    def keep(self) -> bytes:
        """Return the state."""

    def put_back(self, kept: bytes) -> None:
        """Restore what ``keep`` returned; if ``kept`` is empty, the initial state."""


Loader = Callable[["World", list[object]], None]
"""Puts a world into its initial state with seeds merged over it."""
Dumper = Callable[["World"], str]
"""Returns a world as YAML."""
Reader = Callable[["World", str], "World"]
"""Returns a new world from a world's dump; the given world is not changed. Raises ValueError for other texts."""


class WorldBackup:
    """The snapshots of ``sys/storage/raft``: dumps of the world, of which only the Vault is restored."""

    def __init__(self, world: World) -> None:
        self._world = world

    def take(self) -> bytes:
        """Return the state."""
        dumper = self._world.dumper
        if dumper is None:
            raise ValueError("this server cannot dump its world")
        return dumper(self._world).encode("utf-8", "surrogatepass")

    def put_back(self, state: bytes) -> None:
        """Restore what ``take`` returned. Raises ValueError if it is damaged, or of another product."""
        world, reader = self._world, self._world.reader
        if reader is None:
            raise ValueError("this server cannot load a world")
        found = reader(world, state.decode("utf-8", "surrogatepass"))
        name = world.core.product.name
        if found.core.product.name != name:
            raise ValueError(f"the snapshot is one of {found.core.product.name}, and this server emulates {name}")
        world.core.replace_state(found.core.state)
        world.root_token = found.root_token


class World:
    """Everything that two tests must never share."""

    def __init__(
        self,
        *,
        loader: Loader | None = None,
        dumper: Dumper | None = None,
        reader: Reader | None = None,
        server: ServerSettings | None = None,
    ) -> None:
        self.lock = threading.RLock()
        """Held while a request is answered and while the world is changed from another thread."""
        self.clock = Clock()
        self.entropy = Entropy()
        self.root_token = ""
        self.core = Core(clock=self.clock, entropy=self.entropy, server=server)
        self.rustfs = RustfsAdmin(self.core, api="auto")
        self.faults = RuleBook(self.clock, self.entropy)
        self.journal = Journal(issued=lambda token: token in self.core.state.tokens.by_id)
        self.core.requests.history = self.journal
        self.core.backup = WorldBackup(self)
        self.upstream = ""
        """Address of the real server in proxy mode, path of the recording in a replay; empty without either."""
        self.mode = "emulator"
        """What answers: ``emulator``, ``proxy`` or ``replay``."""
        self.recording = ""
        """Path of the recording whose requests are answered from it; empty without one."""
        self.companion: Companion | None = None
        """Saved and restored with the world."""
        self.baseline: Snapshot | None = None
        """What ``reset`` goes back to."""
        self.snapshots: dict[str, Snapshot] = {}
        """Those with a name."""
        self.resets = 0
        """The number of restores so far: a restore ends requests that a fault has left hanging."""
        self.start: Snapshot | None = None
        """What ``loader`` without seeds goes back to."""
        self.loader = loader
        """Puts a world into its initial state with seeds merged over it; None if this world cannot be loaded."""
        self.overdue: Callable[[], None] = lambda: None
        """Carries out actions of rules that are due; set by the fault layer that serves this world."""
        self.dumper = dumper
        """Returns a world as YAML; None if this world cannot be dumped."""
        self.reader = reader
        """Returns the world of a dump; None if this world reads none."""

    def delegate_to(self, upstream: str, mode: str = "proxy") -> None:
        """Keep only rules, journal and clock: a real server at this address, or a recording in this file, answers."""
        self.upstream, self.mode = upstream, mode
        self.faults.stateless = f"{self._answers_here}, and its state cannot be changed from outside"

    @property
    def _answers_here(self) -> str:
        return f"a {'recording' if self.mode == 'replay' else 'real server'} answers here ({self.upstream})"

    def require_state(self, what: str) -> None:
        """Raise NoState in proxy mode and replays: the state that ``what`` needs is not in this process."""
        if self.upstream:
            raise NoState(f"{what}: {self._answers_here}, and its state is out of reach")

    def begin(self, *, root_token: str, rng: int | str | None, flavor: str, clock: float | None = None) -> None:
        """Become the world of a new dev server, without rules and journal entries.

        ``clock``, in seconds since the epoch, freezes the clock.
        """
        with self.lock:
            self.clock.restore((0.0, clock))
            self.entropy.reseed(rng)
            self.root_token = root_token
            self.core.clear(flavor)
            self.core.bootstrap(root_token)
            self.rustfs.replace_state(RustfsState(api="auto"))
            self.faults.forget()
            self.journal.clear()
            self.faults.header = self.journal.redact = False

    def set_initial_state(self, state: str) -> None:
        """Put the Vault into ``unsealed``, ``sealed`` or ``uninitialized``; the last deletes all of its data."""
        with self.lock:
            if state == "uninitialized":
                self.core.clear(self.core.product.name)
                self.root_token = ""
            elif state == "sealed":
                self.core.seal.seal()
            else:
                self.core.seal.open()

    def snapshot(self) -> Snapshot:
        """Return a snapshot of the whole world."""
        with self.lock:
            vault, parts = forked_parts(self.core.state)
            with forks(vault.mounts) as shared:
                state = pickle.dumps((vault, self.rustfs.state), protocol=5)
            return Snapshot(
                state, shared, parts, self.clock.state(), self.entropy.state(), self.root_token,
                self.core.product.name, self.faults.snapshot(), self.journal.snapshot(),
                self.companion.keep() if self.companion is not None else b"",
            )  # fmt: skip

    def named(self, name: str) -> Snapshot:
        """Return the snapshot of that name; ``baseline`` is the one to which ``reset`` goes. Raises FaultError."""
        known = {"baseline": self.baseline, **self.snapshots}
        found = known.get(name)
        if found is None:
            raise unknown(name, known, "snapshot")
        return found

    def sibling(self) -> World:
        """Return an empty world on a server with the same settings."""
        world = World(loader=self.loader, dumper=self.dumper, reader=self.reader, server=self.core.server)
        world.entropy.fresh_keys = self.entropy.fresh_keys
        return world

    def copied(self) -> World:
        """Return a world with the same state, clock and randomness, and this one's rules and journal.

        For readers, such as a dump, while this world continues to change.
        """
        world = self.sibling()
        world.upstream, world.faults, world.journal = self.upstream, self.faults, self.journal
        world.restore(self.snapshot(), keep_faults=True)
        return world

    def earlier(self, name: str) -> World:
        """Return a new world with the state of a snapshot, at the present time. Raises FaultError for unknown names."""
        world = self.sibling()
        world.restore(self.named(name), keep_faults=True)
        world.clock.restore(self.clock.state())
        world.entropy.restore(self.entropy.state())
        return world

    def reset(self, *, keep_faults: bool = False) -> None:
        """Return to the baseline, if there is one; ``keep_faults`` as for ``restore``."""
        if self.baseline is not None:
            self.restore(self.baseline, keep_faults=keep_faults)

    def replace_state(
        self,
        vault: VaultState,
        rustfs: RustfsState,
        *,
        flavor: str,
        root_token: str,
        clock: tuple[float, float | None],
        entropy: tuple[int | str | None, int, bytes],
    ) -> None:
        """Replace the state of the emulated servers, the clock and the entropy source; rules and journal stay."""
        with self.lock:
            self.core.replace_state(vault, flavor)
            self.root_token = root_token
            self.rustfs.replace_state(rustfs)
            self.clock.restore(clock)
            self.entropy.restore(entropy)

    def restore(self, snapshot: Snapshot, *, keep_faults: bool = False) -> None:
        """Restore the whole world; with ``keep_faults`` all but rules, their counts and the journal."""
        state = snapshot.load()
        with self.lock:
            self.replace_state(
                *state, flavor=snapshot.flavor, root_token=snapshot.root_token, clock=snapshot.clock,
                entropy=snapshot.entropy,
            )  # fmt: skip
            self.resets += 1
            if not keep_faults:
                self.faults.restore(snapshot.faults)
                self.journal.restore(snapshot.journal)
        if self.companion is not None:
            self.companion.put_back(snapshot.companion)
