"""Reading a running server, within limits, and noting what could not be read."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from mockkms.faults.addresses import REDACTED
from mockkms.json_reading import read_json
from mockkms.server.gateway.exchange import HttpReply
from mockkms.server.proxy.client import ServerClient, ServerSilent
from mockkms.vault.framework.message import Operation, Request
from mockkms.world.journal.entry import Entry
from mockkms.world.journal.hiding import Hide

_MOST_NOTES = 1000
_REFUSED = {403: "permission denied", 429: "the server is a standby or limits requests", 473: "a performance standby"}
_ABSENT = (400, 404, 405)
"""What the server answers for a path that it does not have."""


@dataclass(frozen=True)
class CaptureLimits:
    """Limits of the requests and of the time."""

    requests: int = 10_000
    seconds: float = 300.0


@dataclass
class Walk:
    """Reads and lists, and notes what is left out."""

    client: ServerClient
    token: str = ""
    limits: CaptureLimits = field(default_factory=CaptureLimits)
    requests: int = 0
    """The number of requests so far."""
    notes: dict[str, str] = field(default_factory=dict)
    """What is left out, with the reason."""
    now: str = ""
    """What is being read, for progress."""
    _started: float = field(default_factory=time.monotonic)
    _ended: bool = False

    def read(self, namespace: str, path: str) -> Mapping[str, object] | None:
        """Return the data of a path without secrets; None if there is none, or it must not be read.

        Raises ServerSilent if the server does not answer the first request.
        """
        answer = self._ask(namespace, "GET", path)
        found = answer.get("data") if answer is not None else None
        return _without_secrets(found) if isinstance(found, dict) else None

    def names(self, namespace: str, path: str) -> list[str]:
        """Return the names in a list. Raises ServerSilent as ``read`` does."""
        answer = self._ask(namespace, "LIST", path)
        found = answer.get("data") if answer is not None else None
        keys = found.get("keys") if isinstance(found, dict) else None
        return [name for name in keys if isinstance(name, str) and name] if isinstance(keys, list) else []

    def answer(self, path: str) -> Mapping[str, object]:
        """Return an answer of the root namespace as a whole, whatever its status; empty if it is not a JSON object."""
        return self._ask("", "GET", path, any_status=True) or {}

    def status(self, namespace: str, path: str) -> int:
        """Return the status that reading a path has; 0 if the limits are reached. Raises ServerSilent."""
        if self._ended or self._over():
            return 0
        return self._send(namespace, "GET", path).status

    def left_out(self, what: str, why: str) -> None:
        """Note that something is left out."""
        if len(self.notes) < _MOST_NOTES:
            self.notes.setdefault(what, why)

    def _ask(self, namespace: str, method: str, path: str, *, any_status: bool = False) -> Mapping[str, object] | None:
        shown = f"{namespace}{path}"
        if self._ended or self._over():
            self.left_out(shown, "the limit was reached before")
            return None
        try:
            reply = self._send(namespace, method, path)
        except ServerSilent as error:
            if self.requests == 1:
                raise
            self.left_out(shown, str(error))
            return None
        document = _document(reply.body)
        if reply.status == 200 or any_status:
            return document
        if reply.status not in _ABSENT:
            self.left_out(shown, _REFUSED.get(reply.status) or f"status {reply.status}: {_first_error(document)}")
        return None

    def _send(self, namespace: str, method: str, path: str) -> HttpReply:
        self.requests += 1
        self.now = f"{namespace}{path}"
        headers = {"X-Vault-Token": self.token} if self.token else {}
        if namespace:
            headers["X-Vault-Namespace"] = namespace.rstrip("/")
        target = "/v1/" + quote(path, safe="/~!$&'()*+,;=:@")
        # No response outlasts the capture, however slowly it comes.
        left = self.limits.seconds - (time.monotonic() - self._started)
        return self.client.ask(method, target, headers=headers, seconds=max(1.0, left))

    def _over(self) -> bool:
        spent = time.monotonic() - self._started
        if self.requests < self.limits.requests and spent < self.limits.seconds:
            return False
        self._ended = True
        many = self.requests >= self.limits.requests
        limit = f"{self.limits.requests} requests" if many else f"{self.limits.seconds:g} seconds"
        self.left_out("what was not read yet", f"the capture ended after {limit}")
        return True


def _document(body: bytes) -> Mapping[str, object]:
    try:
        found = read_json(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _first_error(document: Mapping[str, object]) -> str:
    errors = document.get("errors")
    text = str(errors[0]) if isinstance(errors, list) and errors else "no message"
    return " ".join(text.split())[:200]


def _without_secrets(data: dict[str, object]) -> Mapping[str, object]:
    """Return the data without fields that hold secrets, and with a mark for secrets within texts."""
    request = Request(Operation.READ, "")
    request.trace.endpoint = "captured"
    hide = Hide(Entry(0.0, "vault", "GET", "", {}, b"", request, 200, b"", 0.0), lambda text: False)
    shown = hide.texts(hide.answer({"data": data}))
    found = _pruned(shown["data"]) if isinstance(shown, dict) else {}
    return found if isinstance(found, dict) else {}


def _pruned(value: object) -> object:
    if isinstance(value, dict):
        return {name: _pruned(item) for name, item in value.items() if item != REDACTED and item != [REDACTED]}
    return [_pruned(item) for item in value] if isinstance(value, list) else value
