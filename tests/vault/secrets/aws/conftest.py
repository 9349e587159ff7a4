"""Stand-ins for IAM and STS on this machine: what they were asked, and what they answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest


@dataclass
class Amazon:
    """A server of the query APIs: keys are numbered, a user is there from ``CreateUser`` on."""

    url: str = ""
    users: dict[str, list[str]] = field(default_factory=dict)
    """Access keys by user."""
    asked: list[dict[str, str]] = field(default_factory=list)
    fails: dict[str, str] = field(default_factory=dict)
    """Error codes by action."""
    broken: tuple[int, str] | None = None
    """Status and text of all answers, in place of the right ones."""
    made: int = 0

    def answer(self, sent: dict[str, str]) -> tuple[int, str]:
        self.asked.append(sent)
        if self.broken is not None:
            return self.broken
        action, user = sent["Action"], sent.get("UserName", "root")
        code = self.fails.get(action, "")
        if not code and user not in self.users and action not in ("CreateUser", *self.sts):
            code = "NoSuchEntity"
        if code:
            return 400, f"<ErrorResponse><Error><Code>{code}</Code><Message>no {user}</Message></Error></ErrorResponse>"
        return 200, f"<R xmlns='urn:x'>{self._result(action, user, sent)}</R>"

    sts = ("AssumeRole", "GetFederationToken", "GetSessionToken")

    def _result(self, action: str, user: str, sent: dict[str, str]) -> str:
        if action == "CreateUser":
            self.users[user] = []
        elif action == "DeleteUser":
            del self.users[user]
        elif action == "DeleteAccessKey":
            self.users[user].remove(sent["AccessKeyId"])
        elif action == "GetUser":
            return f"<User><UserName>{user}</UserName><UserId>AIDA{user}</UserId></User>"
        elif action == "CreateAccessKey" or action in self.sts:
            self.made += 1
            if action == "CreateAccessKey":
                self.users[user].append(f"K{self.made}")
            key = f"<AccessKeyId>K{self.made}</AccessKeyId><SecretAccessKey>S{self.made}</SecretAccessKey>"
            return f"<C>{key}<SessionToken>T</SessionToken></C><A><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></A>"
        elif action == "ListAccessKeys":
            keys = "".join(
                f"<member><AccessKeyId>{key}</AccessKeyId><CreateDate>{key}</CreateDate></member>"
                for key in self.users[user]
            )
            return f"<AccessKeyMetadata>{keys}</AccessKeyMetadata>"
        elif action == "ListUserPolicies":
            return "<PolicyNames><member>inline</member></PolicyNames>"
        elif action == "ListAttachedUserPolicies":
            return "<AttachedPolicies><member><PolicyArn>arn:p</PolicyArn></member></AttachedPolicies>"
        elif action == "ListGroupsForUser":
            return "<Groups><member><GroupName>devs</GroupName></member></Groups>"
        return ""

    @property
    def actions(self) -> list[str]:
        """The actions of the requests, in order."""
        return [sent["Action"] for sent in self.asked]


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    """Run a stand-in for IAM and STS."""
    found = Amazon()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            assert "Credential=AKIAROOT/" in self.headers["Authorization"] or "Credential=K" in str(self.headers)
            status, text = found.answer(dict(parse_qsl(body)))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield found
    server.shutdown()
    thread.join(60)
    server.server_close()
