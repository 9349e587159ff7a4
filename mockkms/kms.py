"""MockKMS: one server with one world, as tests and the command line hold it."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from mockkms.faults import RuleBook
from mockkms.http.door import Door
from mockkms.http.server import Server
from mockkms.journal import Journal
from mockkms.world import World


class MockKMS:
    """An emulated Vault and RustFS admin API on a loopback port of its own.

        with MockKMS() as kms:
            client = hvac.Client(url=kms.url, token=kms.token)

    ``rng`` makes every id, key and nonce repeat; ``flavor`` is ``vault`` or ``openbao``.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        rustfs_port: int | None = None,
        seed: Any = None,
        root_token: str | None = None,
        rng: int | str | None = None,
        flavor: str | None = None,
    ) -> None:
        self._host = host
        self._ports = (port,) if rustfs_port is None else (port, rustfs_port)
        self.world = World(root_token=root_token or "root", rng=rng, flavor=flavor or "vault")
        self.world.core.bootstrap(self.world.root_token)
        self._server = Server(Door(self.world))

    @property
    def url(self) -> str:
        """The address of the server, without a trailing slash; Vault's API is below ``/v1/``."""
        return f"http://{self._host}:{self._server.ports[0]}"

    @property
    def rustfs_url(self) -> str:
        """The address for clients of the RustFS admin API (both APIs answer on every port)."""
        return f"http://{self._host}:{self._server.ports[-1]}"

    @property
    def token(self) -> str:
        """The root token."""
        return self.world.root_token

    @property
    def flavor(self) -> str:
        """``vault`` or ``openbao``."""
        return self.world.core.flavor.name

    @property
    def faults(self) -> RuleBook:
        """The fault rules: ``faults.add("transit/*", answer="sealed", times=2)``."""
        return self.world.faults

    @property
    def journal(self) -> Journal:
        """What was asked and answered."""
        return self.world.journal

    @property
    def unseal_keys(self) -> list[str]:
        """The unseal key shares in base64."""
        return list(getattr(self.world.core.seal, "unseal_keys", []))

    def start(self) -> MockKMS:
        """Listen; returns itself. Raises OSError where the port is taken."""
        self._server.start(self._host, self._ports)
        self.world.baseline = self.world.snapshot()
        return self

    def stop(self) -> None:
        """Stop at once, cutting every connection."""
        self._server.stop()

    def reset(self) -> None:
        """Back to the world as it was at the start."""
        self.world.reset()

    def __enter__(self) -> MockKMS:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()
