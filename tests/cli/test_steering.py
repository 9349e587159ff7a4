"""``mockkms fault|clock|state|journal`` against real servers, and what misuse says."""

from __future__ import annotations

import argparse
import http.server
import json
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from mockkms import Cluster, MockKMS, RemoteKMS
from mockkms.cli import main
from mockkms.cli.commands.state import add_parser
from mockkms.remote import NotMockKMS, RemoteError
from mockkms.server.gateway.actions import ACTIONS

from .conftest import Served

Run = Callable[..., tuple[int, str, str]]


pytestmark = pytest.mark.server(rng=2)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in (
        "MOCKKMS_URL",
        "VAULT_ADDR",
        "BAO_ADDR",
        "BAO_CACERT",
        "VAULT_CACERT",
        "MOCKKMS_CONTROL_TOKEN",
        "MOCKKMS_CONTROL_TOKEN_FILE",
    ):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str) -> tuple[int, str, str]:
        code = main(words)
        return code, *capsys.readouterr()

    return call


def health(url: str) -> int:
    return requests.get(f"{url}/v1/sys/health", timeout=60).status_code


def test_fault(run: Run, kms: MockKMS) -> None:
    at = ("--url", kms.url)
    assert run("fault", "list", *at) == (0, "no rules\n", "")
    assert run("fault", "add", "sys/*", "answer=sealed", "times=2", "id=mine", *at) == (0, "mine\n", "")
    assert health(kms.url) == 503
    assert "mine: matched 1, fired 1: " in run("fault", "list", *at)[1]
    assert run("fault", "remove", "mine", *at) == (0, "", "")
    assert health(kms.url) == 200
    assert run("fault", "remove", "mine", *at) == (1, "", "mockkms fault: rule 'mine' not found\n")
    run("fault", "add", "secret/*", "answer=500", *at)
    code, _, said = run("fault", "remove", "", *at)
    assert (code, len(kms.faults)) == (1, 1)
    assert "faults/: a name is missing after the slash; without the slash, all are meant" in said
    code, _, said = run("fault", "add", "sys/*", "anser=sealed", *at)
    assert code == 1
    assert "unknown key 'anser'; did you mean 'answer'?" in said
    code, _, said = run("fault", "add", "sys/*", "sealed", *at)
    assert (code, said) == (2, "mockkms fault: 'sealed' is not of the form word=value, such as answer=sealed\n")
    run("fault", "add", "*", "answer=500", *at)
    assert run("fault", "clear", *at)[0] == 0
    assert len(kms.faults) == 0


def test_an_empty_list_says_so(run: Run, kms: MockKMS) -> None:
    at = ("--url", kms.url)
    assert run("journal", *at) == (0, "no requests\n", "")
    assert run("state", "snapshots", *at) == (0, "no snapshots\n", "")
    assert run("state", "snapshot", "before", *at) == (0, "", "")
    assert run("state", "snapshots", *at) == (0, "before\n", "")
    assert health(kms.url) == 200
    assert "sys/health" in run("journal", *at)[1]


@pytest.mark.parametrize("name", ["MOCKKMS_URL", "BAO_ADDR", "VAULT_ADDR"])
def test_every_command_has_the_same_address(run: Run, kms: MockKMS, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, kms.url)
    assert run("clock", "show")[0] == 0
    assert "Sealed          false" in run("status")[1]
    monkeypatch.delenv(name)
    assert "Sealed          false" in run("status", "--url", kms.url)[1]


def test_clock(run: Run, kms: MockKMS) -> None:
    at = ("--url", kms.url)
    assert run("clock", "freeze", "2026-01-01T00:00:00Z", *at)[1] == "2026-01-01T00:00:00Z (frozen)\n"
    assert run("clock", "advance", "1h", *at)[1] == "2026-01-01T01:00:00Z (frozen)\n"
    assert run("clock", "set", "2027-01-01T00:00:00Z", *at)[1] == "2027-01-01T00:00:00Z (frozen)\n"
    assert run("clock", "show", *at)[1] == "2027-01-01T00:00:00Z (frozen)\n"
    assert "frozen" not in run("clock", "resume", *at)[1]
    code, _, said = run("clock", "advance", "soon", *at)
    assert code == 1
    assert "advance: expected a duration" in said


