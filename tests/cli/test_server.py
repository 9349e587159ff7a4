"""``mockkms server`` and its companions in the place of the ``vault`` binary: flags, environment, output, codes."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from mockkms import MockKMS
from mockkms.cli import main

from .conftest import WAIT, environment

HCL = 'storage "inmem" {}\nlistener "tcp" {\n  address = "127.0.0.1:0"\n  tls_disable = 1\n}\n'


class Binary:
    """A server process, started by a name of our choice, whose output is read as it comes."""

    def __init__(self, folder: Path, name: str, flags: tuple[str, ...], words: dict[str, str]) -> None:
        link = folder / name
        if not link.exists():
            link.write_text(f"#!{sys.executable}\nimport sys\nfrom mockkms.cli import main\nsys.exit(main())\n")
            link.chmod(0o755)
        self._log, self._errors = folder / "out", folder / "err"
        env = environment(HOME=str(folder), **words)
        with self._log.open("w") as out, self._errors.open("w") as err:
            self.process = subprocess.Popen([link, "server", *flags], stdout=out, stderr=err, env=env, cwd=folder)

    @property
    def out(self) -> str:
        """What it wrote to stdout so far."""
        return self._log.read_text()

    @property
    def err(self) -> str:
        """What it wrote to stderr so far."""
        return self._errors.read_text()

    def wait_for(self, pattern: str, *, log: bool = False) -> str:
        """What ``pattern`` finds on stdout or in the log, waiting for it as wrappers do."""
        until = time.monotonic() + WAIT
        while (found := re.search(pattern, self.err if log else self.out)) is None:
            ended = self.process.poll() is not None
            assert not ended, self.out + self.err
            assert time.monotonic() < until, self.out + self.err
            # Waits for its end, which does not come.
            with pytest.raises(subprocess.TimeoutExpired):
                self.process.wait(0.01)
        return found[found.lastindex or 0]

    @property
    def url(self) -> str:
        """Its address."""
        return self.wait_for(r"Api Address: (\S+)")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Binary]]:
    """Starts servers, and ends them."""
    made: list[Binary] = []

    def start(*flags: str, name: str = "vault", **words: str) -> Binary:
        made.append(Binary(tmp_path, name, flags, words))
        return made[-1]

    yield start
    for one in made:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait(WAIT)


Start = Callable[..., Binary]
needs_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")


def asked(url: str, path: str, token: str = "", **words: Any) -> Any:
    """The decoded answer of a GET."""
    return requests.get(f"{url}/v1/{path}", headers={"X-Vault-Token": token}, timeout=60, **words).json()


def test_dev_mode_prints_the_lines_that_wrappers_parse(start: Start, tmp_path: Path) -> None:
    vault = start("-dev", "-dev-root-token-id=mine", "-dev-listen-address=127.0.0.1:0", "-log-level", "debug")
    assert vault.wait_for(r"Root Token: (\S+)") == "mine"
    vault.wait_for("Development mode should NOT be used in production installations!")
    vault.wait_for(r"core: vault is unsealed", log=True)
    order = ["==> Vault server configuration:", "Api Address: ", "Listener 1: tcp (addr:", "==> Vault server started!",
             "WARNING! dev mode is enabled!", f"export VAULT_ADDR='{vault.url}'", "Unseal Key: "]  # fmt: skip
    places = [vault.out.index(text) for text in order]
    assert places == sorted(places)
    assert asked(vault.url, "auth/token/lookup-self", "mine")["data"]["id"] == "mine"
    assert asked(vault.url, "sys/mounts/secret", "mine")["data"]["options"] == {"version": "2"}
    key = vault.wait_for(r"Unseal Key: (\S+)")
    assert requests.put(f"{vault.url}/v1/sys/seal", headers={"X-Vault-Token": "mine"}, timeout=60).status_code == 204
    vault.wait_for("core: vault is sealed", log=True)
    assert requests.put(f"{vault.url}/v1/sys/unseal", json={"key": key}, timeout=60).json()["sealed"] is False
    helper = tmp_path / ".vault-token"
    assert (helper.read_text(), stat.S_IMODE(helper.stat().st_mode)) == ("mine", 0o600)
    vault.process.send_signal(signal.SIGTERM)
    assert vault.process.wait(WAIT) == 0


@pytest.mark.parametrize(
    ("place", "reason"),
    [("folder", "Is a directory"), pytest.param("pipe", "No such device or address", marks=needs_pipes)],
)
def test_a_token_that_cannot_be_kept_is_said(start: Start, tmp_path: Path, place: str, reason: str) -> None:
    (tmp_path / ".vault-token").mkdir() if place == "folder" else os.mkfifo(tmp_path / ".vault-token")
    vault = start("-dev", "-dev-root-token-id=mine", "-dev-listen-address=127.0.0.1:0")
    assert asked(vault.url, "auth/token/lookup-self", "mine")["data"]["id"] == "mine"
    vault.wait_for(f"warning: the root token cannot be kept in ~/.vault-token: {reason}; ", log=True)


def test_dev_mode_by_environment(start: Start, tmp_path: Path) -> None:
    words = {"VAULT_DEV_ROOT_TOKEN_ID": "from-env", "VAULT_DEV_LISTEN_ADDRESS": "127.0.0.1:0"}
    # As the entrypoint of the image starts it: with an empty directory of configuration and an empty flag.
    (tmp_path / "config").mkdir()
    vault = start("-config=config", "-dev-root-token-id=", "-dev", "--dev-no-store-token", "-dev-kv-v1=true", **words)
    assert vault.wait_for(r"Root Token: (\S+)") == "from-env"
    assert asked(vault.url, "sys/mounts/secret", "from-env")["data"]["options"] == {"version": "1"}
    assert not (tmp_path / ".vault-token").exists()


def test_the_name_chooses_the_product(start: Start) -> None:
    words = {"VAULT_DEV_ROOT_TOKEN_ID": "vaults", "BAO_DEV_ROOT_TOKEN_ID": "baos"}
    bao = start("-dev", "-dev-listen-address", "127.0.0.1:0", "-dev-no-store-token", name="bao", **words)
    assert bao.wait_for(r"Root Token: (\S+)") == "baos"
    bao.wait_for("==> OpenBao server started!")
    bao.wait_for(f"export BAO_ADDR='{bao.url}'")
    assert asked(bao.url, "sys/health")["version"].startswith("2.")


def test_dev_mode_generates_a_root_token_by_default(start: Start) -> None:
    vault = start("-dev", "-dev-listen-address=127.0.0.1:0", "-dev-no-store-token")
    token = vault.wait_for(r"Root Token: (hvs\.\w{24})")
    assert asked(vault.url, "auth/token/lookup-self", token)["data"]["policies"] == ["root"]


def test_dev_tls_writes_its_authority(start: Start, tmp_path: Path) -> None:
    (tmp_path / "tls").mkdir()
    flags = ("-dev-tls", "-dev-tls-cert-dir=tls", "-dev-root-token-id=t", "-dev-listen-address=127.0.0.1:0")
    vault = start(*flags, "-dev-no-store-token")
    certificate = tmp_path / vault.wait_for(r"export VAULT_CACERT='(\S+)'")
    assert certificate == tmp_path / "tls" / "vault-ca.pem"
    assert sorted(file.name for file in (tmp_path / "tls").iterdir()) == [
        "vault-ca.pem", "vault-cert.pem", "vault-key.pem"]  # fmt: skip
    assert asked(vault.url, "sys/seal-status", verify=str(certificate))["sealed"] is False
    vault.process.send_signal(signal.SIGINT)
    assert vault.process.wait(WAIT) == 0
    assert list((tmp_path / "tls").iterdir()) == []


def test_pid_file_and_reload(start: Start, tmp_path: Path) -> None:
    (tmp_path / "vault.hcl").write_text(f'pid_file = "vault.pid"\n{HCL}')
    vault = start("-config=vault.hcl")
    vault.wait_for("==> Vault server started!")
    assert (tmp_path / "vault.pid").read_text() == str(vault.process.pid)
    vault.process.send_signal(signal.SIGHUP)
    vault.wait_for("==> Vault reload triggered")
    assert asked(vault.url, "sys/init") == {"initialized": False}
    vault.process.send_signal(signal.SIGTERM)
    assert vault.process.wait(WAIT) == 0
    assert not (tmp_path / "vault.pid").exists()


def test_a_configured_server_waits_for_init(start: Start, tmp_path: Path) -> None:
    (tmp_path / "vault.hcl").write_text(HCL)
    vault = start("-config", "vault.hcl", "-dev-root-token-id=ignored")
    vault.wait_for("==> Vault server started!")
    vault.wait_for("core: security barrier not initialized", log=True)
    assert "outside of" in vault.err
    assert "Root Token" not in vault.out
    made = requests.put(f"{vault.url}/v1/sys/init", json={"secret_shares": 1, "secret_threshold": 1}, timeout=60).json()
    requests.put(f"{vault.url}/v1/sys/unseal", json={"key": made["keys_base64"][0]}, timeout=60)
    vault.wait_for("core: vault is unsealed", log=True)


@pytest.fixture
def files(tmp_path: Path) -> trustme.CA:
    """``ca.pem``, ``cert.pem`` and ``key.pem`` of a server."""
    authority = trustme.CA(key_type=trustme.KeyType.ECDSA)
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    return authority


TWO = """{"listener": {"tcp": {"address": "127.0.0.1:0", "tls_cert_file": "cert.pem", "tls_key_file": "key.pem"}},
 "listener": {"tcp": {"address": "127.0.0.1:0", "tls_disable": "true"}}, "backend": {"file": {}}}"""


def test_every_listener_of_a_configuration_is_there(start: Start, tmp_path: Path, files: trustme.CA) -> None:
    (tmp_path / "vault.json").write_text(TWO)
    vault = start("-config=vault.json")
    plain = vault.wait_for(r'Listener 2: tcp \(addr: "(\S+)", .* tls: "disabled"')
    assert vault.url.startswith("https:")
    for url in (vault.url, f"http://{plain}"):
        assert asked(url, "sys/init", verify=str(tmp_path / "ca.pem")) == {"initialized": False}


def test_dev_mode_and_a_configured_listener(start: Start, tmp_path: Path, files: trustme.CA) -> None:
    (tmp_path / "vault.json").write_text(
        TWO.partition('"listener": {"tcp": {"address": "127.0.0.1:0", "tls_dis')[0] + '"x":1}'
    )
    flags = ("-dev", "-dev-root-token-id=t", "-dev-listen-address=127.0.0.1:0", "-dev-no-store-token")
    vault = start(*flags, "-config", "vault.json")
    encrypted = vault.wait_for(r'Listener 2: tcp \(addr: "(\S+)", .* tls: "enabled"')
    for url in (vault.url, f"https://{encrypted}"):
        assert asked(url, "auth/token/lookup-self", "t", verify=str(tmp_path / "ca.pem"))["data"]["id"] == "t"


def test_a_listener_may_demand_certificates(start: Start, tmp_path: Path, files: trustme.CA) -> None:
    (tmp_path / "vault.hcl").write_text("""
        listener "tcp" {
          address = "127.0.0.1:0"
          tls_cert_file = "cert.pem"
          tls_key_file = "key.pem"
          tls_client_ca_file = "ca.pem"
          tls_require_and_verify_client_cert = "true"
        }""")
    vault = start("-config=vault.hcl")
    words: dict[str, Any] = {"verify": str(tmp_path / "ca.pem"), "timeout": 5}
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{vault.url}/v1/sys/init", **words)
    for authority, known in ((files, True), (trustme.CA(key_type=trustme.KeyType.ECDSA), False)):
        pair = authority.issue_cert("app.example", common_name="client")
        pair.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
        call = partial(requests.get, f"{vault.url}/v1/sys/init", cert=str(tmp_path / "client.pem"), **words)
        if known:
            assert call().json() == {"initialized": False}
        else:
            with pytest.raises(requests.ConnectionError):
                call()


@pytest.mark.parametrize(
    ("flags", "code", "text"),
    [
        ((), 1, "Must specify at least one config path using -config"),
        (("-dev=perhaps",), 2, '"perhaps" is not a boolean'),
        (("-dve",), 2, "-dve"),
        (("-dev", "-dev-listen-address=nowhere"), 2, "-dev-listen-address nowhere: expected HOST:PORT"),
        (("-dev", "-dev-listen-address=:" + "9" * 5000), 2, ": expected HOST:PORT"),
        (("-dev-tls", "-dev-tls-cert-dir=/nonexistent"), 2, "-dev-tls-cert-dir /nonexistent"),
        (("-config=missing.hcl",), 2, "missing.hcl"),
    ],
)
def test_invalid_flags_and_configurations(
    flags: tuple[str, ...], code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        found: object = main(["server", *flags])
    except SystemExit as error:
        found = error.code
    assert found == code
    out, err = capsys.readouterr()
    assert text in err
    assert (out, err.count("\n")) == ("", 1)


def test_status_is_a_health_check(start: Start, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "vault.hcl").write_text(HCL)
    vault = start("-config=vault.hcl")
    assert main(["status", "-address", vault.url]) == 2
    assert re.search(r"^Sealed +true$", capsys.readouterr().out, re.MULTILINE)
    made = requests.put(f"{vault.url}/v1/sys/init", json={"secret_shares": 1, "secret_threshold": 1}, timeout=60).json()
    requests.put(f"{vault.url}/v1/sys/unseal", json={"key": made["keys_base64"][0]}, timeout=60)
    assert main(["status", f"-address={vault.url}", "-format=json"]) == 0
    assert json.loads(capsys.readouterr().out) == asked(vault.url, "sys/seal-status")
    assert main(["status", "-address=http://127.0.0.1:1"]) == 1
    assert "Error checking seal status" in capsys.readouterr().err


def test_version_is_the_emulated_servers(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["version"]) == 0
    assert re.match(r"Vault v\d+\.\d+\.\d+ \(mockkms \S+\), built \d{4}-", capsys.readouterr().out)
    assert main(["-version"]) == 0
    assert capsys.readouterr().out.startswith("Vault v")
    assert main(["version", "-flavor=openbao"]) == 0
    assert re.match(r"OpenBao v\d+\.\d+\.\d+ ", capsys.readouterr().out)


@pytest.mark.parametrize("name", ["vault", "bao"])
def test_the_name_of_the_executable_decides_the_version(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [f"/bin/{name}"])
    for flag in ("version", "-version", "--version", "-v"):
        assert main([flag]) == 0
        assert capsys.readouterr().out.startswith({"vault": "Vault v", "bao": "OpenBao v"}[name])


def test_a_generated_root_token_is_decoded(capsys: pytest.CaptureFixture[str]) -> None:
    with MockKMS() as kms:
        url = f"{kms.url}/v1/sys/generate-root"
        headers = {"X-Vault-Token": kms.token}
        begun = requests.put(f"{url}/attempt", json={}, headers=headers, timeout=60).json()
        share = {"key": kms.unseal_keys[0], "nonce": begun["nonce"]}
        made = requests.put(f"{url}/update", json=share, headers=headers, timeout=60).json()
        flags = ["-address", kms.url, "-tls-skip-verify", "-decode", made["encoded_token"], "-otp", begun["otp"]]
        assert main(["operator", "generate-root", *flags]) == 0
        token = capsys.readouterr().out.strip()
        assert asked(kms.url, "auth/token/lookup-self", token)["data"]["policies"] == ["root"]
    for wrong, text in (("!", "Error decoding base64"), ("AAAA", "Error xoring token")):
        assert main(["operator", "generate-root", f"-decode={wrong}", "-otp=x"]) == 1
        assert text in capsys.readouterr().err
