"""What a client sees of a fault of mockkms itself: an error in the API's form, on a connection that goes on."""

from __future__ import annotations

import logging

import pytest
import requests

from mockkms import MockKMS
from mockkms.vault.kernel.core import Core


def broken(_core: Core, _request: object) -> None:
    raise RecursionError("too deep")


@pytest.mark.parametrize("body", [b"", b'{"data":{"a":"' + b"a" * 200_000 + b'"}}'])
def test_an_unexpected_exception(
    kms: MockKMS, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    """At once and on a thread."""
    with requests.Session() as client:
        client.headers["X-Vault-Token"] = kms.token
        url = f"{kms.url}/v1/secret/data/x"
        with monkeypatch.context() as patch, caplog.at_level(logging.ERROR):
            patch.setattr(Core, "handle", broken)
            failed = client.request("POST" if body else "GET", url, data=body, timeout=60)
        assert failed.status_code == 500
        (error,) = failed.json()["errors"]
        assert error.startswith("mockkms: internal error: RecursionError: too deep")
        (record,) = caplog.records
        assert record.name == "mockkms.server"
        assert "/v1/secret/data/x failed" in record.getMessage()
        assert record.exc_info is not None
        assert client.get(url, timeout=60).status_code == 404
