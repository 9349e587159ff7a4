"""What the contracts know of the admin API that they are part of: small protocols, composed into an ``AdminContext``.

``admin.RustfsAdmin`` is the one implementation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mockkms.rustfs.state import Key, RustfsState, Settings
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

    def get(self, name: str) -> Key | None:
        """One key, or None."""

    def create(self, name: str) -> Key:
        """Make a key whose name is free."""

    def rotate(self, key: Key) -> None:
        """Give a key a new version."""

    def rewrap(self, key: Key, text: str, bound: bytes) -> str:
        """A ciphertext ``vault:v1:…`` under the newest version; ``bound`` is the data it was authenticated with."""


class Service(Protocol):
    """The KMS service: its state, its settings, and the Vault behind it."""

    @property
    def core(self) -> Vault: ...
    @property
    def state(self) -> RustfsState: ...
    def embedded(self, settings: Settings | None) -> bool: ...
    def reachable(self, settings: Settings) -> bool: ...
    def install(self, settings: Settings, client_token: str) -> None: ...
    def store(self) -> Store: ...


class Replaceable(Service, Protocol):
    """A service whose whole state may be replaced."""

    def adopt(self, state: RustfsState) -> None: ...


class AdminContext(Service, Protocol):
    """The service, who may use it, and which texts it answers with."""

    @property
    def contract_words(self) -> bool: ...
    def may(self, access_key: str, action: str, key_id: str) -> bool: ...
