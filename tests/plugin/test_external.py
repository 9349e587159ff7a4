"""``--mockkms-url``: the same tests against a server that somebody else runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from mockkms import MockKMS
from tests.plugin.conftest import Run
from tests.plugin.test_marker import ASK

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
def real() -> Iterator[MockKMS]:
    with MockKMS(root_token="theirs", flavor="openbao") as kms:
        yield kms


def test_the_same_tests_elsewhere(suite: Run, real: MockKMS) -> None:
    import requests

    headers = {"X-Vault-Token": "theirs"}
    requests.post(real.url + "/v1/secret/data/shared", json={"data": {"from": "outside"}}, headers=headers, timeout=9)
    result = suite("--mockkms-url", real.url + "/", "--mockkms-token", "theirs", "-rs", source=SOURCE)
    result.assert_outcomes(passed=3, skipped=3)
    for asked in ("mockkms(faults=*)", "mockkms(clock=*)", "mockkms.faults"):
        result.stdout.fnmatch_lines([f"*SKIPPED*{asked} needs a mockkms server; --mockkms-url names another one"])
    real.journal.assert_called("sys/health", times=1)
