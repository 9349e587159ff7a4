"""The requests that are measured, and the world they need."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from bench import load

PLAINTEXT = base64.b64encode(b"the quick brown fox jumps over it").decode()
SECRET = {"data": {"user": "app", "password": "correct horse battery staple", "port": 5432}}


def post(path: str, body: Any) -> bytes:
    """Return a POST of a JSON body."""
    return load.request("POST", path, json.dumps(body).encode())


@dataclass(frozen=True)
class Calls:
    """A prepared request for each measured operation."""

    encrypt: bytes
    decrypt: bytes
    datakey: bytes
    kv_read: bytes
    kv_write: bytes

    def named(self) -> dict[str, bytes]:
        """By the names of the report."""
        return dict(vars(self))


FLOOR = post("/v1/transit/encrypt/app", {"plaintext": PLAINTEXT})


def prepare(port: int) -> Calls:
    """Mount transit, make a key, a ciphertext and a secret in a fresh world; returns the requests."""
    load.once(port, post("/v1/sys/mounts/transit", {"type": "transit"}))
    load.once(port, post("/v1/transit/keys/app", {}))
    sealed = json.loads(load.once(port, FLOOR))["data"]["ciphertext"]
    write = post("/v1/secret/data/app/db", SECRET)
    load.once(port, write)
    return Calls(
        encrypt=FLOOR,
        decrypt=post("/v1/transit/decrypt/app", {"ciphertext": sealed}),
        datakey=post("/v1/transit/datakey/plaintext/app", {}),
        kv_read=load.request("GET", "/v1/secret/data/app/db"),
        kv_write=write,
    )


def batch(size: int) -> bytes:
    """Return an encryption of ``size`` items in one request."""
    return post("/v1/transit/encrypt/app", {"batch_input": [{"plaintext": PLAINTEXT}] * size})
