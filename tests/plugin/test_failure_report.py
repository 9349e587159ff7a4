"""What was asked of the servers stands in the report of a failed test, and nowhere else."""

from __future__ import annotations

import re

import pytest

from tests.plugin.conftest import Run
from tests.plugin.test_marker import ASK, sections

SOURCE = (
    ASK
    + """
@pytest.fixture
def fails_before(mockkms):
    ask(mockkms, "/v1/sys/health?in=setup")
    raise RuntimeError("before")

@pytest.fixture
def fails_after(mockkms):
    yield
    ask(mockkms, "/v1/sys/health?in=teardown")
    raise RuntimeError("after")

def test_passes(mockkms):
    ask(mockkms, "/v1/sys/health?in=passes")
    mockkms.faults.add("sys/health", answer="sealed", times=1)
    ask(mockkms, "/v1/sys/health?in=passes")

def test_fails(mockkms, mockkms_factory):
    ask(mockkms, "/v1/sys/health?in=fails")
    ask(mockkms_factory(), "/v1/sys/health?in=another")
    assert 1 == 2

def test_setup(fails_before):
    raise SystemExit(9)

def test_teardown(fails_after, mockkms):
    ask(mockkms, "/v1/sys/health?in=call")

def test_both(fails_after, mockkms):
    ask(mockkms, "/v1/sys/health?in=both")
    assert 1 == 2

@pytest.mark.xfail(reason="known")
def test_xfails(mockkms):
    ask(mockkms, "/v1/sys/health?in=xfails")
    assert 1 == 2

def test_skips(mockkms):
    ask(mockkms, "/v1/sys/health?in=skips")
    pytest.skip("because")

def test_near_misses(mockkms):
    ask(mockkms, "/v1/sys/health?in=near")
    mockkms.journal.assert_called("sys/helth", operation="update")

def test_without(pytestconfig):
    assert 1 == 3

def test_quiet(mockkms):
    assert 1 == 2

def test_long(mockkms):
    for number in range(40):
        ask(mockkms, f"/v1/sys/health?long={number:02}")
    assert 1 == 2
"""
)


def asked(text: str) -> list[str]:
    return re.findall(r"^ +\d+ 200 .*sys/health\?in=(\w+)$", text, re.MULTILINE)


@pytest.mark.parametrize("options", [(), ("-n", "2"), ("-rA",)], ids=["one process", "two workers", "all reported"])
def test_only_of_failed_tests(suite: Run, options: tuple[str, ...]) -> None:
    result = suite("-p", "no:randomly", *options, source=SOURCE)
    result.assert_outcomes(passed=2, failed=6, errors=3, skipped=1, xfailed=1)
    shown = sections(result.stdout.str())
    for quiet in ("passes", "xfails", "skips"):
        assert quiet not in asked(result.stdout.str()), quiet
    assert asked(shown["test_fails"]) == ["fails", "another"]
    assert shown["test_fails"].count("mockkms ---") == 1
    assert asked(shown["test_setup"]) == ["setup"]
    assert asked(shown["test_teardown"]) == ["call", "teardown"]
    assert asked(shown["test_both"]) == ["both", "teardown", "both"], "the error, then the failure"
    assert (
        "no requests received; code that reads VAULT_ADDR finds this server with the fixture mockkms_env"
        in (shown["test_quiet"])
    )
    assert "mockkms ---" not in shown["test_without"].partition("short test summary")[0]


def test_near_misses_and_the_latest_requests(suite: Run) -> None:
    shown = sections(suite("-p", "no:randomly", source=SOURCE).stdout.str())
    near = shown["test_near_misses"]
    assert "expected request sys/helth operation='update' at least once, got 0" in near
    assert re.search(r"nearest:\n.*sys/health\?in=near  <- wrong: (path, operation|operation, path)", near)
    assert re.findall(r"long=(\d\d)", shown["test_long"]) == [f"{number:02}" for number in range(10, 40)]


STOPPED = (
    ASK
    + """
def test_stopped(mockkms_factory):
    kms = mockkms_factory()
    ask(kms, "/v1/sys/health?in=stopped")
    kms.stop()
    assert 1 == 2
"""
)


def test_a_server_that_the_test_has_stopped(suite: Run) -> None:
    result = suite("-p", "no:randomly", source=STOPPED)
    result.assert_outcomes(failed=1)
    shown = sections(result.stdout.str())["test_stopped"]
    assert "\nvault not running\n" in shown
    assert asked(shown) == ["stopped"]


def test_the_report_names_the_place_without_a_mount(suite: Run) -> None:
    source = """
import requests

def ask(kms, path):
    requests.get(kms.url + path, headers={"X-Vault-Token": kms.token})

def test_unmounted(mockkms_env):
    ask(mockkms_env, "/v1/transit/keys/orders")
    ask(mockkms_env, "/v1/auth/approle/role/web")

def test_quiet(mockkms_env):
    assert 1 == 2
"""
    text = suite("-p", "no:randomly", source=source).stdout.str()
    assert "GET /v1/transit/keys/orders [unhandled] [hint: nothing is mounted at transit/]" in text
    assert "GET /v1/auth/approle/role/web [unhandled] [hint: nothing is mounted at auth/approle/]" in text
    assert "no requests received\n" in text


def test_the_report_says_why_a_token_is_refused(suite: Run) -> None:
    source = """
import requests

def ask(kms, token):
    headers = {"X-Vault-Token": token} if token else {}
    requests.get(kms.url + "/v1/auth/token/lookup-self", headers=headers)

def test_tokens(mockkms):
    root = {"X-Vault-Token": mockkms.token}
    made = requests.post(mockkms.url + "/v1/auth/token/create", json={"ttl": "1h"}, headers=root).json()["auth"]
    mockkms.clock.advance("2h")
    ask(mockkms, made["client_token"])
    ask(mockkms, "misspelt")
    ask(mockkms, "")
    requests.post(mockkms.url + "/v1/auth/token/roles/far", json={"token_bound_cidrs": "10.0.0.0/8"}, headers=root)
    made = requests.post(mockkms.url + "/v1/auth/token/create/far", json={"ttl": "1h"}, headers=root).json()["auth"]
    ask(mockkms, made["client_token"])
    assert 1 == 2
"""
    text = suite("-p", "no:randomly", source=source).stdout.str()
    hints = re.findall(r"403 .*lookup-self .*\[hint: (.*)\]", text)
    unknown = "there is no such token: it never existed, has expired, or was revoked or used up"
    excluded = "the token's bound CIDRs exclude the client's address"
    assert hints == [unknown, unknown, "the request has no token", excluded]


def test_the_report_of_a_request_that_a_rule_holds_back(suite: Run) -> None:
    source = """
import socket

def test_slow(mockkms):
    mockkms.faults.add("sys/health", delay="60s")
    host, port = mockkms.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET /v1/sys/health HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
        while not mockkms.faults.get("rule-1").fired:
            pass
        client.detach()  # It stays open: the server has not seen the end of the request when the report is made.
    assert 1 == 2
"""
    text = suite("-p", "no:randomly", source=source).stdout.str()
    assert "no requests in the journal, although rules fired: a response is held back" in text
    assert "no requests received" not in text
