"""A proxy in front of a real server over a real socket: what the client sees, what the server gets."""

from __future__ import annotations

from collections.abc import Iterator

import hvac
import pytest
import requests

from mockkms import MockKMS
from mockkms.faults import FaultError

PATH = "secret/data/app"


@pytest.fixture(scope="module")
def real() -> Iterator[MockKMS]:
    with MockKMS(rng=5) as kms:
        yield kms


@pytest.fixture(scope="module")
def front(real: MockKMS) -> Iterator[MockKMS]:
    with MockKMS(upstream=real.url, root_token=real.token) as kms:
        yield kms


@pytest.fixture
def proxy(real: MockKMS, front: MockKMS) -> MockKMS:
    real.reset()
    front.reset()
    return front


@pytest.fixture
def client(proxy: MockKMS) -> Iterator[hvac.Client]:
    made = hvac.Client(url=proxy.url, token=proxy.token)
    made.session.trust_env = False
    yield made
    made.adapter.close()


def test_a_client_works_as_if_the_proxy_were_not_there(proxy: MockKMS, real: MockKMS, client: hvac.Client) -> None:
    client.secrets.kv.v2.create_or_update_secret("app", {"n": 1})
    assert client.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)["data"]["data"] == {"n": 1}
    assert client.secrets.kv.v2.list_secrets("")["data"]["keys"] == ["app"]
    lines = ["POST /v1/secret/data/app", "GET /v1/secret/data/app", "LIST /v1/secret/metadata"]
    assert real.journal.lines() == proxy.journal.lines() == lines


def test_an_answer_is_lost_after_the_write_took_effect(proxy: MockKMS, client: hvac.Client) -> None:
    proxy.faults.add(PATH, operation="write", lose_answer=True, times=1)
    with pytest.raises(requests.ConnectionError):
        client.secrets.kv.v2.create_or_update_secret("app", {"n": 1})
    assert client.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)["data"]["data"] == {"n": 1}
    assert [entry.cut for entry in proxy.journal] == ["close", ""]


@pytest.mark.parametrize("words", [{"seal": True}, {"unseal": True}, {"revoke": True}, {"restart": "lose"}])
def test_what_needs_the_servers_state_is_refused(proxy: MockKMS, words: dict[str, object]) -> None:
    with pytest.raises(FaultError, match=r"a real server answers here .* what works here: answer, bad_chunk"):
        proxy.faults.add("*", **words)
    with pytest.raises(FaultError, match="a real server answers here"):
        proxy.faults.script([{"expect": "*", **words}])
    assert not proxy.faults.active
