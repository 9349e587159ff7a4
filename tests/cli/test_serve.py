"""``mockkms serve`` as a process: what it prints, how it starts, refuses to, and stops."""

from __future__ import annotations

import base64
import signal
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from mockkms import MockKMS
from mockkms.cli import main

from .conftest import Served, command

Serve = Callable[..., Served]
LIMIT = 0.2
"""Seconds in which a server is gone."""
SLACK = 0.6
"""Seconds more on a machine that does other things."""


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., str]:
    """What a serve that cannot be says on stderr."""

    def call(*flags: str, **words: str) -> str:
        for name, value in words.items():
            monkeypatch.setenv(name, value)
        monkeypatch.chdir(tmp_path)
        try:
            code: object = main(["serve", *flags])
        except SystemExit as error:
            code = error.code
        assert code == 2
        out, err = capfd.readouterr()
        assert out == ""
        return err

    return call


def test_a_dev_server(serve: Serve, tmp_path: Path) -> None:
    server = serve("--root-token", "mine", "-v")
    assert stat.S_IMODE((tmp_path / "ready-0.json").stat().st_mode) == 0o600
    answer = requests.get(f"{server.url}/v1/auth/token/lookup-self", headers={"X-Vault-Token": "mine"}, timeout=60)
    assert answer.json()["data"]["id"] == "mine"
    assert server.ready["token"] == "mine"
    assert server.stop() < LIMIT + SLACK
    assert server.process.returncode == 0
    text = server.text()
    for line in (f"export VAULT_ADDR='{server.url}'", "export VAULT_TOKEN='mine'", "Root Token: mine"):
        assert line in text
    assert f"Unseal Key: {server.ready['unseal_keys'][0]}" in text
    assert "GET /v1/auth/token/lookup-self" in text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_hung_client_does_not_delay_the_stop(serve: Serve, number: int) -> None:
    server = serve("--rng", "1")
    rule = {"match": {"path": "sys/health"}, "hang": True}
    assert requests.post(f"{server.url}/_mockkms/faults", json=rule, timeout=60).status_code in (200, 201)
    host, _, port = server.url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(b"GET /v1/sys/health HTTP/1.1\r\nHost: x\r\n\r\n")
        while not requests.get(f"{server.url}/_mockkms/faults", timeout=60).json()["rules"][0]["fired"]:
            pass
        assert server.stop(number) < LIMIT + SLACK
        assert client.recv(1) == b""
    assert server.process.returncode == 0


