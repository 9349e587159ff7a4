"""A seeded world with a frozen clock and a transit mount, and helpers for requests."""

from __future__ import annotations

import base64
from typing import Any

from mockkms.vault.framework.message import Operation, Request, Response
from mockkms.vault.kernel.core import Core
from mockkms.vault.secrets.transit.model import Transit, TransitKey
from mockkms.world.entropy import Entropy

START = 1_800_000_000.0
AEAD = ["aes128-gcm96", "aes256-gcm96", "chacha20-poly1305", "xchacha20-poly1305"]
RSA = ["rsa-2048", "rsa-3072", "rsa-4096"]
CURVES = ["ecdsa-p256", "ecdsa-p384", "ecdsa-p521"]
TYPES = [*AEAD, *RSA, *CURVES, "ed25519", "hmac"]


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


class Ring:
    """Transit at ``transit/``."""

    def __init__(self, flavor: str = "openbao", seed: int = 7) -> None:
        self.core = Core(flavor=flavor, entropy=Entropy(seed))
        self.core.clock.freeze(START)
        self.core.bootstrap("root")
        self.mount = self.core.mount("", "transit/", "transit")

    @property
    def state(self) -> Transit:
        mount = self.core.state.mounts.get("", "transit/")
        assert mount is not None
        state: Transit = mount.state
        return state

    def key(self, name: str = "k") -> TransitKey:
        return self.state.keys[name]

    def ask(self, operation: str, path: str, **data: Any) -> Response:
        return self.core.handle(Request(Operation(operation), f"transit/{path}", data=data, token="root"))

    def good(self, operation: str, path: str, **data: Any) -> dict[str, Any]:
        """Return the data of a response that must not be an error."""
        response = self.ask(operation, path, **data)
        assert response.errors is None, response.errors
        return response.data or {}

    def bad(self, operation: str, path: str, **data: Any) -> tuple[int, str]:
        """Return status and text of a response that must be an error."""
        response = self.ask(operation, path, **data)
        assert response.errors is not None, response.data
        return response.status, "".join(response.errors)

    def create(self, name: str = "k", **options: Any) -> dict[str, Any]:
        if options.get("type") == "hmac":
            options.setdefault("key_size", 32)
        return self.good("update", f"keys/{name}", **options)

    def rotate(self, name: str = "k", times: int = 1) -> None:
        for _ in range(times):
            self.good("update", f"keys/{name}/rotate")

    def encrypt(self, text: bytes, name: str = "k", **more: Any) -> str:
        ciphertext: str = self.good("update", f"encrypt/{name}", plaintext=b64(text), **more)["ciphertext"]
        return ciphertext

    def decrypt(self, ciphertext: str, name: str = "k", **more: Any) -> bytes:
        return base64.b64decode(self.good("update", f"decrypt/{name}", ciphertext=ciphertext, **more)["plaintext"])


def framed(text: str) -> str:
    return f"1 error occurred:\n\t* {text}\n\n"
