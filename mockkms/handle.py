"""Operations on one world: the common base of ``MockKMS`` and its tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.arguments import check_arguments
from mockkms.faults import RuleBook
from mockkms.faults.parsing import unknown
from mockkms.world.clock import Clock
from mockkms.world.journal.journal import Journal
from mockkms.world.world import Snapshot, World

if TYPE_CHECKING:
    from mockkms.vault.policy.explain import Explanation
    from mockkms.world.chaos import Chaos
    from mockkms.world.journal.least_privilege import Privileges
    from mockkms.world.journal.linter import Finding


class Handle:
    """Access to one world in this process."""

    @property
    def world(self) -> World:
        """The world itself."""
        raise NotImplementedError

    @property
    def token(self) -> str:
        """The root token; empty while the Vault is uninitialized, and in proxy mode unless ``root_token`` was given."""
        if self.world.upstream:
            return self.world.root_token
        return self.world.root_token or self.world.core.state.seal.root_token

    @property
    def state(self) -> str:
        """``uninitialized``, ``sealed`` or ``unsealed``; ``proxy`` in proxy mode, ``replay`` in a replay."""
        self.world.overdue()
        return self.world.mode if self.world.upstream else self.world.core.seal.status

    @property
    def flavor(self) -> str:
        """Name of the emulated product, as given in ``flavor``."""
        return self.world.core.product.name

    @property
    def rng(self) -> int | str | None:
        """The seed of ids, keys and nonces; None if they are random."""
        return self.world.entropy.seed

    @property
    def unseal_keys(self) -> list[str]:
        """The unseal key shares in base64; empty in proxy mode."""
        return [] if self.world.upstream else list(self.world.core.seal.unseal_keys)

    @property
    def faults(self) -> RuleBook:
        """The fault rules: ``faults.add("transit/*", answer="sealed", times=2)``."""
        return self.world.faults

    @property
    def journal(self) -> Journal:
        """The requests and their responses."""
        return self.world.journal

    @property
    def clock(self) -> Clock:
        """The world's clock: ``freeze``, ``advance``, ``set``, ``resume``. All lifetimes follow it."""
        return self.world.clock

    @property
    def chaos(self) -> Chaos:
        """Failures on live traffic: ``chaos.start("2%")``, ``chaos.start("leader-election")``, ``chaos.stop()``."""
        from mockkms.world.chaos import Chaos

        return Chaos(self.world)

    def reset(self) -> None:
        """Return to the baseline: state, clock, faults and journal."""
        self.world.reset()

    def load(self, *seeds: object) -> None:
        """Replace the world by the initial one with ``seeds`` merged over it, and make that the baseline of ``reset``.

        Without seeds it is the initial world. Raises SeedError; the world is unchanged then.
        """
        world = self.world
        if world.loader is None:
            raise ValueError("this world cannot be loaded: it has no loader")
        world.loader(world, list(seeds))

    def set_baseline(self) -> None:
        """Make the current state the baseline of ``reset``, until the next ``load``."""
        self.world.baseline = self.world.snapshot()

    def snapshot(self, name: str = "") -> Snapshot:
        """Save state, clock, faults and journal; with a name, also for ``restore(name)``."""
        self.world.require_state("snapshot")
        check_arguments({"snapshot": name})
        kept = self.world.snapshot()
        if name:
            self.world.snapshots[name] = kept
        return kept

    def snapshots(self) -> list[str]:
        """Return the names of the named snapshots, in the order in which they were taken."""
        return list(self.world.snapshots)

    def drop(self, snapshot: Snapshot | str) -> None:
        """Delete a named snapshot. Raises ValueError for an unknown name.

        A snapshot without a name is not kept by the world: nothing is to be deleted.
        """
        doomed = self._kept(snapshot)
        for name in [name for name, one in self.world.snapshots.items() if one is doomed]:
            del self.world.snapshots[name]

    def restore(self, snapshot: Snapshot | str) -> None:
        """Restore a snapshot. Raises ValueError for an unknown name."""
        self.world.restore(self._kept(snapshot))

    def diff(self, old: Snapshot | str, new: Snapshot | str | None = None) -> str:
        """Return the changes between two snapshots, or to the current state: lines with + - ~, empty without changes.

        Keys and tokens are shown in full. Raises ValueError for an unknown name.
        """
        from mockkms.world.diff import difference

        later = self.world.snapshot() if new is None else self._kept(new)
        return difference(self._kept(old).load(), later.load())

    def _kept(self, snapshot: Snapshot | str) -> Snapshot:
        if isinstance(snapshot, Snapshot):
            return snapshot
        check_arguments({"snapshot": snapshot})
        known = self.world.snapshots
        if snapshot not in known:
            raise unknown(snapshot, known, "snapshot")
        return known[snapshot]

    def seal(self) -> None:
        """Seal the Vault, as ``sys/seal`` does."""
        self.world.require_state("seal")
        with self.world.lock:
            self.world.core.seal.seal()

    def unseal(self) -> None:
        """Unseal the Vault without key shares."""
        self.world.require_state("unseal")
        with self.world.lock:
            self.world.core.seal.open()

    def dump(self) -> str:
        """Return the world as YAML. Loading it gives an equal world."""
        world = self.world
        world.require_state("dump")
        if world.dumper is None:
            raise ValueError("this world cannot be dumped: it has no dumper")
        return world.dumper(world)

    def explain(self, token: str, operation: str, path: str) -> Explanation:
        """Explain whether the policies of ``token`` allow ``operation`` on ``path``, and which rule decides.

        ``str()`` of the result is the explanation as text. Raises ValueError for an unknown token or operation.
        """
        from mockkms.vault.framework.message import Operation
        from mockkms.vault.policy.explain import explain

        self.world.require_state("explain")
        check_arguments({"token": token, "operation": operation, "path": path})
        operations = [known.value for known in Operation]
        if operation not in operations:
            raise unknown(operation, operations, "operation")
        with self.world.lock:
            core = self.world.core
            held = core.tokens.lookup(token)
            if held is None:
                raise ValueError("token not found, or expired")
            return explain(core, held, Operation(operation), path)

    def lint(self) -> list[Finding]:
        """Return the linter's findings: bad habits of the client, and tokens and leases it did not revoke."""
        from mockkms.world.journal.linter import lint

        return lint(self.world)

    def privileges(self) -> Privileges:
        """Return the minimal policy for the requests, and the grants they never used; ``str()`` is HCL."""
        from mockkms.world.journal.least_privilege import privileges

        return privileges(self.world)
