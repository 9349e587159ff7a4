"""``mockkms diff``: two worlds, two servers by the requests of a recording, a recording and a server."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
import requests

from mockkms import MockKMS
from mockkms.cli import main
from mockkms.world import state_file
from tests.server.replay.program import SECRETS, run

TOKEN = "root-token-of-both"
WORLD = """
mockkms: 1
vault:
  policies:
    app: 'path "secret/data/app" { capabilities = ["read"] }'
  mounts:
    transit/:
      type: transit
      keys:
        orders: {type: aes256-gcm96}
  auth:
    approle/:
      type: approle
      roles:
        web: {token_ttl: 1h}
"""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program that uses most of a server."""
    path = tmp_path_factory.mktemp("recording") / "program.jsonl"
    with MockKMS(root_token=TOKEN) as real, MockKMS(upstream=real.url, record=path) as proxy:
        real.clock.freeze()  # A renewed token lasts a second less if one has passed since its login.
        run(proxy.url, TOKEN)
    return path


def world(folder: Path, name: str, *changes: tuple[str, str]) -> str:
    text = WORLD
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / name
    path.write_text(text)
    return str(path)


def test_equal_servers_are_equal(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with MockKMS(root_token=TOKEN) as one, MockKMS(root_token=TOKEN) as other:
        one.clock.freeze()
        other.clock.freeze()
        assert main(["diff", one.url, other.url, "--requests", str(recording), "--token", TOKEN]) == 0
    total = len(recording.read_text().split('"request":')) - 1
    assert capsys.readouterr().out == f"{total} answers compared, 0 differ\n"


@pytest.mark.parametrize("reverse", [False, True])
def test_a_recording_is_compared_with_a_server(
    recording: Path, capsys: pytest.CaptureFixture[str], reverse: bool
) -> None:
    with MockKMS(root_token=TOKEN) as server:
        server.clock.freeze()
        sides = [str(recording), server.url]
        assert main(["diff", *(reversed(sides) if reverse else sides), "--token", TOKEN]) == 1
    # The error for a text that is not base64 depends on the text, which the recording does not have.
    first, change, rest = capsys.readouterr().out.splitlines()
    assert first.endswith("POST /v1/transit/encrypt/orders")
    assert "illegal base64 data at input byte" in change
    assert rest.endswith(" 1 differ")


def test_another_product_differs_in_what_differs(recording: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with MockKMS(root_token=TOKEN) as one, MockKMS(root_token=TOKEN, flavor="openbao") as other:
        assert main(["diff", one.url, other.url, "--requests", str(recording), "--token", TOKEN, "--json"]) == 1
    out = capsys.readouterr().out
    found = json.loads(out)
    first = found["differences"][0]
    assert first["request"] == "GET /v1/sys/health"
    assert any(line.startswith("~ ['version']") for line in first["changes"])
    assert len(found["differences"]) < found["compared"]
    assert not [secret for secret in SECRETS if secret in out]


class Odd(BaseHTTPRequestHandler):
    """Answers every path in its own way."""

    protocol_version = "HTTP/1.1"
    bodies: ClassVar[dict[str, bytes]] = {
        "json": b'{"data": {"a": true, "b": 1.50}}',
        "other": b'{"data": {"a": null, "b": 1e5, "\\u001b[31m": "\\u202e"}}',
        "html": b"<html>\x1b[31m502</html>",
        "binary": b"\xff\x00",
        "empty": b"",
    }

    def do_GET(self) -> None:
        """Answer, or not."""
        key = self.server.answers.get(name := self.path.rpartition("/")[2], name)  # type: ignore[attr-defined]
        if key == "drop":
            self.close_connection = True
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(self.bodies[key])))
        self.end_headers()
        self.wfile.write(self.bodies[key])

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture
def odd() -> Iterator[Callable[..., str]]:
    """Start servers with other answers than those named by the path."""
    servers = []

    def start(**answers: str) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
        server.answers = answers  # type: ignore[attr-defined]
        servers.append(server)
        Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def recorded(url: str, path: Path, *names: str) -> str:
    with MockKMS(upstream=url, record=path) as proxy:
        for name in names:
            requests.get(f"{proxy.url}/v1/secret/{name}", timeout=60)
    return str(path)


