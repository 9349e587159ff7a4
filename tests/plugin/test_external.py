"""``--mockkms-url``: the same tests against a server that somebody else runs."""

from __future__ import annotations

import http.client
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from mockkms import RemoteKMS
from tests.plugin.conftest import Run
from tests.plugin.test_marker import ASK

LET = ("--mockkms-control-token", "let-me")
SOURCE = (
    ASK
    + """
def test_reads(mockkms_env, mockkms_hvac, mockkms):
    assert mockkms_hvac.is_authenticated()
    assert ask(mockkms, "/v1/secret/data/shared")[1]["data"]["data"] == {"from": "outside"}

@pytest.mark.mockkms(strict=True, state="unsealed")
def test_what_any_server_does(mockkms):
    assert ask(mockkms, "/v1/sys/health")[0] == 200

@pytest.mark.mockkms(faults=[{"match": "sys/*", "answer": "sealed"}])
def test_marked_faults(mockkms):
    raise SystemExit(9)

@pytest.mark.mockkms(clock=0)
def test_marked_clock(mockkms):
    raise SystemExit(9)

def test_faults(mockkms):
    mockkms.faults.add("sys/*", answer="sealed")
    raise SystemExit(9)

def test_factory_is_ours(mockkms_factory):
    assert ask(mockkms_factory(), "/v1/sys/health")[0] == 200
"""
)


@pytest.fixture
def gate(real: RemoteKMS) -> Iterator[str]:
    """The address of a server that has no control API, as a real one."""

    class Gate(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/_mockkms/"):
                self.send_error(404)
                return
            asked = http.client.HTTPConnection(real.url.removeprefix("http://"), timeout=60)
            asked.request("GET", self.path, headers={"X-Vault-Token": self.headers.get("X-Vault-Token", "")})
            answer = asked.getresponse()
            body = answer.read()
            asked.close()
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


TENANT = (
    ASK
    + """
def test_reads_and_writes(mockkms_env, mockkms_hvac, mockkms):
    assert ask(mockkms, "/v1/secret/data/shared")[1]["data"]["data"] == {"from": "outside"}
    assert ask(mockkms, "/v1/sys/mounts/secret", "DELETE")[0] == 204
    mockkms_hvac.sys.list_mounted_secrets_engines()
    mockkms.journal.assert_called("secret/*", times=1)

def test_clean_again(mockkms):
    assert ask(mockkms, "/v1/secret/data/shared")[0] == 200
    assert mockkms.journal.total == 1

@pytest.mark.mockkms(faults=[{"match": "sys/*", "answer": "sealed"}], clock="2026-01-01")
def test_marked(mockkms):
    assert ask(mockkms, "/v1/sys/health")[0] == 503
    mockkms.clock.resume()
    mockkms.reset()
    assert mockkms.clock.now() == 1767225600 and len(mockkms.faults) == 1
    assert ask(mockkms, "/v1/sys/health")[0] == 503

@pytest.mark.mockkms(seed="payments")
def test_seeded(mockkms):
    assert "payments" in mockkms.dump()
    ask(mockkms, "/v1/sys/mounts/secret", "DELETE")
    mockkms.reset()
    assert "payments" in mockkms.dump()

@pytest.mark.mockkms(allow_unhandled=["nowhere/*"])
def test_allowed(mockkms):
    ask(mockkms, "/v1/nowhere/at/all")

async def test_aiohttp(mockkms_client):
    assert (await mockkms_client.get("/v1/sys/health")).status == 200
    assert (await mockkms_client.list("/v1/secret/metadata/")).status == 200

@pytest.mark.parametrize("turn", [1, 2])
def test_tenants(mockkms, turn):
    one, two = mockkms.tenant("one"), mockkms.tenant("two")
    assert len(one.journal) == 0
    one.faults.add("sys/*", answer="sealed")
    assert [ask(kms, "/v1/sys/health")[0] for kms in (mockkms, one, two)] == [200, 503, 200]

def test_wrong(mockkms):
    ask(mockkms, "/v1/nowhere/at/all")
"""
)


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_mockkms_elsewhere_gives_each_process_a_tenant(suite: Run, real: RemoteKMS, workers: str) -> None:
    headers = {"X-Vault-Token": "theirs"}
    requests.post(real.url + "/v1/secret/data/shared", json={"data": {"from": "outside"}}, headers=headers, timeout=9)
    seen = real.journal.total
    result = suite("--mockkms-url", real.url, *LET, "-n", workers, source=TENANT, mode="auto")
    result.assert_outcomes(passed=8, failed=1)
    result.stdout.fnmatch_lines(["*not emulated*"])
    assert real.journal.total == seen
    assert real.tenants() == []


def test_the_control_token_in_a_file(suite: Run, real: RemoteKMS, tmp_path: Path) -> None:
    held = tmp_path / "token"
    held.write_text("let-me\n")
    source = "def test_it(mockkms): assert mockkms.state == 'unsealed'"
    result = suite("--mockkms-url", real.url, "--mockkms-control-token-file", str(held), source=source)
    result.assert_outcomes(passed=1)
    result = suite("--mockkms-url", real.url, "--mockkms-control-token-file", str(tmp_path / "none"), source=source)
    assert "control token: " in result.stdout.str() + result.stderr.str()


def test_a_wrong_control_token_ends_the_run(suite: Run, real: RemoteKMS) -> None:
    source = "def test_it(mockkms):\n    assert mockkms.state == 'unsealed'\n"
    result = suite("--mockkms-url", real.url, source=source)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert "control token required" in result.stdout.str() + result.stderr.str()
    suite("--mockkms-url", real.url, *LET, source=source).assert_outcomes(passed=1)


def test_the_same_tests_elsewhere(suite: Run, real: RemoteKMS, gate: str) -> None:
    headers = {"X-Vault-Token": "theirs"}
    requests.post(real.url + "/v1/secret/data/shared", json={"data": {"from": "outside"}}, headers=headers, timeout=9)
    result = suite("--mockkms-url", gate + "/", "--mockkms-token", "theirs", "-rs", source=SOURCE)
    result.assert_outcomes(passed=3, skipped=3)
    for asked in ("mockkms(faults=*)", "mockkms(clock=*)", "mockkms.faults"):
        result.stdout.fnmatch_lines([f"*SKIPPED*{asked} requires mockkms; the server at --mockkms-url is not mockkms"])
    real.journal.assert_called("sys/health", times=1)
