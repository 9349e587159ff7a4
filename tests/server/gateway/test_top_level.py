"""What the URL as it was sent decides: whether data is repeated at the top level, and whether it is a path at all."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from mockkms import MockKMS


@pytest.fixture(scope="module")
def server() -> Iterator[MockKMS]:
    with MockKMS(flavor="openbao") as running:
        requests.post(f"{running.url}/v1/sys/namespaces/team", headers={"X-Vault-Token": running.token}, timeout=60)
        yield running


@pytest.mark.parametrize("path", ["mounts", "auth", "policy", "capabilities-self", "mounts/sys/tune"])
def test_a_namespace_in_the_url_keeps_the_data_in_its_place(server: MockKMS, path: str) -> None:
    def ask(url: str, **more: str) -> set[str]:
        head = {"X-Vault-Token": server.token, **more}
        method, body = ("POST", {"paths": "a"}) if path.startswith("cap") else ("GET", None)
        answer = requests.request(method, f"{server.url}/v1/{url}{path}", json=body, headers=head, timeout=60)
        assert answer.status_code == 200
        whole = answer.json()
        return set(whole["data"]) & set(whole)

    assert ask("sys/")
    assert ask("sys/", **{"X-Vault-Namespace": "team"})
    assert not ask("team/sys/")


@pytest.mark.parametrize("path", ["secret/data/%2e/x", "secret/%2e%2e/x", "nowhere/%2e", "auth/userpass/login/%2e%2e"])
def test_relative_paths_are_refused_before_anything_else_is_looked_at(server: MockKMS, path: str) -> None:
    session = requests.Session()
    prepared = session.prepare_request(
        requests.Request("GET", f"{server.url}/v1/", headers={"X-Vault-Namespace": "no"})
    )
    prepared.url = f"{server.url}/v1/{path}"
    answer = session.send(prepared, timeout=60)
    assert (answer.status_code, answer.json()) == (400, {"errors": ["relative paths not supported"]})
