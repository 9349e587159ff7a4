"""Event notifications, which no emulated product has: ``sys/events`` and what is below it are unsupported paths.

Vault: the recorded OpenAPI document of 2.1 has no path below ``sys/events``. ``http/handler_stubs_oss.go`` has the
build tag ``!enterprise``, and its ``handleEntPaths``, which serves ``sys/events/subscribe`` in the enterprise edition,
returns no handler, so that requests reach the system backend as any other. OpenBao 2.6: no path of that name in its
source.
"""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from mockkms import MockKMS
from scripts import coverage
from tests.vault.driving import World

pytestmark = pytest.mark.flavors("vault", "vault-1.21", "openbao")
_PATHS = (
    "events",
    "events/subscribe",
    "events/subscribe/kv*",
    "events/subscribe/*",
    "events/subscriptions",
    "events/types",
)
_UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
_UNSUPPORTED = '{"errors":["1 error occurred:\\n\\t* unsupported path\\n\\n"]}\n'


@pytest.fixture
def connection(kms: MockKMS) -> Iterator[http.client.HTTPConnection]:
    """A connection to the server."""
    found = http.client.HTTPConnection(kms.url.removeprefix("http://"), timeout=60)
    yield found
    found.close()


@pytest.mark.parametrize("path", _PATHS)
def test_a_websocket_is_refused_as_a_request_is(
    kms: MockKMS, connection: http.client.HTTPConnection, path: str
) -> None:
    for headers in ({}, _UPGRADE):
        connection.request("GET", f"/v1/sys/{path}", headers={"X-Vault-Token": kms.token, **headers})
        answer = connection.getresponse()
        assert (answer.status, answer.read().decode()) == (404, _UNSUPPORTED)
        connection.request("GET", f"/v1/sys/{path}", headers=headers)
        answer = connection.getresponse()
        assert (answer.status, answer.read().decode()) == (403, '{"errors":["permission denied"]}\n')


@pytest.mark.parametrize("operation", ["read", "update", "delete", "list"])
def test_no_operation_is_known(world: World, operation: str) -> None:
    for path in _PATHS:
        answer = world.ask(operation, f"sys/{path}")
        assert (answer.status, answer.errors) == (404, ["1 error occurred:\n\t* unsupported path\n\n"])


def test_the_recorded_surface_has_no_such_path() -> None:
    for product in coverage.SURVEYED:
        assert not [asked for asked in coverage.surface(product) if asked.path.startswith("/sys/events")]
