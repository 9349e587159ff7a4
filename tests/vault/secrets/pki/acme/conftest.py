"""The fixture ``authority``: a server with ACME enabled, whose challenges are validated at local responders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import hvac
import pytest

from mockkms import MockKMS
from tests.vault.secrets.pki.acme.responders import Responders, responders
from tests.vault.secrets.pki.acme.wire import Wire

HEADERS = ["Replay-Nonce", "Link", "Location"]


class AcmeAuthority:
    """A server with a PKI mount, and the responders of its clients."""

    def __init__(self, kms: MockKMS, others: Responders) -> None:
        self.kms, self.others = kms, others
        self.vault = hvac.Client(url=kms.url, token=kms.token)
        self.opened = ExitStack()
        self.opened.callback(self.vault.adapter.close)

    def write(self, path: str, /, **data: Any) -> dict[str, Any]:
        """Write below the mount; return the data of the response."""
        found = self.vault.write_data(f"pki/{path}", data=data)
        return dict(found["data"]) if isinstance(found, dict) and found.get("data") else {}

    def read(self, path: str) -> dict[str, Any]:
        """Return the data of a read below the mount."""
        found: dict[str, Any] = self.vault.read(f"pki/{path}")["data"]
        return found

    def directory(self, base: str = "acme") -> str:
        """Return the address of a directory."""
        return f"{self.kms.url}/v1/pki/{base}/directory"

    def client(self, base: str = "acme", **options: Any) -> Wire:
        """Return a client with an account."""
        made = self.stranger(base, **options)
        response = made.register(contact=["mailto:ops@example.test"])
        assert response.status_code == 201, response.text
        return made

    def stranger(self, base: str = "acme", **options: Any) -> Wire:
        """Return a client without an account."""
        made = Wire(self.directory(base), **options)
        self.opened.callback(made.session.close)
        return made

    def meet(self, client: Wire, name: str, challenge: dict[str, Any]) -> None:
        """Make the responders ready for a challenge."""
        token = challenge["token"]
        if challenge["type"] == "http-01":
            self.others.http.meet(token, client.thumbprint)
        elif challenge["type"] == "dns-01":
            self.others.names.meet(name, token, client.thumbprint)
        else:
            self.others.tls.meet(name, token, client.thumbprint)

    def proved(self, client: Wire, *names: str) -> dict[str, Any]:
        """Return an order whose identifiers are proved by the first challenge of each."""
        order = client.order(*names)
        for one in client.authorizations(order):
            self.meet(client, one["identifier"]["value"], one["challenges"][0])
            client.post(one["challenges"][0]["url"], {})
        client.until(order["url"], "ready")
        return order


def seed(others: Responders, **more: Any) -> dict[str, Any]:
    """Return a world with a PKI mount that validates challenges at these responders."""
    acme = {
        "http_port": others.http.port, "tls_port": others.tls.port, "hosts": ["*.example.test"],
        "dns_resolver": others.names.address, "eab_policy": "not-required", **more,
    }  # fmt: skip
    mount = {
        "type": "pki",
        "allowed_response_headers": HEADERS,
        "max_lease_ttl": "87600h",
        "issuers": [{"name": "root", "generate": {"common_name": "Root CA", "ttl": "80000h"}}],
        "roles": {"web": {"allowed_domains": ["example.test"], "allow_subdomains": True, "key_type": "any"}},
        "acme": acme,
    }
    return {"vault": {"mounts": {"pki/": mount}}}


@pytest.fixture(scope="module")
def ready() -> Iterator[Responders]:
    """Responders that run as long as the tests of a module."""
    with responders() as made:
        yield made


@pytest.fixture
def others(ready: Responders) -> Responders:
    """The responders of clients, which know no challenge yet."""
    ready.forget()
    return ready


@pytest.fixture
def authority(flavor: str | None, others: Responders) -> Iterator[AcmeAuthority]:
    """A server with ACME enabled; Vault unless the marker ``flavors`` says otherwise."""
    with MockKMS(seed=seed(others), flavor=flavor) as kms:
        made = AcmeAuthority(kms, others)
        made.write("config/cluster", path=f"{kms.url}/v1/pki")
        made.write("config/acme", enabled=True)
        with made.opened:
            yield made