def test_it_stops_when_its_standard_input_ends() -> None:
    flags = command("--port", "0", "--stop-on-eof")
    with subprocess.Popen(flags, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert "emulates vault at" in process.stdout.readline()
        process.stdin.write("a line ends nothing\n")
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.stdin.close()
        assert process.wait(LIMIT + SLACK) == 0


def test_a_sealed_server_opens_with_its_key(serve: Serve) -> None:
    server = serve("--state", "sealed")
    assert requests.get(f"{server.url}/v1/sys/health", timeout=60).status_code == 503
    [key] = server.ready["unseal_keys"]
    answer = requests.put(f"{server.url}/v1/sys/unseal", json={"key": key}, timeout=60)
    assert answer.json()["sealed"] is False
    assert requests.get(f"{server.url}/v1/sys/health", timeout=60).status_code == 200


def test_own_tls(serve: Serve) -> None:
    server = serve("--tls")
    assert server.url.startswith("https://127.0.0.1:")
    assert requests.get(f"{server.url}/v1/sys/health", verify=server.ready["ca_file"], timeout=60).status_code == 200
    assert f"export VAULT_CACERT='{server.ready['ca_file']}'" in server.text()
    server.stop()
    assert not Path(server.ready["ca_file"]).exists()


def test_a_configuration_file_is_followed(serve: Serve, tmp_path: Path) -> None:
    from mockkms.crypto.x509.authority import issue

    issued = issue(("localhost", "127.0.0.1"))
    (tmp_path / "cert.pem").write_bytes(issued.certificate)
    (tmp_path / "key.pem").write_bytes(issued.key)
    (tmp_path / "ca.pem").write_bytes(issued.authority)
    (tmp_path / "vault.hcl").write_text(
        """
        storage "file" { path = "/vault/file" }
        listener "tcp" {
          address       = "127.0.0.1:0"
          tls_cert_file = "cert.pem"
          tls_key_file  = "key.pem"
        }
        disable_mlock     = true
        default_lease_ttl = "1h"
        max_lease_ttl     = "2h"
        cluster_name      = "staging"
        max_leese_ttl     = "3h"
        """
    )
    server = serve("--config", "vault.hcl")
    web = requests.Session()
    web.trust_env, web.verify = False, str(tmp_path / "ca.pem")
    assert web.get(f"{server.url}/v1/sys/init", timeout=60).json() == {"initialized": False}
    made = web.put(f"{server.url}/v1/sys/init", json={"secret_shares": 1, "secret_threshold": 1}, timeout=60).json()
    web.put(f"{server.url}/v1/sys/unseal", json={"key": made["keys"][0]}, timeout=60)
    web.headers["X-Vault-Token"] = made["root_token"]
    tuned = web.get(f"{server.url}/v1/sys/mounts/cubbyhole/tune", timeout=60).json()["data"]
    assert (tuned["default_lease_ttl"], tuned["max_lease_ttl"]) == (3600, 7200)
    assert web.get(f"{server.url}/v1/sys/health", timeout=60).json()["cluster_name"] == "staging"
    text = server.text()
    assert 'vault.hcl:12:9: unknown key "max_leese_ttl" is ignored; did you mean "max_lease_ttl"?' in text
    assert "without effect: storage" in text


def test_a_configuration_with_a_root_token_starts_ready_for_use(serve: Serve, tmp_path: Path) -> None:
    """Suites give both: the listeners of a configuration, and the token that their requests have."""
    (tmp_path / "vault.hcl").write_text('listener "tcp" {\n  address = "127.0.0.1:0"\n  tls_disable = true\n}\n')
    server = serve("--config", "vault.hcl", "--root-token", "of-the-suite")
    web = requests.Session()
    web.trust_env = False
    web.headers["X-Vault-Token"] = "of-the-suite"
    assert web.get(f"{server.url}/v1/sys/health", timeout=60).status_code == 200
    found = web.get(f"{server.url}/v1/auth/token/lookup-self", timeout=60).json()
    assert found["data"]["policies"] == ["root"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('listener "tcp" {\n address = "127.0.0.1:0"\n', "c.hcl:3:2: "),
        ('{"listener": {"tcp": {"tls_disable": 1,}}}', "c.hcl:1:"),
        ('listener "udp" {}', 'c.hcl:1:1: listener "udp": only "tcp" and "unix" are emulated'),
        ('listener "tcp" {}', "c.hcl:1:1: listener: tls_cert_file and tls_key_file are needed"),
        ('listener "tcp" {\n address = "x:y"\n}', 'c.hcl:2:2: address: "x:y" has no port'),
        ('max_lease_ttl = "soon"', "c.hcl:1:1: max_lease_ttl: "),
        ('max_lease_ttl = "1h"\ndefault_lease_ttl = "2h"', "default_lease_ttl (7200s) is larger than max_lease_ttl"),
        ("ui = " + "[" * 100_000, "c.hcl:1:"),
        ("\x00", "c.hcl:1:1: "),
    ],
)  # fmt: skip
def test_a_bad_configuration_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    from mockkms.cli.arguments import CommandError
    from mockkms.cli.config import read

    (tmp_path / "c.hcl").write_text(text)
    with pytest.raises(CommandError) as caught:
        read([tmp_path / "c.hcl"])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--port", "70000"), "mockkms serve: argument --port: '70000' is not a valid port (0 to 65535)"),
        (
            ("--stat", "open"),
            "mockkms serve: --state open: unsealed, sealed, uninitialized, or a file such as ./open.state",
        ),
        (("--tls-cert", "c.pem"), "mockkms serve: --tls-cert and --tls-key must be used together"),
        (("--tls-client-ca", "c.pem"), "mockkms serve: --tls-client-ca needs --tls-cert and --tls-key"),
        (("--tls", "--tls-cert", "c", "--tls-key", "k"), "mockkms serve: --tls and --tls-cert cannot be used together"),
        (("--tls", "--tls-client-ca", "c.pem"), "mockkms serve: --tls-client-ca needs --tls-cert and --tls-key"),
        (("--tls-cert", "c.pem", "--tls-key", "k.pem"), "mockkms serve: c.pem: No such file or directory"),
        (("--config", "c.hcl"), "mockkms serve: c.hcl: No such file or directory"),
        (
            ("--state", "uninitialized", "--root-token", "x"),
            "mockkms serve: --root-token cannot be used with --state uninitialized",
        ),
        (("--rustfs-credentials", "x"), "mockkms serve: argument --rustfs-credentials: expected ACCESS:SECRET"),
        (("--port", "0", "--ready-file", "no/where"), "mockkms serve: cannot write the ready file no/where"),
    ],
)
def test_invalid_flags_are_reported_in_one_line(refused: Callable[..., str], flags: tuple[str, ...], said: str) -> None:
    text = refused(*flags)
    assert text.startswith(said)
    assert text.count("\n") == 1


