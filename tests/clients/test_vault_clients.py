"""Vault's own clients against the emulated Vault: hvac, the Go API module, and Node's fetch."""

from __future__ import annotations

import base64
import json
from tempfile import TemporaryDirectory

import hvac
import pytest
from hvac import exceptions

from mockkms import MockKMS
from tests.clients.toolchain import HERE, build, run, tool, workshop


def test_hvac_transit(client: hvac.Client) -> None:
    client.sys.enable_secrets_engine("transit")
    transit = client.secrets.transit
    for name in ("orders", "bills"):
        transit.create_key(name)
    assert transit.list_keys()["data"]["keys"] == ["bills", "orders"]
    plaintext = base64.b64encode(b"four score").decode()
    first = transit.encrypt_data("orders", plaintext=plaintext)["data"]["ciphertext"]
    transit.rotate_key("orders")
    second = transit.encrypt_data("orders", plaintext=plaintext)["data"]["ciphertext"]
    assert (first[:9], second[:9]) == ("vault:v1:", "vault:v2:")
    for ciphertext in (first, second):
        assert transit.decrypt_data("orders", ciphertext=ciphertext)["data"]["plaintext"] == plaintext
    with pytest.raises(exceptions.InvalidRequest):
        transit.decrypt_data("bills", ciphertext=first)


def test_hvac_kv(client: hvac.Client) -> None:
    kv = client.secrets.kv.v2
    kv.create_or_update_secret("app/db", {"password": "one"})
    kv.create_or_update_secret("app/db", {"password": "two"})
    assert kv.read_secret_version("app/db", version=1, raise_on_deleted_version=True)["data"]["data"] == {
        "password": "one"
    }
    assert kv.list_secrets("app")["data"]["keys"] == ["db"]
    with pytest.raises(exceptions.InvalidRequest, match="check-and-set"):
        kv.create_or_update_secret("app/db", {"password": "three"}, cas=1)
    with pytest.raises(exceptions.InvalidPath):
        kv.read_secret_version("app/none", raise_on_deleted_version=True)
    client.sys.enable_secrets_engine("kv", path="old", options={"version": "1"})
    client.secrets.kv.v1.create_or_update_secret("a", {"x": "y"}, mount_point="old")
    assert client.secrets.kv.v1.read_secret("a", mount_point="old")["data"] == {"x": "y"}


def test_hvac_approle_and_policies(kms: MockKMS, client: hvac.Client) -> None:
    client.sys.create_or_update_policy("app", 'path "secret/data/app/*" { capabilities = ["read"] }')
    client.sys.enable_auth_method("approle")
    client.auth.approle.create_or_update_approle("web", token_policies=["app"], token_ttl="1h")
    role_id = client.auth.approle.read_role_id("web")["data"]["role_id"]
    secret_id = client.auth.approle.generate_secret_id("web")["data"]["secret_id"]
    client.secrets.kv.v2.create_or_update_secret("app/db", {"password": "one"})
    app = hvac.Client(url=kms.url)
    login = app.auth.approle.login(role_id, secret_id)
    assert (login["auth"]["lease_duration"], app.is_authenticated()) == (3600, True)
    assert app.secrets.kv.v2.read_secret_version("app/db", raise_on_deleted_version=True)["data"]["data"]["password"]
    with pytest.raises(exceptions.Forbidden):
        app.secrets.kv.v2.create_or_update_secret("app/db", {"password": "two"})
    with pytest.raises(exceptions.InvalidRequest):
        hvac.Client(url=kms.url).auth.approle.login(role_id, "wrong")


def go_program(name: str) -> str:
    """A program with Vault's Go module, built once; skips where there is no Go."""
    go = tool("go")
    sources = {file: (HERE / name / file).read_text() for file in ("main.go", "go.mod", "go.sum")}
    place = workshop(name, sources)
    program = place / name
    if not program.exists():
        build(
            "Go", go, "build", "-o", str(program), ".", cwd=place, env={"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
        )
    return str(program)


def test_go_walks_the_clients_methods(kms: MockKMS) -> None:
    found = json.loads(run(go_program("gowalk"), kms.url, kms.token, kms.unseal_keys[0]))
    assert found["faults"] == {}
    assert found["steps"] == 32


def test_go_vault_api(kms: MockKMS) -> None:
    found = json.loads(run(go_program("govault"), kms.url, kms.token))
    assert found["ciphertext"].startswith("vault:v1:")
    del found["ciphertext"]
    assert found == {
        "keys": ["orders"],
        "plaintext": "four score",
        "first": {"password": "s3cr3t", "port": 5432},
        "latest": {"password": "changed"},
        "names": ["db"],
        "absent": True,
        "refused": 400,
        "sealed": False,
        "ttl": 3600,
    }


def test_go_vault_api_over_a_unix_socket() -> None:
    """Vault's own client takes ``unix://`` addresses, as in ``VAULT_ADDR``."""
    with TemporaryDirectory(prefix="mk-") as folder, MockKMS(further=[f"unix:{folder}/v.sock"]) as kms:
        [address] = kms.further_urls
        found = json.loads(run(go_program("govault"), address, kms.token))
        assert (address, found["plaintext"], found["sealed"]) == (f"unix://{folder}/v.sock", "four score", False)


def test_node_fetch(kms: MockKMS) -> None:
    found = json.loads(run(tool("node"), str(HERE / "node_vault.mjs"), kms.url, kms.token))
    assert found == {
        "keys": ["orders"],
        "twin": ["orders"],
        "plaintext": "four score",
        "secret": {"password": "s3cr3t"},
        "absent": {"status": 404, "errors": []},
        "many": ["db"] * 20,
    }
