"""The interfaces of the admin API that the contracts use. ``admin.RustfsAdmin`` implements all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mockkms.rustfs.state import KmsSettings, RustfsState
    from mockkms.vault.framework.message import Request, Response
    from mockkms.world.clock import Clock
    from mockkms.world.entropy import Entropy


class Vault(Protocol):
    """The emulated Vault: answers requests, and has the world's clock and randomness."""

    @property
    def clock(self) -> Clock: ...
    @property
    def entropy(self) -> Entropy: ...
    def handle(self, request: Request) -> Response: ...


class KmsService(Protocol):
    """The KMS service: its state, its settings, and the Vault that it uses."""

    @property
    def core(self) -> Vault: ...
    @property
    def state(self) -> RustfsState: ...
    def embedded(self, settings: KmsSettings) -> bool: ...
    def reachable(self, settings: KmsSettings) -> bool: ...
    def install(self, settings: KmsSettings, client_token: str) -> None: ...


class ReplaceableService(KmsService, Protocol):
    """A service whose whole state can be replaced."""

    def replace_state(self, state: RustfsState) -> None: ...


class AdminContext(KmsService, Protocol):
    """The service, with its access control and the choice of error texts."""

    @property
    def guide_texts(self) -> bool: ...
    def may(self, access_key: str, action: str, key_id: str) -> bool: ...