def test_state(run: Run, kms: MockKMS) -> None:
    at = ("--url", kms.url)
    assert run("state", "save", "before", *at)[0] == 0
    assert json.loads(run("state", "seal", *at)[1])["seal"] == "sealed"
    assert json.loads(run("state", "show", *at)[1])["seal"] == "sealed"
    assert json.loads(run("state", "unseal", *at)[1])["seal"] == "unsealed"
    requests.post(f"{kms.url}/v1/secret/data/a", json={"data": {}}, headers={"X-Vault-Token": "root"}, timeout=60)
    assert "secret/" in run("state", "diff", "before", *at)[1]
    assert run("state", "restore", "before", *at)[0] == 0
    assert run("state", "diff", "before", *at)[1].strip() == ""
    assert run("state", "snapshots", *at)[1] == "before\n"
    assert run("state", "reset", *at)[0] == 0
    code, _, said = run("state", "restore", "befor", *at)
    assert (code, said) == (1, "mockkms state: unknown snapshot 'befor'; did you mean 'before'?\n")


def test_the_report_of_a_server(run: Run, kms: MockKMS, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    requests.post(f"{kms.url}/v1/auth/token/create", json={}, headers={"X-Vault-Token": "root"}, timeout=60)
    requests.get(f"{kms.url}/v1/sys/no-such-path", headers={"X-Vault-Token": "root"}, timeout=60)
    at = ("--url", kms.url)
    path = tmp_path / "report.json"
    found = "1 bad habit of the client, 1 request that is not emulated"
    assert run("journal", "--report", str(path), *at)[:2] == (0, f"{found}; see {path}\n")
    data = json.loads(path.read_text())
    assert data["unhandled"] == [{"request": "read sys/no-such-path", "tests": [kms.url]}]
    run("journal", "--report", str(tmp_path / "report.html"), *at)
    page = (tmp_path / "report.html").read_text()
    assert kms.url in page
    assert "No test used a server" not in page
    code, _, said = run("journal", "--report", str(tmp_path / "none" / "report.html"), *at)
    assert (code, "report.html cannot be written: No such file or directory" in said) == (2, True)
    for name, message in (("r.htlm", "did you mean '.html'?"), ("r.txt", "a name that ends in .html or .json")):
        with pytest.raises(SystemExit) as end:
            run("journal", "--report", name, *at)
        assert (end.value.code, message in capsys.readouterr().err) == (2, True)
        assert not Path(name).exists()


def test_journal(run: Run, kms: MockKMS) -> None:
    at = ("--url", kms.url)
    requests.post(f"{kms.url}/v1/secret/data/a", json={"data": {}}, headers={"X-Vault-Token": "root"}, timeout=60)
    health(kms.url)
    assert len(run("journal", *at)[1].splitlines()) == 2
    assert "POST /v1/secret/data/a" in run("journal", "show", "path=secret/*", *at)[1]
    assert json.loads(run("journal", "show", "--json", "--last", "1", *at)[1])["entries"][0]["path"] == "sys/health"
    assert run("journal", "--policy", *at)[1] == 'path "secret/data/a" {\n  capabilities = ["create"]\n}\n'
    assert run("journal", "--lint", *at)[1] == "no findings\n"
    code, _, said = run("journal", "show", "operatoin=read", *at)
    assert code == 1
    assert "did you mean 'operation'" in said
    assert run("journal", "clear", *at)[0] == 0
    assert kms.journal.total == 0


def test_tenants(run: Run, kms: MockKMS) -> None:
    run("fault", "add", "sys/*", "answer=sealed", "--url", kms.url, "--tenant", "one")
    assert (health(kms.url), health(kms.url + "/t/one")) == (200, 503)
    assert "503" in run("journal", "--url", kms.url, "--tenant", "one")[1]
    assert run("journal", "--url", kms.url)[1].count("\n") == 1
    assert run("clock", "show", "--url", kms.url, "--tenant", "-")[0] != 0


class _Other(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def test_a_server_other_than_mockkms(run: Run, kms: MockKMS) -> None:
    gone = kms.url
    kms.stop()
    code, _, said = run("clock", "show", "--url", gone)
    assert (code, said) == (2, f"mockkms clock: cannot reach mockkms at {gone}: Connection refused\n")
    assert run("clock", "show", "--url", "nowhere")[0] == 2
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Other) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        url = f"http://127.0.0.1:{other.server_port}"
        code, _, said = run("state", "show", "--url", url)
        assert (code, said) == (2, f"mockkms state: {url} is not a mockkms server: its control API answers 404\n")
        with pytest.raises(NotMockKMS):
            RemoteKMS(url).connect()
        other.shutdown()
        thread.join()
    kms.start()  # The next tests use it too.


def test_another_version_is_refused(kms: MockKMS, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mockkms.remote.wire.API", 99)
    with pytest.raises(RemoteError, match="has version 1 of the control API"):
        RemoteKMS(kms.url).connect()


def test_the_control_token(run: Run) -> None:
    with Cluster(nodes=2, control_token="let-me") as cluster:
        for url in (cluster.url, cluster.url + "/t/one", cluster.nodes[1].url):
            for path in ("", "state", "cluster", "journal"):
                assert requests.get(f"{url}/_mockkms/{path}", timeout=60).status_code == 401
            headers = {"X-Mockkms-Token": "let-me"}
            assert requests.get(f"{url}/_mockkms/state", headers=headers, timeout=60).status_code == 200
            # The page holds nothing; it asks for the token.
            assert "password" in requests.get(f"{url}/_mockkms/ui/", timeout=60).text
        code, _, said = run("journal", "--url", cluster.url)
        assert code == 2
        assert "control token required" in said
        assert "invalid control token" in run("journal", "--url", cluster.url, "--token", "no")[2]
        assert run("journal", "--url", cluster.url, "--control-token", "let-me")[0] == 0
        with RemoteKMS(cluster.url, control_token="let-me") as remote:
            assert remote.tenant("one").state == "unsealed"
            assert remote.call("GET", "cluster")["active"] == 0


def test_the_control_token_in_a_file(
    run: Run, serve: Callable[..., Served], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = tmp_path / "token"
    held.write_text("from-the-file\n")
    server = serve("--control-token-file", str(held))
    shown = Path(f"/proc/{server.process.pid}/cmdline")
    assert not shown.exists() or b"from-the-file" not in shown.read_bytes()
    at = ("--url", server.url)
    assert "control token required" in run("clock", "show", *at)[2]
    for flags in (("--token-file", str(held)), ("--control-token-file", str(held)), ("--token", "from-the-file")):
        assert run("clock", "show", *at, *flags)[0] == 0
    assert run("dump", server.url, "--token-file", str(held))[0] == 0
    with RemoteKMS(server.url, control_token_file=held) as remote:
        assert remote.tenant("one").state == "unsealed"
    monkeypatch.setenv("MOCKKMS_CONTROL_TOKEN_FILE", str(held))
    with RemoteKMS(server.url) as remote:
        assert remote.state == "unsealed"
    assert run("clock", "show", *at)[0] == 0
    monkeypatch.setenv("MOCKKMS_CONTROL_TOKEN", "another")  # Takes precedence over the file.
    assert "invalid control token" in run("clock", "show", *at)[2]
    with pytest.raises(RemoteError, match="control token required"):
        RemoteKMS(server.url, control_token="").connect()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file or directory"),
        (b" \n", "the file is empty"),
        (b"\xff", "the file is not UTF-8 text"),
        (b"two\nlines", "a token is sent in a header: it must be visible ASCII characters, and has '\\n' at 4"),
        (b"a" * 9000, "a token is sent in a header: it may have at most 8192 characters, not 9000"),
    ],
)
def test_a_file_without_a_control_token(run: Run, tmp_path: Path, content: bytes | None, why: str) -> None:
    held = tmp_path / "token"
    if content is not None:
        held.write_bytes(content)
    problem = f"control token: {held}: {why}\n"
    assert run("serve", "--port", "0", "--control-token-file", str(held)) == (2, "", f"mockkms serve: {problem}")
    assert run("clock", "show", "--token-file", str(held)) == (2, "", f"mockkms clock: {problem}")
    both = run("clock", "show", "--token", "a", "--token-file", str(held))[2]
    assert both == "mockkms clock: control token: give either the token or a file, not both\n"


def test_an_empty_control_token_is_not_taken_for_none(run: Run) -> None:
    said = "mockkms serve: --control-token is empty; leave it out to require no token\n"
    assert run("serve", "--port", "0", "--control-token", "") == (2, "", said)


RULES = """
- {path: sys/health, answer: sealed, times: 1}
- {path: "secret/*", anser: 503}
"""


def test_serve_with_rules_and_a_clock(serve: Callable[..., Served], tmp_path: Path, run: Run) -> None:
    (tmp_path / "rules.yaml").write_text("- {path: sys/health, answer: sealed, times: 1}\n")
    (tmp_path / "world.yaml").write_text("mockkms: 1\nfaults: [{id: first, path: never, answer: 500}]\n")
    flags = ("--seed", "world.yaml", "--faults", "rules.yaml", "--clock", "2026-01-01", "--control-token", "x")
    server = serve(*flags, "--control-anywhere")
    assert "warning: --control-anywhere: anyone who knows the control token can read all secrets" in server.text()
    assert [health(server.url), health(server.url)] == [503, 200]
    at = ("--url", server.url, "--token", "x")
    assert [line.partition(":")[0] for line in run("fault", "list", *at)[1].splitlines()] == ["first", "rule-2"]
    assert run("clock", "show", *at)[1] == "2026-01-01T00:00:00Z (frozen)\n"
    headers = {"Host": "elsewhere.example", "X-Mockkms-Token": "x"}
    assert requests.get(f"{server.url}/_mockkms/state", headers=headers, timeout=60).status_code == 200


def test_serve_with_a_clock_that_stands_still_or_runs_elsewhere(serve: Callable[..., Served], run: Run) -> None:
    begun = time.time()

    def clock(*flags: str) -> tuple[RemoteKMS, float, bool]:
        remote = RemoteKMS(serve(*flags).url)
        return remote, remote.clock.now(), remote.clock.frozen

    still, moment, frozen = clock("--clock", "frozen")
    assert (begun - 1 <= moment <= time.time(), frozen, still.clock.now()) == (True, True, moment)
    for shift, seconds in (("+30d", 30 * 86400), ("-1h30m", -5400)):
        remote, moment, frozen = clock("--clock=" + shift)
        assert (begun <= moment - seconds <= time.time(), frozen) == (True, False)
        remote.clock.freeze(0)
        remote.reset()
        assert begun <= remote.clock.now() - seconds <= time.time(), "reset keeps the shift"
        remote.close()
    still.close()
    at = ("--url", still.url)
    assert run("clock", "advance", *at, "--", "-1h")[0] == 0
    assert "expire: no secret has a lease" in run("state", "expire", "last", *at)[2]
    assert "clock: advance: expected a duration" in run("clock", "advance", "2026-01-01", *at)[2]
    assert "step_down: a single server has no standby" in run("state", "step-down", *at)[2]


def test_bad_rules_and_clocks_are_reported_with_their_place(run: Run, tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES)
    code, _, said = run("serve", "--port", "0", "--faults", str(rules))
    assert code == 2
    assert said.startswith(f"{rules}:3:22: faults[1].anser: unknown key 'anser'; did you mean 'answer'?")
    rules.write_text("mockkms: 1\n")
    assert "a world goes to --seed" in run("serve", "--port", "0", "--faults", str(rules))[2]
    assert run("serve", "--port", "0", "--clock", "soon")[2].startswith("mockkms serve: --clock soon: expected a time")
    assert run("serve", "--port", "0", "--clock", "+soon")[0] == 2


def test_the_clock_among_the_actions(run: Run, kms: MockKMS) -> None:
    at = ("--url", kms.url)
    kms.clock.freeze(0)
    assert run("state", "set-clock", "2030-01-01T00:00:00Z", *at)[0] == 0
    assert kms.clock.now() == 1893456000
    assert run("state", "advance", "1h", *at)[0] == 0
    assert kms.clock.now() == 1893456000 + 3600
    code, _, said = run("state", "set-clock", "soon", *at)
    assert (code, said.startswith("mockkms state: set_clock: ")) == (1, True)
    code, _, said = run("state", "restore", "before", *at)
    assert (code, said) == (1, "mockkms state: unknown snapshot 'before'; none exists yet\n")


def test_every_act_on_the_server_has_a_subcommand() -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    for name in ACTIONS:
        value = [] if name in ("seal", "unseal", "restart", "refuse", "deaf", "step_down") else ["x"]
        assert parser.parse_args(["state", name.replace("_", "-"), *value]).action == name.replace("_", "-")
