"""Requests of almost 1 MiB of target or headers take a time in proportion to their length."""

from __future__ import annotations

import time

import pytest
from multidict import CIMultiDict

from mockkms import MockKMS
from mockkms.server.gateway.exchange import HttpReply, HttpRequest

MANY = 300_000
SECONDS = 5.0
"""Of CPU; in proportion to the square of the length it would be minutes."""
CASES: dict[str, tuple[str, str, dict[str, str]]] = {
    "segments": ("/v1/" + "a/" * MANY, "", {}),
    "segments below a mount": ("/v1/secret/data/" + "a/" * MANY, "", {}),
    "dots": ("/v1/" + "./" * MANY, "", {}),
    "parents": ("/v1/" + "../" * MANY, "", {}),
    "slashes": ("/v1/" + "/" * MANY, "", {}),
    "escapes": ("/v1/" + "%61" * MANY, "", {}),
    "parameters": ("/v1/sys/mounts", "a&" * MANY, {}),
    "a list": ("/v1/secret/metadata/" + "a/" * MANY, "list=true", {}),
    "namespace": ("/v1/secret/data/a", "", {"X-Vault-Namespace": "a/" * MANY}),
    "inline login": ("/v1/secret/data/a", "", {"X-Vault-Inline-Auth-Path": "a/" * MANY}),
    "admin path": ("/rustfs/admin/v3/kms/" + "a/" * MANY, "", {}),
    "signature": ("/rustfs/admin/v3/kms/status", "", {"Authorization": "AWS4-HMAC-SHA256 Credential=" + "a/," * MANY}),
}


@pytest.mark.parametrize("token", ["root", "reader"])
@pytest.mark.parametrize("case", CASES)
def test_a_long_request_takes_linear_time(case: str, token: str) -> None:
    policy = 'path "secret/+/a" { capabilities = ["read"] }\npath "+/+/+/b*" { capabilities = ["list"] }'
    tokens = [{"id": "reader", "policies": ["p"]}]
    kms = MockKMS(seed={"vault": {"policies": {"p": policy}, "tokens": tokens}}, flavor="openbao", root_token="root")
    kms.faults.add("secret/*/never/*", answer=500)
    gateway = kms._gateway
    gateway.threads = None
    target, query, more = CASES[case]
    headers = CIMultiDict({"Host": "127.0.0.1", "X-Vault-Token": token, **more})
    started = time.process_time()
    reply = gateway.start(HttpRequest("GET", target, query, headers))
    assert isinstance(reply, HttpReply)
    assert time.process_time() - started < SECONDS
