"""Requests by the template of their path, and the globs that select them."""

from __future__ import annotations

import pytest

from mockkms import MockKMS
from mockkms.explore.places import place_of
from tests.explore.conftest import Client


@pytest.mark.parametrize(
    ("method", "path", "operation", "template", "glob"),
    [
        ("POST", "transit/encrypt/orders", "write", "transit/encrypt/{name}", "transit/encrypt/+"),
        ("GET", "transit/keys/orders", "read", "transit/keys/{name}", "transit/keys/+"),
        ("LIST", "transit/keys", "list", "transit/keys", "transit/keys"),
        ("POST", "transit/keys/orders/rotate", "write", "transit/keys/{name}/rotate", "transit/keys/+/rotate"),
        ("POST", "transit/sign/orders/sha2-256", "write", "transit/sign/{name}/{urlalgorithm}", "transit/sign/+/*"),
        ("GET", "secret/data/a/b", "read", "secret/data/{path}", "secret/data/*"),
        ("DELETE", "secret/metadata/a", "delete", "secret/metadata/{path}", "secret/metadata/*"),
        ("GET", "sys/health", "read", "sys/health", "sys/health"),
        ("POST", "auth/userpass/login/ann", "write", "auth/userpass/login/{username}", "auth/userpass/login/+"),
        (
            "POST",
            "transit/datakey/wrapped/orders",
            "write",
            "transit/datakey/{plaintext}/{name}",
            "transit/datakey/+/+",
        ),
        ("GET", "nothing/a*b", "read", "nothing/a*b", "nothing/a*b"),
    ],
)
def test_places(server: MockKMS, method: str, path: str, operation: str, template: str, glob: str) -> None:
    """The place of a request, and that its match selects it."""
    client = Client(server)
    with client.session:
        client.session.request(method, f"{server.url}/v1/{path}", headers={"X-Vault-Token": "root"}, json={})
    (entry,) = server.journal
    place = place_of(entry)
    assert (place.operation, place.path, place.glob) == (operation, template, glob)
    assert server.journal.entries(place.match()) == [entry]


def test_namespaces(server: MockKMS) -> None:
    """A namespace of the header is in the match, one of the path in the template."""
    server.load({"flavor": "openbao"})
    client = Client(server)
    headers = {"X-Vault-Token": "root"}
    with client.session:
        client.session.post(f"{server.url}/v1/sys/namespaces/a", headers=headers)
        client.session.get(f"{server.url}/v1/sys/mounts", headers={**headers, "X-Vault-Namespace": "a"})
        client.session.get(f"{server.url}/v1/a/sys/mounts", headers=headers)
    _, header, path = server.journal
    assert place_of(header).match() == {"path": "sys/mounts", "operation": "read", "namespace": "a/"}
    assert place_of(path).match() == {"path": "a/sys/mounts", "operation": "read"}
    assert server.journal.entries(place_of(header).match()) == [header]
    assert server.journal.entries(place_of(path).match()) == [path]


def test_other_services_and_servers(server: MockKMS) -> None:
    """The admin API is named in the match; a further server in the name of the place."""
    client = Client(server)
    with client.session:
        client.session.get(f"{server.rustfs_url}/rustfs/admin/v3/kms/status")
    (entry,) = server.journal
    assert place_of(entry).match()["service"] == "rustfs"
    assert str(place_of(entry, 2)) == "server 2: read status"
