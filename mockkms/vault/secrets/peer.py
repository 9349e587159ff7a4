"""The server behind an engine: asked over HTTP if it is on this machine, otherwise its answers are made up.

All requests to a server for one request of a client have one deadline together, that of ``outside``. A server elsewhere
is never asked; the journal says what was made up.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from time import monotonic

from mockkms import outside
from mockkms.error_context import error_context
from mockkms.go_urls import parse_fault
from mockkms.json_reading import read_json
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import refusing

_offline = ContextVar("_offline", default=False)
MADE_UP = "{} is not asked: its answer is made up"
"""What the journal says of a credential of a service that is never on this machine."""
_TIDYING = 2.0
"""Seconds for the removal of what was created, if the deadline is near or has passed."""
_SHOWN = 1000
"""Characters of another server's answer in an error message."""


class PeerError(Exception):
    """A request that failed, with the text of Go's HTTP client."""


@dataclass(frozen=True)
class PeerAnswer:
    """A complete response."""

    status: int
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    def expected(self) -> PeerAnswer:
        """Return the answer if its status is 200. Raises PeerError with the text of the clients of Consul and Nomad."""
        if self.status != 200:
            raise PeerError(f"Unexpected response code: {self.status} ({self.text})")
        return self

    @property
    def text(self) -> str:
        """The beginning of the body, for messages."""
        return self.body.decode("utf-8", "replace")[:_SHOWN].rstrip("\n")

    def json(self) -> dict[str, object]:
        """Return the body's JSON object; an empty one for any other body."""
        try:
            found = read_json(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def member(self, *names: str) -> str:
        """Return the text at a path of the JSON object; empty if it is absent or no text."""
        found: object = self.json()
        for name in names:
            found = found.get(name) if isinstance(found, dict) else None
        return found if isinstance(found, str) else ""


@contextmanager
def offline() -> Iterator[None]:
    """Ask no server in this block: a world is loaded, and the servers that it names need not run."""
    token = _offline.set(True)
    try:
        yield
    finally:
        _offline.reset(token)


def is_offline() -> bool:
    """Return whether no server may be asked now."""
    return _offline.get()


def presented(certificate: str, key: str) -> str:
    """Return a client certificate with its key, both PEM, as ``Peer`` presents them; empty without one of them."""
    return f"{certificate}\n{key}" if certificate and key else ""


@dataclass(frozen=True)
class Peer:
    """A server with an HTTP API."""

    name: str
    """What it is, for the journal."""
    url: str
    """Its address, with the scheme; empty: none is known."""
    headers: Mapping[str, str]
    ca_pem: str = ""
    own_pem: str = ""
    """The certificate that is presented, with its key."""
    kind: str = "application/json"
    """The media type of bodies."""
    until: float = field(default_factory=lambda: monotonic() + outside.PATIENCE, compare=False)
    """The moment of ``monotonic`` by which all answers must be complete."""

    def for_tidying(self) -> Peer:
        """Return the server with some time left, to remove what was created before a failure."""
        return replace(self, until=max(self.until, monotonic() + _TIDYING))

    def is_local(self, call: Call) -> bool:
        """Return whether the server is to be asked. If not, the journal says that its answer is made up.

        It is asked if it is on this machine, and if its address is none: ``ask`` raises then what Go's client says.
        """
        if is_offline():
            return False
        if not self.url or not (outside.is_here(self.url) or self._unusable):
            call.request.trace.hint = f"{self.name} is not on this machine: its answer is made up"
            return False
        return True

    @property
    def _unusable(self) -> bool:
        return bool(parse_fault(self.url) or outside.unsendable(self.url))

    def ask(self, method: str, path: str, body: object = None) -> PeerAnswer:
        """Return the response to a request, ``body`` sent as JSON. Raises PeerError without a complete response.

        When the deadline has passed, nothing is sent.
        """
        url = f"{self.url.rstrip('/')}/{path.removeprefix('/')}"
        content = b"" if body is None else json.dumps(body).encode()
        headers = {"Accept": self.kind, **self.headers}
        if content:
            headers["Content-Type"] = self.kind
        try:
            with error_context(raised=OSError, of=TimeoutError, text="context deadline exceeded"):
                seconds = outside.remaining(self.until)
            status, received = outside.ask(
                method, url, headers, content, self.ca_pem, self.own_pem, seconds=seconds
            )  # fmt: skip
        except (OSError, ValueError) as error:
            raise PeerError(outside.no_answer(method, url, error)) from None
        return PeerAnswer(status, received)


def bootstrapped(call: Call, peer: Peer) -> str:
    """Return the first token of the ACL system of a Consul or Nomad server. Raises ErrorResponse."""
    if not peer.is_local(call):
        return call.core.entropy.uuid()
    with refusing(text="Token not provided and failed to bootstrap ACLs", of=PeerError):
        return peer.ask("PUT", "/v1/acl/bootstrap").expected().member("SecretID")
