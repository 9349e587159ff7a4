"""What the control API answers when it is told to cut connections: its own is closed after the answer."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from mockkms import Cluster, MockKMS, RemoteKMS
from mockkms.cli import main
from tests.waiting import eventually

CUTS: list[dict[str, Any]] = [{"restart": "keep"}, {"restart": "lose"}, {"refuse": 0.01}, {"refuse": 60}]


@pytest.fixture(params=["plain", "tls", "cluster"])
def kms(request: pytest.FixtureRequest) -> Iterator[MockKMS]:
    made = Cluster(nodes=2) if request.param == "cluster" else MockKMS(tls=request.param == "tls" or None)
    with made as kms:
        yield kms


@pytest.mark.parametrize("where", ["", "/t/one"])
@pytest.mark.parametrize("words", CUTS, ids=str)
def test_the_answer_comes_before_the_cut(kms: MockKMS, words: dict[str, Any], where: str) -> None:
    with requests.Session() as session:
        url = f"{kms.url}{where}/_mockkms/state"
        answer = session.post(url, json=words, timeout=60, verify=kms.ca_file or False)
        assert (answer.status_code, answer.json()["seal"]) == (200, "unsealed")
        assert answer.headers["Connection"] == "close"


def test_other_connections_are_cut(kms: MockKMS) -> None:
    kms.faults.add("sys/health", hang=True)
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            requests.get(f"{kms.url}/v1/sys/health", timeout=60, verify=kms.ca_file or False)
        except requests.RequestException as error:
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    eventually(lambda: kms.faults.list()[0].matched == 1)
    with RemoteKMS(kms.url, ca_file=kms.ca_file) as remote:
        remote.act(restart="keep")
        waiting.join(60)
        assert not isinstance(ended[0], requests.Timeout)
        # The next request has a new connection.
        assert remote.state == "unsealed"


def test_the_port_is_closed_when_the_answer_comes() -> None:
    with MockKMS(control_port=0) as kms:
        with RemoteKMS(kms.url) as remote:
            remote.act(refuse=3600)
        with pytest.raises(requests.ConnectionError):
            requests.get(f"{kms.url}/v1/sys/health", timeout=60)
        assert requests.post(f"{kms.control_url}/_mockkms/reset", timeout=60).ok
        assert requests.get(f"{kms.url}/v1/sys/health", timeout=60).ok


def test_the_command_succeeds(
    kms: MockKMS, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_CACERT", kms.ca_file)
    for words in (["restart"], ["restart", "lose"], ["deaf", "60"], ["refuse", "60"]):
        assert main(["state", *words, "--url", kms.url, "--tenant", "-".join(words)]) == 0
        assert '"seal": "unsealed"' in capsys.readouterr().out