def test_each_error_of_a_world_is_reported_on_a_line(refused: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "world.yaml").write_text("mockkms: 1\nflavour: vault\nvault:\n  stat: sealed\n")
    lines = refused("--seed", "world.yaml").splitlines()
    assert [line.split(": ")[0] for line in lines] == ["world.yaml:2:1", "world.yaml:4:3"]


def test_a_port_in_use_is_reported(serve: Serve, refused: Callable[..., str]) -> None:
    server = serve()
    port = server.url.rpartition(":")[2]
    text = refused("--port", port)
    assert text == (
        f"mockkms serve: cannot listen on 127.0.0.1:{port}: Address already in use; --port 0 picks a free port\n"
    )
    assert requests.get(f"{server.url}/v1/sys/health", timeout=60).status_code == 200


def test_an_open_host_is_warned_of(serve: Serve) -> None:
    server = serve("--host", "0.0.0.0")
    assert server.url.startswith("http://127.0.0.1:")
    assert "warning: --host 0.0.0.0: anyone who can reach this machine can use this server" in server.text()


def test_rustfs_flags_and_environment(serve: Serve) -> None:
    server = serve(
        "--rustfs-api", "current", "--rustfs-auth", "sigv4",
        RUSTFS_ACCESS_KEY="me", RUSTFS_SECRET_KEY="secret", RUSTFS_KMS_BACKUP_DIR="/backup",
        RUSTFS_KMS_BACKUP_KEK=base64.b64encode(bytes(32)).decode(), RUSTFS_KMS_BACKUP_KEK_ID="kek",
    )  # fmt: skip
    answer = requests.get(f"{server.url}/rustfs/admin/v3/kms/status", timeout=60)
    assert answer.status_code == 403
    world = requests.get(f"{server.url}/_mockkms/state", params={"format": "yaml"}, timeout=60)
    for word in ("api: current", "auth: sigv4", "me: secret", "backup_dir: /backup", "backup_kek_id: kek"):
        assert word in world.text


def test_bad_rustfs_environment(refused: Callable[..., str]) -> None:
    text = refused("--port", "0", RUSTFS_KMS_BACKUP_KEK="short", RUSTFS_KMS_BACKUP_KEK_ID="kek")
    assert text == "mockkms serve: RUSTFS_KMS_BACKUP_KEK: expected 32 bytes in base64\n"


