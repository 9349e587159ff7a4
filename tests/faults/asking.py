"""Real clients, each asked the same way and made to tell what it saw."""

from __future__ import annotations

import asyncio
import base64
import errno
import json
import os
import ssl
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
import requests

from tests.clients.toolchain import build, tool, workshop

DRIVERS = Path(__file__).parent / "drivers"


@dataclass
class Seen:
    """What a client saw of one request."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""
    """Class names, error numbers and texts of all that was raised; empty: nothing was."""


@dataclass
class ClientRequest:
    """One request."""

    method: str
    url: str
    token: str
    body: str = ""
    ca_file: str = ""
    timeout: float = 5


Client = Callable[[ClientRequest], Seen]


def told(error: BaseException) -> str:
    """An exception and all that it holds or comes from."""
    parts: list[str] = []
    pending: list[Any] = [error]
    known: set[int] = set()
    while pending:
        one = pending.pop()
        if not isinstance(one, BaseException) or id(one) in known:
            continue
        known.add(id(one))
        parts += [cls.__name__ for cls in type(one).__mro__[:-3]] + [str(one)]
        number = getattr(one, "errno", None)
        if isinstance(number, int) and not isinstance(one, ssl.SSLError):
            parts.append(errno.errorcode.get(number, ""))
        pending += [*one.args, one.__cause__, one.__context__, getattr(one, "reason", None)]
    return " ".join(parts)


def by_requests(asked: ClientRequest) -> Seen:
    """requests, a session of its own."""
    try:
        answer = requests.request(
            asked.method, asked.url, data=asked.body, timeout=asked.timeout, verify=asked.ca_file or True,
            headers={"X-Vault-Token": asked.token},
        )  # fmt: skip
    except requests.RequestException as error:
        return Seen(error=told(error))
    return Seen(answer.status_code, {name.lower(): text for name, text in answer.headers.items()}, answer.content)


def by_aiohttp(asked: ClientRequest) -> Seen:
    """aiohttp, a session and a loop of its own."""

    async def ask() -> Seen:
        trust = ssl.create_default_context(cafile=asked.ca_file) if asked.ca_file else True
        limit = aiohttp.ClientTimeout(total=asked.timeout)
        async with (
            aiohttp.ClientSession(timeout=limit, headers={"X-Vault-Token": asked.token}) as session,
            session.request(asked.method, asked.url, data=asked.body or None, ssl=trust) as answer,
        ):
            headers = {name.lower(): text for name, text in answer.headers.items()}
            return Seen(answer.status, headers, await answer.read())

    try:
        return asyncio.run(ask())
    except (aiohttp.ClientError, TimeoutError) as error:
        return Seen(error=told(error))


class Driver:
    """A program in another language: started once, then a line in and a line out for each request."""

    def __init__(self, *command: str, ca_file: str) -> None:
        env = {**os.environ, "NODE_EXTRA_CA_CERTS": ca_file, "NODE_NO_WARNINGS": "1"}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env)

    def __call__(self, asked: ClientRequest) -> Seen:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        authority = Path(asked.ca_file).read_text() if asked.ca_file else ""
        words = {"Method": asked.method, "URL": asked.url, "Token": asked.token, "Body": asked.body}
        self._process.stdin.write(json.dumps({**words, "CA": authority, "Timeout": asked.timeout}) + "\n")
        self._process.stdin.flush()
        said = json.loads(self._process.stdout.readline())
        body = base64.b64decode(said["body"] or "")
        return Seen(said["status"], said["headers"] or {}, body, " ".join(said["error"] or []))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def go(ca_file: str) -> Driver:
    """net/http. Skips without Go."""
    compiler = tool("go")
    sources = {"main.go": (DRIVERS / "main.go").read_text(), "go.mod": "module ask\n\ngo 1.20\n"}
    place = workshop("go-faults", sources)
    program = place / "ask"
    if not program.exists():
        build("Go", compiler, "build", "-o", str(program), ".", cwd=place, env={"GOTOOLCHAIN": "local"})
    return Driver(str(program), ca_file=ca_file)


def node(ca_file: str) -> Driver:
    """fetch. Skips without Node."""
    return Driver(tool("node"), str(DRIVERS / "ask.mjs"), ca_file=ca_file)
