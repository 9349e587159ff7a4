"""The server's seal: uninitialised, sealed, unsealed; who it is as a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.seals.barrier import Barrier, make_key

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


class SealStore:
    """States and changes of the server's seal. All of them are reached by ``sys`` endpoints, faults and seeds alike."""

    def __init__(self, core: Context) -> None:
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
        """Whether nothing but the status endpoints answers (an uninitialised server is sealed)."""
        return self.barrier.sealed

    @property
    def unseal_keys(self) -> list[str]:
        """The present unseal keys in base64."""
        return list(self.barrier.unseal_keys)

    def initialize_dev(self) -> None:
        """Initialised and unsealed with one share, as a dev server."""
        self.initialize(1, 1)
        self.barrier.sealed = False

    def initialize(self, shares: int, threshold: int) -> list[bytes]:
        """Make the unseal key and split it; the server stays sealed. Returns the shares."""
        core, state = self.core, self.core.state.seal
        key, parts = make_key(shares, threshold, core.entropy.bytes)
        state.barrier = Barrier(installed=core.clock.now(), wrapper=core.product.words.seal_wrapper)
        state.barrier.install(key, shares, threshold, core.entropy.bytes, parts)
        state.started = core.clock.now()
        state.cluster_name = core.cluster_name or f"{core.product.cluster_prefix}-{core.entropy.hex(4)}"
        state.cluster_id = core.entropy.uuid()
        return parts

    def seal(self) -> None:
        """Seal the server. Nothing stored is lost; logins that wait for a second proof are not stored."""
        if self.barrier.initialized:
            self.barrier.seal()
            self.core.mfa.forget_logins()

    def unseal(self, part: bytes) -> bool:
        """Take one unseal share; True once unsealed. Raises InvalidKey."""
        return self.barrier.unseal(part, self.core.entropy.uuid)

    def open(self) -> None:
        """Unseal without shares; an uninitialised server stays as it is."""
        if self.barrier.initialized:
            self.barrier.sealed = False

    def check(self) -> None:
        """Raises 503 while sealed or uninitialised."""
        if self.core.state.seal.barrier.sealed:
            raise ErrorResponse(f"{self.core.product.words.product} is sealed", status=503)