def test_answers_of_other_kinds(odd: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = odd(), odd(json="other", html="json", binary="html", empty="binary")
    source = recorded(one, tmp_path / "r.jsonl", "json", "html", "binary", "empty")
    assert main(["diff", one, other, "--requests", source]) == 1
    out = capsys.readouterr().out
    assert out.isprintable() or {char for char in out if not char.isprintable()} == {"\n"}
    said = re.sub(r"\((secret [0-9a-f]+|mockkms:[^)]*)\)", "SECRET", out).splitlines()
    assert said[1:3] == [
        "  + ['data']['\\x1b[31m']: 'SECRET'",
        "  ~ ['data']['a']: true -> null",
    ]
    assert said[4] == """  ~ body: text '<html>\\x1b[31m502</html>' -> {"data":{"a":true,"b":"SECRET"}}"""
    assert said[6] == "  ~ body: 2 bytes -> text '<html>\\x1b[31m502</html>'"
    assert said[8:] == ["  ~ body: empty -> 2 bytes", "4 answers compared, 4 differ"]


def test_a_missing_answer_is_shown(odd: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = odd(), odd(html="drop", empty="json")
    source = recorded(one, tmp_path / "r.jsonl", "json", "html", "empty")
    assert main(["diff", source, other]) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "2. GET /v1/secret/html"
    assert said[1].startswith(f"  ! no answer from {other}: the connection ended before the answer did")
    assert said[2] == "3. GET /v1/secret/empty"
    assert said[-1] == "2 answers compared, 1 differ; 1 not answered"
    assert main(["diff", source, other, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["unanswered"], [one["answered"] for one in found["differences"]]) == (1, [False, True])


def test_many_missing_answers_end_the_comparison(
    odd: Callable[..., str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = odd(), odd(json="drop")
    source = recorded(one, tmp_path / "r.jsonl", *["json"] * 9)
    assert main(["diff", one, other, "--requests", source]) == 2
    said = capsys.readouterr()
    assert said.out.count("\n  ! no answer from") == 4
    assert said.err.endswith("; ended after 5 requests in a row without an answer\n")


def test_a_lost_permission_is_a_difference(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.jsonl"
    app = {"tokens": [{"id": "app-token", "policies": ["app"]}]}
    allowed = {"app": 'path "secret/data/app" { capabilities = ["read"] }'}
    seed = {"vault": {"policies": allowed, **app}}
    other_seed = {"vault": {"policies": {"app": ""}, **app}}
    with MockKMS(seed=seed) as real, MockKMS(upstream=real.url, record=path) as proxy:
        requests.get(f"{proxy.url}/v1/secret/data/app", headers={"X-Vault-Token": "app-token"}, timeout=60)
        body = {"data": {"a": "b"}}
        requests.post(f"{proxy.url}/v1/secret/data/app", json=body, headers={"X-Vault-Token": "app-token"}, timeout=60)
    with MockKMS(seed=seed) as one, MockKMS(seed=other_seed) as other:
        command = ["diff", one.url, other.url, "--requests", str(path), "--token", "app-token", "--reads-only"]
        assert main(command) == 1
        assert other.journal.lines() == ["GET /v1/secret/data/app"]
    out = capsys.readouterr().out.splitlines()
    assert out[:2] == ["1. GET /v1/secret/data/app", "  ~ status: 404 -> 403"]
    assert out[-1] == "1 answer compared, 1 differ; 1 not sent"


def test_worlds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = world(tmp_path, "one.yaml")
    assert main(["diff", one, world(tmp_path, "same.yaml", ("1h", "3600"), ("mockkms: 1", "mockkms: 1\nrng: 5"))]) == 0
    assert capsys.readouterr().out == ""
    other = world(tmp_path, "other.yaml", ("orders:", "payments:"), ("1h", "2h"), ('["read"]', '["read", "list"]'))
    assert main(["diff", one, other]) == 1
    shown = capsys.readouterr().out.splitlines()
    assert [line[0] for line in shown] == ["~", "-", "+", "~"]
    assert "['web']['token_ttl']: 3600 -> 7200" in shown[0]
    assert "['orders']" in shown[1]
    assert "['payments']" in shown[2]
    assert '["read", "list"]' in shown[3]
    assert main(["diff", one, other, "--json", "--ignore", "keys", "--ignore", "token_*"]) == 1
    assert [line[0] for line in json.loads(capsys.readouterr().out)["changes"]] == ["~"]


def test_a_change_at_the_end_of_a_long_text_is_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    long = "# " + "x" * 200
    one = world(tmp_path, "one.yaml", ("'path \"secret", f'"{long}\\n"\n    b: \'path "secret'))
    other = world(tmp_path, "other.yaml", ("'path \"secret", f'"{long}y\\n"\n    b: \'path "secret'))
    assert main(["diff", one, other]) == 1
    assert capsys.readouterr().out.count("\n") == 1


def test_a_state_file_and_a_world(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = world(tmp_path, "one.yaml")
    kept = tmp_path / "one.state"
    with MockKMS(seed=one) as kms:
        state_file.write(kept, state_file.pickled(kms.world.snapshot()), "vault", 0.0)
        kms.load({"vault": {"policies": {"more": ""}}})
        later = tmp_path / "later.state"
        state_file.write(later, state_file.pickled(kms.world.snapshot()), "vault", 0.0)
    assert main(["diff", str(kept), str(kept)]) == 0
    capsys.readouterr()
    assert main(["diff", str(kept), str(later)]) == 1
    assert "['more']" in capsys.readouterr().out
    assert main(["diff", "payments", str(kept)]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["http://127.0.0.1:1", "http://127.0.0.1:2"], "give it with --requests FILE"),
        (["payments", "http://127.0.0.1:2"], "payments and http://127.0.0.1:2 cannot be compared; expected two worlds"),
        (["payments", "dev", "--requests", "x"], "--requests is for the addresses of two servers"),
        (["payments", "paymens"], "paymens"),
        (["http://127.0.0.1:1", "http://127.0.0.1:2", "--requests", "missing"], "cannot read the recording missing"),
        (["http://127.0.0.1:1", "REC"], "no answer from http://127.0.0.1:1: Connection refused"),
        (["http://127.0.0.1:1?x", "REC"], "must not contain a query"),
        (["http://127.0.0.1:1", "REC", "--upstream-insecure"], "options for TLS require an https:// address"),
    ],
)
def test_what_cannot_be_compared(
    recording: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diff", *(str(recording) if one == "REC" else one for one in arguments)]) == 2
    assert message in capsys.readouterr().err