def test_a_static_key_of_the_environment(serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"main:{base64.b64encode(bytes(32)).decode()}\n")
    turned_on = {"RUSTFS_KMS_ENABLE": "true", "RUSTFS_KMS_BACKEND": "static"}
    server = serve(**turned_on, RUSTFS_KMS_STATIC_SECRET_KEY_FILE=str(file), RUSTFS_KMS_STATIC_SECRET_KEY="unread")
    found = requests.get(f"{server.url}/rustfs/admin/v3/kms/service-status", timeout=60).json()
    assert (found["status"], found["config_summary"]["default_key_id"]) == ("Running", "main")
    assert found["config_summary"]["backend_summary"] == {"backend_type": "static", "key_id": "main"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("", "Static KMS requires RUSTFS_KMS_STATIC_SECRET_KEY or RUSTFS_KMS_STATIC_SECRET_KEY_FILE to be set"),
        ("k", "RUSTFS_KMS_STATIC_SECRET_KEY: Static KMS secret key must be in format <key-name>:<base64-key>"),
        ("k:!", "RUSTFS_KMS_STATIC_SECRET_KEY: Static KMS secret key is not valid base64"),
        (
            "k:AAAA",
            "RUSTFS_KMS_STATIC_SECRET_KEY: Static KMS secret key must be exactly 32 bytes after base64 decoding, got 3 "
            "bytes",
        ),
    ],
)
def test_a_wrong_static_key(refused: Callable[..., str], value: str, message: str) -> None:
    turned_on = {"RUSTFS_KMS_ENABLE": "true", "RUSTFS_KMS_BACKEND": "static"}
    assert refused("--port", "0", **turned_on, RUSTFS_KMS_STATIC_SECRET_KEY=value) == f"mockkms serve: {message}\n"


def test_answers_name_the_fault_rules(serve: Serve) -> None:
    url = serve("--fault-header").url
    for _ in range(2):
        requests.post(f"{url}/_mockkms/faults", json={"id": "odd", "path": "sys/health", "status": 418}, timeout=60)
        assert requests.get(f"{url}/v1/sys/health", timeout=60).headers["X-Mockkms-Fault"] == "odd"
        requests.post(f"{url}/_mockkms/reset", timeout=60)


def test_it_passes_requests_on_to_a_real_server(serve: Serve) -> None:
    with MockKMS() as real:
        server = serve("--upstream", real.url, "--root-token", real.token)
        headers = {"X-Vault-Token": real.token}
        write = {"data": {"n": 1}}
        assert (
            requests.post(f"{server.url}/v1/secret/data/a", json=write, headers=headers, timeout=60).status_code == 200
        )
        assert real.journal.lines() == ["POST /v1/secret/data/a"]
        assert (server.ready["upstream"], server.ready["state"]) == (real.url, "proxy")
        assert requests.get(f"{server.url}/_mockkms/", timeout=60).json()["mode"] == "proxy"
        assert f"forwards requests at {server.url} to {real.url}" in server.text()
    down = requests.get(f"{server.url}/v1/sys/health", timeout=60)
    assert (down.status_code, down.headers["X-Mockkms-Upstream"]) == (502, "unreachable")


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        (["--upstream", "ftp://a"], "is not a valid address: expected http://… or https://…"),
        (["--upstream", "https://localhost:1", "--upstream-ca", "/nowhere.pem"], "/nowhere.pem: No such file"),
        (["--upstream", "http://localhost:1", "--state", "sealed"], "--state cannot be used with --upstream"),
        (["--upstream", "http://localhost:1", "--state", "./a.state"], "--state FILE cannot be used with --upstream"),
        (["--upstream", "http://localhost:1", "--storage", "raft"], "--storage cannot be used with --upstream"),
        (["--replay", "a.jsonl", "--storage", "raft"], "--storage cannot be used with --replay without"),
        (["--upstream", "http://localhost:1", "--seed", "payments"], "vault: of a world: a real server answers here"),
        (["--upstream", "http://localhost:1", "--nodes", "3"], "--nodes cannot be used with --upstream"),
        (["--upstream-insecure"], "--upstream-insecure requires --upstream"),
        (["--upstream", "http://localhost:1", "--upstream-insecure"], "require an https:// address"),
        (
            ["--upstream", "https://localhost:1", "--upstream-cert", "a"],
            "--upstream-cert and --upstream-key must be used together",
        ),
    ],
)
def test_contradicting_flags_of_a_proxy(flags: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--port", "0", *flags]) == 2
    assert text in capsys.readouterr().err
