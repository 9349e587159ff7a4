"""A server that stands in for the one behind a secrets engine, and what tests of engines share."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import yaml

from mockkms import MockKMS
from mockkms.vault.framework.message import Response
from tests.vault.driving import World


@dataclass
class ReceivedRequest:
    """One request that the server got."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class StandIn:
    """The server: its address, the requests that it got, and its answers."""

    url: str
    asked: list[ReceivedRequest] = field(default_factory=list)
    answers: dict[tuple[str, str], tuple[int, Any]] = field(default_factory=dict)
    """Status and JSON body by method and the beginning of the path; the longest one counts. Else 200 and {}."""

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        fitting = [known for known in self.answers if known[0] == method and path.startswith(known[1])]
        return self.answers[max(fitting, key=lambda known: len(known[1]))] if fitting else (200, {})

    @property
    def lines(self) -> list[str]:
        """Method and path of each request."""
        return [f"{one.method} {one.path}" for one in self.asked]


@contextmanager
def standing_in(tls: ssl.SSLContext | None = None) -> Iterator[StandIn]:
    """Run a server on a free port of this machine."""

    class Handler(BaseHTTPRequestHandler):
        def respond(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(content) if content else None
            found.asked.append(ReceivedRequest(self.command, self.path, {**self.headers}, body))
            status, answer = found.answer(self.command, self.path)
            sent = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_PUT = do_POST = do_DELETE = respond

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        found = StandIn(f"http{'s' if tls else ''}://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield found
        finally:
            server.shutdown()
            thread.join()


def mounted(world: World, mount_type: str, path: str = "e") -> Callable[..., Response]:
    """Mount an engine; return a function that writes below its path."""
    world.write(f"sys/mounts/{path}", {"type": mount_type})
    return lambda below, **data: world.write(f"{path}/{below}", data)


def data_of(response: Response) -> dict[str, Any]:
    """The data of a success."""
    assert response.errors is None, response.errors
    return dict(response.data or {})


def lease_of(response: Response) -> Any:
    """The lease of a success."""
    assert response.errors is None, response.errors
    assert response.lease is not None
    return response.lease


def round_trip(mount: dict[str, Any], *, flavor: str = "vault") -> dict[str, Any]:
    """Return the description of a mount after a world with it was loaded, dumped, and loaded from the dump."""
    with MockKMS(seed={"rng": 1, "flavor": flavor, "vault": {"mounts": {"e/": mount}}}) as server:
        text = server.dump()
    with MockKMS(seed=text) as again:
        assert again.dump() == text
    dumped = yaml.safe_load(text)
    # The times of rotations depend on when the world was loaded, so only they are kept as patches.
    patches = [patch["at"] for patch in dumped.get("exact", ()) if "mounts" in patch["at"]]
    assert not [at for at in patches if at[-1] not in ("last_rotation", "next_rotation")]
    found: dict[str, Any] = dumped["vault"]["mounts"]["e/"]
    found.pop("accessor")
    return found
