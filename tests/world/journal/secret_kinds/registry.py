"""The kinds of secrets, by name, and the client that sends them to a server."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import requests

from mockkms import MockKMS

SECRET = "tOpSeCrEt-4711-xyz"
PLAIN = base64.b64encode(SECRET.encode()).decode()
CUSTOM = "custom-token-of-a-user"
PRIVATE = "MC4CAQAwBQYDK2VwBCIEIKLRyDGYaVnCuF7B3ECvXVSYH7dLcUjj2mqPjEhRQcTP"
PEM = f"-----BEGIN PRIVATE KEY-----\n{PRIVATE}\n-----END PRIVATE KEY-----\n"
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm4ifQ." + "c2lnbmF0dXJlLW9mLWE" * 4


class Client:
    """Sends requests and keeps what they answer."""

    def __init__(self, kms: MockKMS) -> None:
        self.kms = kms

    def __call__(self, method: str, path: str, data: Any = None, **headers: str) -> Any:
        headers = {"X-Vault-Token": self.kms.token} | {name.replace("_", "-"): text for name, text in headers.items()}
        answer = requests.request(method, f"{self.kms.url}/v1/{path}", json=data, headers=headers, timeout=60)
        return answer.json() if answer.content[:1] == b"{" else {}

    def form(self, path: str, body: str) -> None:
        """Send a form."""
        kind = {"X-Vault-Token": self.kms.token, "Content-Type": "application/x-www-form-urlencoded"}
        requests.post(f"{self.kms.url}/v1/{path}", data=body, headers=kind, timeout=60)

    def mount(self, kind: str) -> None:
        """Mount a secrets engine."""
        self("POST", f"sys/mounts/{kind}", {"type": kind})

    def key(self) -> str:
        """Make an exportable transit key; returns its name."""
        self.mount("transit")
        self("POST", "transit/keys/k", {"exportable": True})
        return "k"

    def enable(self, kind: str) -> None:
        """Enable an auth method."""
        self("POST", f"sys/auth/{kind}", {"type": kind})


Kind = Callable[[Client], Any]
KINDS: dict[str, Kind] = {}


def kind(name: str) -> Callable[[Kind], Kind]:
    """Register a kind: a function that sends secrets and returns them."""

    def keep(made: Kind) -> Kind:
        KINDS[name] = made
        return made

    return keep


def sends(name: str, send: Callable[[Client], Any], *secrets: str) -> None:
    """Register a kind: ``send`` sends these secrets."""

    def made(ask: Client) -> Any:
        send(ask)
        return secrets

    KINDS[name] = made
