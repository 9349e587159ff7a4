"""``mockkms capture``: a running server as a world without secrets, which loads and describes the same."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from mockkms import MockKMS
from mockkms.cli import main
from tests.capture.seeds import SECRETS, WORLD


def captured(kms: MockKMS, *flags: str, token: str = "", to: Path) -> dict[str, Any]:
    """The world of a server, as read from the file that the command writes."""
    command = ["capture", "--upstream", kms.url, "--token", token or kms.token, "-o", str(to), *flags]
    assert main(command) == 0
    found = yaml.safe_load(to.read_text())
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("flavor", ["vault", "vault-1.21", "openbao"])
def test_what_the_api_shows_is_captured(flavor: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "captured.yaml"
    with MockKMS(seed=WORLD, flavor=flavor) as real:
        found = captured(real, to=path)
        journal = real.journal.lines()
    assert found["flavor"] == flavor
    vault = found["vault"]
    assert vault["policies"] == WORLD["vault"]["policies"]
    assert vault["password_policies"] == WORLD["vault"]["password_policies"]
    transit = vault["mounts"]["transit/"]
    assert transit["default_lease_ttl"] == 3600
    assert transit["keys"]["orders"]["versions"] == 3
    assert transit["keys"]["orders"]["min_decryption_version"] == 2
    assert transit["keys"]["tokens"] == {"type": "aes256-gcm96", "derived": True, "convergent": True}
    assert transit["keys"]["signer"]["type"] == "ed25519"
    assert vault["mounts"]["secret/"]["secrets"] == {"app/db": {}, "app/deep/er": {}, "top": {}}
    assert vault["mounts"]["secret/"]["config"]["max_versions"] == 7
    assert list(vault["mounts"]["old/"]["secrets"]) == ["smtp/mail"]
    assert vault["mounts"]["pki/"]["roles"]["web"]["allowed_domains"] == ["example.test"]
    assert vault["mounts"]["pki/"]["issuers"][0]["generate"]["common_name"] == "Root CA"
    assert vault["mounts"]["pki/"]["acme"]["allowed_roles"] == ["web"]
    assert vault["mounts"]["database/"]["roles"]["app"]["default_ttl"] == 3600
    assert vault["auth"]["approle/"]["roles"]["web"]["token_policies"] == ["app"]
    assert vault["auth"]["userpass/"]["users"]["anna"]["token_policies"] == ["app"]
    assert vault["auth"]["kubernetes/"]["roles"]["app"]["bound_service_account_names"] == ["app"]
    assert vault["auth"]["token/"]["roles"]["ci"]["allowed_policies"] == ["app"]
    assert vault["identity"]["entities"]["anna"]["aliases"] == [{"mount": "auth/userpass/", "name": "anna"}]
    assert vault["identity"]["groups"]["all"]["groups"] == ["payments"]
    assert vault["identity"]["groups"]["payments"]["members"] == ["anna"]
    assert not [line for line in journal if not line.startswith(("GET ", "LIST "))]
    text = path.read_text()
    assert not [secret for secret in SECRETS if secret in text]
    said = capsys.readouterr().err
    assert "requests, without secrets; left out:" in said
    assert "tokens, leases, audit devices" in said
    assert "its key cannot be read" in text
    assert main(["check", str(path)]) == 0


@pytest.mark.parametrize("flavor", ["vault", "openbao"])
def test_a_captured_world_is_captured_again_as_itself(flavor: str, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.yaml", tmp_path / "twice.yaml"
    with MockKMS(seed=WORLD, flavor=flavor) as real:
        first = captured(real, to=once)
    with MockKMS(seed=str(once)) as copy:
        assert captured(copy, to=twice) == first
        headers = {"X-Vault-Token": copy.token}
        body = {"plaintext": "aGVsbG8="}
        sent = requests.post(f"{copy.url}/v1/transit/encrypt/orders", json=body, headers=headers, timeout=60)
        assert sent.json()["data"]["ciphertext"].startswith("vault:v3:")
        body = {"common_name": "a.example.test"}
        assert requests.post(f"{copy.url}/v1/pki/issue/web", json=body, headers=headers, timeout=60).status_code == 200


def test_namespaces(tmp_path: Path) -> None:
    policies = {"reader": 'path "kv/*" { capabilities = ["read"] }'}
    below = {"policies": policies, "mounts": {"kv/": {"type": "kv", "version": 1, "secrets": {"a": {"b": "c"}}}}}
    spaces = {"team": {"custom_metadata": {"owner": "anna"}, **below}, "team/sub": {"policies": policies}}
    with MockKMS(flavor="openbao", seed={"vault": {"namespaces": spaces}}) as real:
        found = captured(real, to=tmp_path / "all.yaml")["vault"]["namespaces"]
        assert found["team"]["custom_metadata"] == {"owner": "anna"}
        assert found["team"]["mounts"]["kv/"]["secrets"] == {"a": {"value": "mockkms-redacted"}}
        assert found["team/sub"]["policies"] == policies
        part = captured(real, "--namespace", "team", to=tmp_path / "part.yaml")["vault"]
        assert part["policies"] == policies
        assert list(part["namespaces"]) == ["sub"]
        assert main(["check", str(tmp_path / "all.yaml"), str(tmp_path / "part.yaml")]) == 0


def test_unreadable_parts_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    allowed = """
      path "sys/mounts" { capabilities = ["read"] }
      path "sys/policies/acl" { capabilities = ["list"] }
      path "transit/*" { capabilities = ["read", "list"] }
    """
    seed: Mapping[str, object] = {
        "vault": {"policies": {"look": allowed}, "tokens": [{"id": "t", "policies": ["look"]}]}
    }
    with MockKMS(seed=[WORLD, seed]) as real:
        found = captured(real, token="t", to=tmp_path / "w.yaml")["vault"]
    assert "auth" not in found
    assert "secrets" not in found["mounts"]["secret/"]
    assert found["mounts"]["transit/"]["keys"]["orders"]["versions"] == 3
    said = capsys.readouterr().err
    for what in ("sys/auth", "sys/policies/acl/app", "secret/metadata/", "identity/entity/name"):
        assert f"  {what}: permission denied" in said


def test_nothing_is_captured_without_a_token(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    with MockKMS() as real:
        assert main(["capture", "--upstream", real.url]) == 2
        assert "permission denied; give a token that may read, with --token or VAULT_TOKEN" in capsys.readouterr().err
        assert main(["capture", "--upstream", real.url, "--token", "wrong"]) == 2
        assert capsys.readouterr().err.endswith(": permission denied\n")


@pytest.mark.parametrize(
    ("flavor", "message"), [("vault", "ignores namespaces"), ("openbao", "has no namespace 'team/nope'")]
)
def test_a_namespace_that_does_not_exist(flavor: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with MockKMS(flavor=flavor, seed={"vault": {"namespaces": {"team": {}}}} if flavor == "openbao" else None) as real:
        flags = ["--upstream", real.url, "--token", real.token, "--namespace"]
        assert main(["capture", *flags, "team/nope"]) == 2
        said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert message in said.err


def test_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with MockKMS(seed=WORLD) as real:
        captured(real, "--max-requests", "10", to=tmp_path / "few.yaml")
        assert real.journal.total == 10
        assert main(["capture", "--upstream", real.url, "--max-seconds", "0.000001"]) == 2
    said = capsys.readouterr().err
    assert "what was not read yet: the capture ended after 10 requests" in said
    assert "the capture ended after 1e-06 seconds" in said
    assert main(["check", str(tmp_path / "few.yaml")]) == 0


def test_what_the_emulated_server_refuses_is_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with MockKMS(seed=WORLD) as real:
        wrong = {"data": {"type": "quantum", "latest_version": 1}}
        real.faults.add("transit/keys/signer", operation="read", answer={"json": wrong})
        role = {"data": {"allowed_domains": ["example.test"], "key_type": "quantum", "ttl": 60}}
        real.faults.add("pki/roles/web", operation="read", answer={"json": role})
        real.faults.add("auth/approle/role/web", operation="read", status=500)
        found = captured(real, to=tmp_path / "w.yaml")["vault"]
    assert "signer" not in found["mounts"]["transit/"]["keys"]
    assert "orders" in found["mounts"]["transit/"]["keys"]
    assert "roles" not in found["mounts"]["pki/"] or "web" not in found["mounts"]["pki/"]["roles"]
    assert "issuers" in found["mounts"]["pki/"]
    said = capsys.readouterr().err
    assert "transit/keys/signer: keys of type quantum are not emulated" in said
    assert "the emulated server refuses it" in said
    assert "auth/approle/role/web: status 500" in said
    assert main(["check", str(tmp_path / "w.yaml")]) == 0


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--upstream", "http://127.0.0.1:1"], "no answer from http://127.0.0.1:1: Connection refused"),
        (["--upstream", "nowhere"], "'nowhere' is not a valid address"),
        ([], "which server? Give its address with --upstream, or set VAULT_ADDR"),
    ],
)
def test_wrong_arguments(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VAULT_ADDR", raising=False)
    assert main(["capture", *flags]) == 2
    assert message in capsys.readouterr().err


def test_a_server_of_which_nothing_can_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    there = tmp_path / "there.yaml"
    there.write_text("mine")
    with MockKMS() as real:
        assert main(["capture", "--upstream", real.url, "--token", "wrong"]) == 2
        assert "can be read: sys/namespaces: permission denied" in capsys.readouterr().err
        assert main(["capture", "--upstream", real.url, "-o", str(there)]) == 2
        assert "exists already" in capsys.readouterr().err
        real.seal()
        assert main(["capture", "--upstream", real.url, "--token", real.token]) == 2
        assert f"{real.url} is sealed; nothing can be read" in capsys.readouterr().err
