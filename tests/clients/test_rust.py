"""RustFS's own client, the published crate ``rustfs-kms``: the guide's example, and how it takes single faults."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from mockkms import MockKMS
from tests.clients.rust_programs import programs

KV2, TRANSIT = "vault-kv2", "vault-transit"
POLICY = """
path "secret/data/rustfs/*" { capabilities = ["create", "read", "update"] }
path "secret/metadata/rustfs/*" { capabilities = ["list", "read", "delete"] }
path "transit/keys" { capabilities = ["list"] }
path "transit/keys/*" { capabilities = ["create", "read", "update"] }
path "transit/encrypt/*" { capabilities = ["update"] }
path "transit/decrypt/*" { capabilities = ["update"] }
"""


@pytest.fixture(scope="session")
def program() -> Path:
    """The built program."""
    return programs() / "rustfs-client"


def approle(kms: MockKMS) -> dict[str, str]:
    """A role with RustFS's rights; what the client is told of it."""
    vault = requests.Session()
    vault.headers["X-Vault-Token"] = kms.token

    def post(path: str, **body: Any) -> Any:
        answer = vault.post(f"{kms.url}/v1/{path}", json=body, timeout=60)
        assert answer.status_code in (200, 204), answer.text
        return answer.json()["data"] if answer.content else None

    post("sys/auth/approle", type="approle")
    post("sys/policies/acl/rustfs", policy=POLICY)
    post("auth/approle/role/rustfs", token_policies=["rustfs"], token_ttl="1h")
    role = vault.get(f"{kms.url}/v1/auth/approle/role/rustfs/role-id", timeout=60).json()["data"]["role_id"]
    secret = post("auth/approle/role/rustfs/secret-id")["secret_id"]
    return {"RUSTFS_KMS_VAULT_APPROLE_ROLE_ID": role, "RUSTFS_KMS_VAULT_APPROLE_SECRET_ID": secret}


def settings(kms: MockKMS, backend: str, **more: str) -> dict[str, str]:
    """The environment of a client; a token where nothing else is said."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("RUSTFS_", "VAULT_"))}
    more = more or {"RUSTFS_KMS_VAULT_TOKEN": kms.token}
    return {
        **kept,
        "NO_PROXY": "127.0.0.1",
        "RUSTFS_KMS_BACKEND": backend,
        "RUSTFS_KMS_VAULT_ADDRESS": kms.url,
        "RUSTFS_KMS_ALLOW_INSECURE_DEV_DEFAULTS": "true",
        "RUSTFS_KMS_TIMEOUT_SECS": "2",
        "RUSTFS_KMS_ENABLE_CACHE": "false",
        **more,
    }


class Client:
    """A running program that takes one step at a time."""

    def __init__(self, program: Path, env: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [program, "steps"], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self._answer() == {"ok": "ready"}

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def __call__(self, step: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(step + "\n")
        return self._answer()

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(60)


Start = Callable[..., Client]


@pytest.fixture
def start(program: Path) -> Iterator[Start]:
    """Starts clients: ``start(kms, TRANSIT)``."""
    made: list[Client] = []

    def begin(kms: MockKMS, backend: str, **more: str) -> Client:
        made.append(Client(program, settings(kms, backend, **more)))
        return made[-1]

    yield begin
    for client in made:
        client.close()


@pytest.fixture
def transit(kms: MockKMS) -> MockKMS:
    """The server with RustFS's mount ``transit/``."""
    requests.post(
        f"{kms.url}/v1/sys/mounts/transit", json={"type": "transit"}, headers={"X-Vault-Token": kms.token}, timeout=60
    ).raise_for_status()
    return kms


