"""What tests do with one world, whichever server it is on: the common part of ``MockKMS`` and its tenants."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING, Any

from mockkms.faults import RuleBook
from mockkms.faults.parsing import unknown
from mockkms.world.clock import Clock
from mockkms.world.journal.journal import Journal
from mockkms.world.world import Snapshot, World

if TYPE_CHECKING:
    from mockkms.vault.policy.explain import Explanation
    from mockkms.world.journal.least_privilege import Privileges
    from mockkms.world.journal.linter import Finding


class Handle:
    """A hold on one world in this process."""

    @property
    def world(self) -> World:
        """The world itself."""
        raise NotImplementedError

    @property
    def token(self) -> str:
        """The root token; empty while the Vault is uninitialized, and before a real server unless it was given."""
        if self.world.upstream:
            return self.world.root_token
        return self.world.root_token or self.world.core.state.seal.root_token

    @property
    def state(self) -> str:
        """``uninitialized``, ``sealed`` or ``unsealed``; ``proxy`` where a real server answers."""
        self.world.overdue()
        return "proxy" if self.world.upstream else self.world.core.seal.status

    @property
    def flavor(self) -> str:
        """``vault`` or ``openbao``."""
        return self.world.core.product.name

    @property
    def rng(self) -> int | str | None:
        """The seed from which ids, keys and nonces repeat; None: they do not."""
        return self.world.entropy.seed

    @property
    def unseal_keys(self) -> list[str]:
        """The unseal key shares in base64; none where a real server answers."""
        return [] if self.world.upstream else list(self.world.core.seal.unseal_keys)

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
        """The world's time: ``freeze``, ``advance``, ``set``, ``resume``; everything with a lifetime follows it."""
        return self.world.clock

    def reset(self) -> None:
        """Back to the baseline: state, clock, faults and journal."""
        self.world.reset()

    def load(self, *seeds: Any) -> None:
        """Go to the world of the start with ``seeds`` laid over it; ``reset`` goes back there from now on.

        Without seeds it is the world of the start. Raises SeedError, then nothing has changed.
        """
        world = self.world
        if world.loader is None:
            raise ValueError("this world cannot be loaded anew")
        world.loader(world, list(seeds))

    def set_baseline(self) -> None:
        """Let ``reset`` go back to this moment, until the next ``load``."""
        self.world.baseline = self.world.snapshot()

    def snapshot(self, name: str = "") -> Snapshot:
        """Keep everything: state, clock, faults and journal; with a name, for ``restore(name)`` too."""
        self.world.own_state("snapshot")
        kept = self.world.snapshot()
        if name:
            self.world.snapshots[name] = kept
        return kept

    def restore(self, snapshot: Snapshot | str) -> None:
        """Put back what ``snapshot`` kept. Raises ValueError for a name that is not known."""
        self.world.restore(self._kept(snapshot))

    def diff(self, old: Snapshot | str, new: Snapshot | str | None = None) -> str:
        """What changed in the state from one snapshot to another, or to now: lines with + - ~, empty if nothing.

        Keys and tokens are shown as they are. Raises ValueError for a name that is not known.
        """
        from mockkms.world.diff import difference

        later = self.world.snapshot() if new is None else self._kept(new)
        return difference(pickle.loads(self._kept(old).state), pickle.loads(later.state))

    def _kept(self, snapshot: Snapshot | str) -> Snapshot:
        if isinstance(snapshot, Snapshot):
            return snapshot
        known = self.world.snapshots
        if snapshot not in known:
            raise unknown(snapshot, known, "snapshot")
        return known[snapshot]

    def seal(self) -> None:
        """Seal the Vault, as ``sys/seal`` does."""
        self.world.own_state("seal")
        with self.world.lock:
            self.world.core.seal.seal()

    def unseal(self) -> None:
        """Unseal the Vault without asking for keys."""
        self.world.own_state("unseal")
        with self.world.lock:
            self.world.core.seal.open()

    def dump(self) -> str:
        """The world as YAML that loads to an equal world."""
        world = self.world
        world.own_state("dump")
        if world.dumper is None:
            raise ValueError("this world cannot be written")
        return world.dumper(world)

    def explain(self, token: str, operation: str, path: str) -> Explanation:
        """Why ``token`` may or may not do ``operation`` on ``path``: its policies and the rule that decides.

        ``str()`` of the answer is the explanation for people. Raises ValueError for a token that is not there
        and for an unknown operation.
        """
        from mockkms.vault.framework.message import Operation
        from mockkms.vault.policy.explain import explain

        self.world.own_state("explain")
        operations = [known.value for known in Operation]
        if operation not in operations:
            raise unknown(operation, operations, "operation")
        with self.world.lock:
            core = self.world.core
            held = core.tokens.lookup(token)
            if held is None:
                raise ValueError("no such token, or it has expired")
            return explain(core, held, Operation(operation), path)

    def lint(self) -> list[Finding]:
        """What the client did that a real server would suffer from, and what it left alive."""
        from mockkms.world.journal.linter import lint

        return lint(self.world)

    def privileges(self) -> Privileges:
        """The smallest policy that the requests needed, and the grants they never used; ``str()`` is HCL."""
        from mockkms.world.journal.least_privilege import privileges

        return privileges(self.world)
