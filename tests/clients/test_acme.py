"""ACME with the client of ``golang.org/x/crypto``, over TLS."""

from __future__ import annotations

import json
import socket

import hvac
import pytest

from mockkms import MockKMS
from tests.clients.test_vault_clients import go_program
from tests.clients.toolchain import run

PORTS = 2


def free_ports() -> list[int]:
    """Ports that were free a moment ago."""
    opened = [socket.create_server(("127.0.0.1", 0)) for _ in range(PORTS)]
    found: list[int] = [one.getsockname()[1] for one in opened]
    for one in opened:
        one.close()
    return found


@pytest.mark.parametrize("flavor", ["vault", "openbao"])
def test_go(flavor: str) -> None:
    program = go_program("goacme")
    http_port, tls_port = free_ports()
    mount = {
        "type": "pki",
        "allowed_response_headers": ["Replay-Nonce", "Link", "Location"],
        "issuers": [{"name": "root", "generate": {"common_name": "Root CA"}}],
        "acme": {"http_port": http_port, "tls_port": tls_port, "hosts": ["*.example.test"]},
        "acme_bindings": [{"id": "ci", "key": "dmF1bHQtZWFiLTAtc2VjcmV0"}],
    }
    with MockKMS(seed={"vault": {"mounts": {"pki/": mount}}}, flavor=flavor, tls=True) as kms:
        client = hvac.Client(url=kms.url, token=kms.token, verify=kms.ca_file)
        client.write_data("pki/config/cluster", data={"path": f"{kms.url}/v1/pki"})
        client.write_data("pki/config/acme", data={"enabled": True})
        directory = f"{kms.url}/v1/pki/acme/directory"
        arguments = (directory, str(http_port), str(tls_port), "ci", "dmF1bHQtZWFiLTAtc2VjcmV0")
        found = json.loads(run(program, *arguments, env={"SSL_CERT_FILE": str(kms.ca_file)}))
        assert found == {
            "account": "valid",
            "names": ["a.example.test"],
            "chain": 2,
            "refused": "urn:ietf:params:acme:error:badRevocationReason",
        }
        assert len(client.list("pki/certs/revoked")["data"]["keys"]) == 2
        client.adapter.close()