@pytest.mark.parametrize("backend", [KV2, TRANSIT])
@pytest.mark.parametrize("login", ["token", "approle"])
def test_guide_example(program: Path, transit: MockKMS, backend: str, login: str) -> None:
    more = approle(transit) if login == "approle" else {}
    env = settings(transit, backend, **more)
    done = subprocess.run(
        [program, "guide", "rust-key"], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert json.loads(done.stdout) == {
        "ok": {
            "before": False,
            "created": "rust-key",
            "described": "rust-key",
            "state": "Enabled",
            "listed": True,
            "length": 32,
            "opened": True,
            "healthy": True,
        }
    }
    paths = {entry.path for entry in transit.journal}
    assert ("auth/approle/login" in paths) == (login == "approle")


@pytest.mark.parametrize("backend", [KV2, TRANSIT])
def test_keys_outlive_the_client_and_rotate(start: Start, transit: MockKMS, backend: str) -> None:
    client = start(transit, backend)
    assert client("list") == {"ok": []}
    assert client("create one") == {"ok": "one"}
    assert client("create one") == {"ok": "one"}  # found as it would be made: taken for an answer that was lost
    assert client("datakey one") == {"ok": 32}
    assert client("rotate one") == {"ok": None}
    assert client("decrypt") == {"ok": True}
    assert client("describe none")["error"] == "KeyNotFound"
    again = start(transit, backend)
    assert (again("list"), again("describe one")) == ({"ok": ["one"]}, {"ok": "Enabled"})


# -- single faults: the first call gets one, everything after it is healthy ------------------------------------------

HTML = "<html><body>fault</body></html>"
RETRYABLE = (429, 500, 502, 503, 504)
FINAL = (400, 401, 403, 404, 405, 412, 472, 473, 501, 599)
LOST: list[dict[str, Any]] = [{"close": True}, {"close": 5}, {"truncate": 5}, {"hang": True}]
"""No answer, less than its Content-Length promises, and none within the client's patience."""
BROKEN: list[dict[str, Any]] = [
    {"answer": {"status": 200, "body": "{"}, "applied": True},
    {"answer": {"status": 200, "body": ""}, "applied": True},
]


def answered(status: int) -> list[dict[str, Any]]:
    """A status with an error body of Vault's, and with a page of a proxy."""
    return [
        {"answer": {"status": status, "errors": ["fault"]}},
        {"answer": {"status": status, "body": HTML, "content_type": "text/html"}},
    ]


def shown(fault: dict[str, Any]) -> str:
    return json.dumps(fault).replace('"', "")


def calls(kms: MockKMS, path: str) -> int:
    return kms.journal.count(path, method="POST")


RETRIED = [fault for status in RETRYABLE for fault in answered(status)] + LOST


@pytest.mark.parametrize("fault", RETRIED, ids=shown)
def test_a_read_is_retried_and_a_write_is_not(start: Start, transit: MockKMS, fault: dict[str, Any]) -> None:
    client = start(transit, TRANSIT)
    assert client("create one") == {"ok": "one"}
    assert client("datakey one") == {"ok": 32}
    transit.faults.add("transit/decrypt/*", times=1, **fault)
    assert client("decrypt") == {"ok": True}
    assert calls(transit, "transit/decrypt/one") == 2
    transit.faults.add("transit/keys/two", method="POST", times=1, **fault)
    assert "error" in client("create two")
    assert calls(transit, "transit/keys/two") == 1
    transit.faults.assert_all_fired()


@pytest.mark.parametrize("fault", [answered(status)[0] for status in FINAL], ids=shown)
def test_final_statuses_fail_at_once(start: Start, transit: MockKMS, fault: dict[str, Any]) -> None:
    client = start(transit, TRANSIT)
    assert client("create one") == {"ok": "one"}
    assert client("datakey one") == {"ok": 32}
    transit.faults.add("transit/decrypt/*", times=1, **fault)
    failed = client("decrypt")
    assert ("error" in failed, failed.get("error") == "KeyNotFound") == (True, fault["answer"]["status"] == 404)
    assert calls(transit, "transit/decrypt/one") == 1
    transit.faults.add("transit/keys/two", method="POST", times=1, **fault)
    assert "error" in client("create two")
    assert calls(transit, "transit/keys/two") == 1
    transit.faults.assert_all_fired()
    assert client("decrypt") == {"ok": True}


@pytest.mark.parametrize("fault", BROKEN, ids=["broken JSON", "empty body"])
def test_a_broken_answer_fails_a_read_and_not_a_write(start: Start, transit: MockKMS, fault: dict[str, Any]) -> None:
    client = start(transit, TRANSIT)
    transit.faults.add("transit/keys/one", method="POST", times=1, **fault)
    assert client("create one") == {"ok": "one"}
    assert client("datakey one") == {"ok": 32}
    transit.faults.add("transit/decrypt/*", times=1, **fault)
    assert "error" in client("decrypt")
    assert calls(transit, "transit/decrypt/one") == 1
    transit.faults.assert_all_fired()


def test_a_redirect_is_followed(start: Start, transit: MockKMS) -> None:
    client = start(transit, TRANSIT)
    for path in ("transit/keys/one", "transit/decrypt/*"):
        transit.faults.add(path, method="POST", times=1, answer={"preset": "standby", "location": transit.url})
    assert client("create one") == {"ok": "one"}
    assert client("datakey one") == {"ok": 32}
    assert client("decrypt") == {"ok": True}
    assert (calls(transit, "transit/keys/one"), calls(transit, "transit/decrypt/one")) == (2, 2)


def test_refused_connections_are_retried(start: Start, transit: MockKMS) -> None:
    client = start(transit, TRANSIT)
    assert client("create one") == {"ok": "one"}
    assert client("datakey one") == {"ok": 32}
    transit.faults.add("transit/decrypt/*", times=1, refuse=0.1)
    assert client("decrypt") == {"ok": True}
    assert client("create two") == {"ok": "two"}


LISTED = {
    "empty": ({"status": 404, "errors": []}, {"ok": []}),
    "no such mount": ({"preset": "missing-mount"}, None),
    "no error body": ({"status": 404, "body": HTML, "content_type": "text/html"}, None),
}


@pytest.mark.parametrize("case", LISTED)
def test_a_list_that_is_not_found(start: Start, transit: MockKMS, case: str) -> None:
    answer, expected = LISTED[case]
    client = start(transit, TRANSIT)
    transit.faults.add("transit/keys", operation="list", times=1, answer=answer)
    listed = client("list")
    assert listed == expected if expected is not None else "error" in listed
    assert transit.journal.count("transit/keys", method="LIST") == 1


RECORDS = {
    "no data": ({"data": None}, "MaterialMissing"),
    "wrong types": ({"data.data.version": "s3cr3t"}, "MaterialCorrupt"),
}


@pytest.mark.parametrize("case", RECORDS)
def test_a_key_record_that_is_none(start: Start, kms: MockKMS, case: str) -> None:
    replaced, error = RECORDS[case]
    client = start(kms, KV2)
    assert client("create one") == {"ok": "one"}
    kms.faults.add("secret/data/rustfs/kms/keys/one", operation="read", times=1, replace=replaced)
    failed = client("describe one")
    assert (failed["error"], "s3cr3t" in failed["message"]) == (error, False), failed
    assert client("describe one") == {"ok": "Enabled"}


def test_a_write_that_lost_a_race_is_repeated(start: Start, kms: MockKMS) -> None:
    client = start(kms, KV2)
    assert client("create one") == {"ok": "one"}
    kms.journal.clear()
    kms.faults.add("secret/data/rustfs/kms/keys/one", method="POST", times=2, answer="cas-conflict")
    assert client("disable one") == {"ok": None}
    assert (calls(kms, "secret/data/rustfs/kms/keys/one"), client("describe one")) == (3, {"ok": "Disabled"})


def test_a_creation_that_lost_a_race_fails(start: Start, kms: MockKMS) -> None:
    client = start(kms, KV2)
    kms.faults.add("secret/data/rustfs/kms/keys/one", method="POST", times=1, answer="cas-conflict")
    assert client("create one")["error"] == "KeyAlreadyExists"
    assert calls(kms, "secret/data/rustfs/kms/keys/one") == 1


def test_five_failures_open_the_circuit(start: Start, transit: MockKMS) -> None:
    client = start(transit, TRANSIT)
    assert client("create one") == {"ok": "one"}
    assert client("datakey one") == {"ok": 32}
    transit.faults.add("transit/decrypt/*", answer="overloaded")
    assert "error" in client("decrypt")
    assert "error" in client("decrypt")
    assert "circuit is open" in client("decrypt")["message"]
    assert calls(transit, "transit/decrypt/one") == 5
