"""The sizes of request heads and of the tokens in them: 8 KiB of token in Vault 2, and 12 KiB of head."""

from __future__ import annotations

import pytest

from mockkms import MockKMS
from tests.server.raw_client import Wire

TOO_LONG = b'{"errors":["authentication token exceeds maximum allowed header size"]}\n'
NO_TOKEN = b'{"errors":["permission denied"]}\n'


def _sent(kms: MockKMS, *lines: str, target: str = "/v1/sys/mounts") -> tuple[int, bytes]:
    with Wire(kms) as wire:
        wire.send(
            "\r\n".join((f"GET {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *lines, "", "")).encode()
        )
        received = bytearray()
        while got := wire.socket.recv(65536):
            received += got
    head, _, body = bytes(received).partition(b"\r\n\r\n")
    return int(head.split()[1]), body


@pytest.mark.parametrize("before", [[], ["Authorization: Basic dXNlcjpwYXNz"]])
@pytest.mark.parametrize("header", ["X-Vault-Token: ", "Authorization: Bearer "])
def test_a_token_has_at_most_8_kib(kms: MockKMS, header: str, before: list[str]) -> None:
    assert _sent(kms, *before, header + "x" * 8193) == (431, TOO_LONG)
    assert _sent(kms, *before, header + "x" * 8192)[0] == 403


def test_other_credentials_may_be_longer(kms: MockKMS) -> None:
    assert _sent(kms, "Authorization: Basic " + "x" * 8193) == (403, NO_TOKEN)


def test_the_size_of_a_token_is_looked_at_first(kms: MockKMS) -> None:
    for target in ("/v1/sys/health", "/ui/", "/v1/sys//mounts"):
        assert _sent(kms, "X-Vault-Token: " + "x" * 8193, target=target) == (431, TOO_LONG)


@pytest.mark.parametrize(("size", "status"), [(12288, 200), (12289, 431)])
def test_a_head_has_at_most_12_kib(kms: MockKMS, size: int, status: int) -> None:
    without = len("GET /v1/sys/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Pad: \r\n\r\n")
    found, body = _sent(kms, "X-Pad: " + "x" * (size - without), target="/v1/sys/health")
    assert found == status
    assert status == 200 or body == b"431 Request Header Fields Too Large"


def test_the_control_api_is_not_limited(kms: MockKMS) -> None:
    assert _sent(kms, "X-Pad: " + "x" * 20000, target="/_mockkms/ui/")[0] == 200


@pytest.mark.flavors("vault-1.21", "openbao")
def test_earlier_products_have_gos_limit(kms: MockKMS) -> None:
    assert _sent(kms, "X-Vault-Token: " + "x" * 20000)[0] == 403
    assert _sent(kms, "X-Pad: " + "x" * 20000, target="/v1/sys/health")[0] == 200
