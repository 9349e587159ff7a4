"""What the contracts know of the admin API that they are part of: small protocols, composed into an ``AdminContext``.

``admin.RustfsAdmin`` is the one implementation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mockkms.rustfs.state import KmsKey, KmsSettings, RustfsState
    from mockkms.vault.framework.message import Request, Response
    from mockkms.world.clock import Clock
    from mockkms.world.entropy import Entropy


class Vault(Protocol):
    """The emulated Vault as the admin API uses it: a server to ask, with the world's time and randomness."""

    @property
    def clock(self) -> Clock: ...
    @property
    def entropy(self) -> Entropy: ...
    def handle(self, request: Request) -> Response: ...


class Store(Protocol):
    """The keys as one contract sees them."""

    def check(self) -> None:
        """Raise StoreError where the backend does not work."""

    def names(self) -> list[str]:
        """The names of all keys."""

    def get(self, name: str) -> KmsKey | None:
        """One key, or None."""

    def create(self, name: str) -> KmsKey:
        """Make a key whose name is free."""

    def rotate(self, key: KmsKey) -> None:
        """Give a key a new version."""

    def rewrap(self, key: KmsKey, text: str, bound: bytes) -> str:
        """A ciphertext ``vault:v1:…`` under the newest version; ``bound`` is the data it was authenticated with."""


class KmsService(Protocol):
    """The KMS service: its state, its settings, and the Vault behind it."""

    @property
    def core(self) -> Vault: ...
    @property
    def state(self) -> RustfsState: ...
    def embedded(self, settings: KmsSettings | None) -> bool: ...
    def reachable(self, settings: KmsSettings) -> bool: ...
    def install(self, settings: KmsSettings, client_token: str) -> None: ...
    def store(self) -> Store: ...


class ReplaceableService(KmsService, Protocol):
    """A service whose whole state may be replaced."""

    def adopt(self, state: RustfsState) -> None: ...


class AdminContext(KmsService, Protocol):
    """The service, who may use it, and which texts it answers with."""

    @property
    def contract_words(self) -> bool: ...
    def may(self, access_key: str, action: str, key_id: str) -> bool: ...
