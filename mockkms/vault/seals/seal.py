"""The server's seal (uninitialised, sealed or unsealed) and its identity as a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.seals.barrier import Barrier, make_key

if TYPE_CHECKING:
    from typing import Protocol

    from mockkms.vault.framework.context import Environment, ServerNode, WithSecondFactors

    class SealServices(Environment, ServerNode, WithSecondFactors, Protocol):
        """What the seal needs of the server."""


class SealStore:
    """The seal's state and operations, used by ``sys`` endpoints, faults and world files alike."""

    def __init__(self, core: SealServices) -> None:
        self.core = core

    @property
    def barrier(self) -> Barrier:
        """The root namespace's barrier."""
        return self.core.state.seal.barrier

    @property
    def status(self) -> str:
        """``uninitialized``, ``sealed`` or ``unsealed``."""
        if not self.barrier.initialized:
            return "uninitialized"
        return "sealed" if self.barrier.sealed else "unsealed"

    @property
    def sealed(self) -> bool:
        """Whether only the status endpoints answer; an uninitialised server is sealed."""
        return self.barrier.sealed

    @property
    def unseal_keys(self) -> list[str]:
        """The current unseal keys in base64."""
        return list(self.barrier.unseal_keys)

    def initialize_dev(self) -> None:
        """Initialise with one share and unseal, as a dev server does."""
        self.initialize(1, 1)
        self.barrier.sealed = False

    def initialize(self, shares: int, threshold: int) -> list[bytes]:
        """Generate the unseal key and split it; return the shares. The server stays sealed."""
        core, state = self.core, self.core.state.seal
        key, parts = make_key(shares, threshold, core.entropy.bytes)
        state.barrier = Barrier(installed=core.clock.now(), wrapper=core.product.texts.seal_wrapper)
        state.barrier.install(key, shares, threshold, core.entropy.bytes, parts)
        state.started = core.clock.now()
        state.cluster_name = core.server.cluster_name or f"{core.product.cluster_prefix}-{core.entropy.hex(4)}"
        state.cluster_id = core.entropy.uuid()
        return parts

    def seal(self) -> None:
        """Seal the server. Logins waiting for MFA are lost, since the real server keeps them in memory only."""
        if self.barrier.initialized:
            self.barrier.seal()
            self.core.mfa.forget_logins()
            for text in ("marked as sealed", "pre-seal teardown starting", "pre-seal teardown complete"):
                self.core.log.info("core", text)
            self.core.log.info("core", "vault is sealed")
            self.core.log.end("core received sealed state change, ending monitor session")

    def unseal(self, part: bytes) -> bool:
        """Add one unseal share; return True once unsealed. Raises ErrorResponse for a wrong key."""
        unsealed = self.barrier.unseal(part, self.core.entropy.uuid)
        if unsealed:
            self._say_unsealed()
        return unsealed

    def open(self) -> None:
        """Unseal without shares; has no effect on an uninitialised server."""
        if self.barrier.initialized:
            self.barrier.sealed = False
            self._say_unsealed()

    def _say_unsealed(self) -> None:
        for text in ("post-unseal setup starting", "post-unseal setup complete", "vault is unsealed"):
            self.core.log.info("core", text)

    def check(self) -> None:
        """Raise 503 while sealed or uninitialised."""
        if self.core.state.seal.barrier.sealed:
            raise ErrorResponse(f"{self.core.product.texts.product} is sealed", status=503)
