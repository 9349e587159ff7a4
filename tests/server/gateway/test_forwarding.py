"""Requests that ask to be forwarded to the active node: Vault refuses them, OpenBao ignores the headers."""

from __future__ import annotations

import pytest

from mockkms import MockKMS
from tests.server.raw_client import Wire

HEADERS = {
    "X-Vault-Forward: active-node": "X-Vault-Forward",
    "x-vault-forward: no": "X-Vault-Forward",
    "X-Vault-Inconsistent: forward-active-node": "X-Vault-Inconsistent=forward-active-node",
}


def _sent(kms: MockKMS, target: str, *lines: str) -> tuple[int, bytes]:
    with Wire(kms) as wire:
        wire.send("\r\n".join((f"GET {target} HTTP/1.1", "Host: h", "Connection: close", *lines, "", "")).encode())
        received = bytearray()
        while got := wire.socket.recv(65536):
            received += got
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.flavors("vault", "vault-1.21")
@pytest.mark.parametrize(("header", "named"), list(HEADERS.items()))
@pytest.mark.parametrize("target", ["/v1/sys/mounts", "/v1/secret/data/a", "/v1/sys/generate-root/attempt"])
def test_vault_does_not_forward(kms: MockKMS, target: str, header: str, named: str) -> None:
    text = f'{{"errors":["forwarding via header {named} disabled in configuration"]}}\n'
    assert _sent(kms, target, header) == (400, text.encode())


@pytest.mark.parametrize("target", ["/v1/sys/health", "/v1/sys/seal-status"])
def test_paths_of_every_node_are_answered(kms: MockKMS, target: str) -> None:
    assert _sent(kms, target, "X-Vault-Forward: active-node")[0] == 200


@pytest.mark.parametrize(
    "header",
    ["X-Vault-Forward:", "X-Vault-Inconsistent: retry", "X-Vault-No-Request-Forwarding: true"],
)
def test_other_headers_are_ignored(kms: MockKMS, header: str) -> None:
    assert _sent(kms, "/v1/sys/mounts", header)[0] == 403


@pytest.mark.flavors("openbao")
@pytest.mark.parametrize("header", list(HEADERS))
def test_openbao_ignores_the_headers(kms: MockKMS, header: str) -> None:
    assert _sent(kms, "/v1/sys/mounts", header)[0] == 403
