"""ACME of a namespace, a tenant and a cluster: addresses with more in front, and servers of another kind."""

from __future__ import annotations

import hvac
import pytest

from mockkms import Cluster, MockKMS
from tests.vault.secrets.pki.acme.conftest import seed
from tests.vault.secrets.pki.acme.responders import Responders
from tests.vault.secrets.pki.acme.wire import Wire, request_for

NAME = "www.example.test"


def issued(others: Responders, client: hvac.Client, mount: str) -> None:
    """Enable ACME of a mount, given by its address, and get a certificate."""
    client.write_data("pki/config/cluster", data={"path": mount})
    client.write_data("pki/config/acme", data={"enabled": True})
    client.adapter.close()
    wire = Wire(f"{mount}/acme/directory")
    with wire.session:
        assert wire.register().status_code == 201
        order = wire.order(NAME)
        challenge = wire.challenge(order, "http-01")
        others.http.meet(challenge["token"], wire.thumbprint)
        wire.post(challenge["url"], {})
        wire.until(challenge["of"], "valid")
        assert wire.finalize(order, request_for(NAME)).json()["status"] == "valid"


def test_a_namespace(others: Responders) -> None:
    world = {"vault": {"namespaces": {"team": seed(others)["vault"]}}}
    with MockKMS(seed=world, flavor="openbao") as kms:
        client = hvac.Client(url=kms.url, token=kms.token, namespace="team")
        issued(others, client, f"{kms.url}/v1/team/pki")


def test_a_tenant(others: Responders) -> None:
    with MockKMS() as kms:
        tenant = kms.tenant("a")
        tenant.load(seed(others))
        issued(others, hvac.Client(url=tenant.url, token=tenant.token), f"{tenant.url}/v1/pki")


@pytest.mark.parametrize("node", [0, 1])
def test_a_cluster(others: Responders, node: int) -> None:
    """A standby forwards the requests; challenges are validated beside the requests of all nodes."""
    with Cluster(3, seed=seed(others)) as cluster:
        url = cluster.nodes[node].url
        issued(others, hvac.Client(url=url, token=cluster.token), f"{url}/v1/pki")
