"""``mockkms check``, ``schema``, ``dump`` and ``run``: what they print and how they exit."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from mockkms import Cluster, MockKMS, SeedError
from mockkms.cli import main
from mockkms.crypto.x509.authority import issue
from mockkms.faults.kinds import KINDS
from mockkms.faults.kinds.connections import TLS_FAULTS
from mockkms.worldfile import exact, load

Capture = pytest.CaptureFixture[str]
SHOW = """
import json, os
shown = ("VAULT_", "BAO_", "MOCKKMS_", "AWS_", "HTTP")
print(json.dumps({name: text for name, text in os.environ.items() if name.startswith(shown)}))
"""


def test_check_says_ok(capsys: Capture) -> None:
    assert main(["check", "dev", "payments", "rustfs"]) == 0
    assert capsys.readouterr().out == "dev: ok\npayments: ok\nrustfs: ok\n"


def test_check_prints_all_errors_of_all_files(tmp_path: Path, capsys: Capture) -> None:
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("mockkms: 1\nvualt: {}\nrng: []\n")
    second.write_text("vault:\n  tokens: [{entity: nobody}]\n")
    assert main(["check", str(first), str(second), "dev"]) == 1
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        f'{first}:2:1: vualt: unknown key "vualt"; did you mean "vault"?',
        f"{first}:3:6: rng: expected a whole number or text, found a list",
        f'{second}:2:21: vault.tokens[0].entity: no entity is named "nobody"',
        "dev: ok",
    ]
    assert captured.err == "3 errors\n"


@pytest.fixture
def piped(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Put a text on standard input."""

    def pipe(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))

    return pipe


def test_check_reads_standard_input(piped: Callable[[str], None], capsys: Capture) -> None:
    piped("vault: {}\n")
    assert main(["check", "dev", "-"]) == 0
    assert capsys.readouterr().out == "dev: ok\n-: ok\n"
    piped("mockkms: 1\nvualt: {}\n")
    assert main(["check", "--layered", "dev", "-"]) == 1
    assert capsys.readouterr().out == '<stdin>:2:1: vualt: unknown key "vualt"; did you mean "vault"?\n'
    piped("")
    assert main(["check", "-"]) == 1
    assert capsys.readouterr().out.startswith("<stdin>:1:1: the file is empty")
    piped("#" * (4 * 1024 * 1024 + 10))
    assert main(["check", "-"]) == 1
    assert "a world has at most 4 MiB" in capsys.readouterr().out
    assert main(["check", "-", "dev", "-"]) == 2
    assert "standard input (-) can be one of the worlds only" in capsys.readouterr().err


def test_load_reads_standard_input(kms: MockKMS, piped: Callable[[str], None], capsys: Capture) -> None:
    piped('vault:\n  policies: {piped: \'path "a" { capabilities = ["read"] }\'}\n')
    assert main(["load", "-", "--url", kms.url]) == 0
    assert capsys.readouterr().out == "loaded -\n"
    headers = {"X-Vault-Token": kms.token}
    assert requests.get(f"{kms.url}/v1/sys/policies/acl/piped", headers=headers, timeout=60).status_code == 200
    piped("vault: {tokens: 1}\n")
    assert main(["load", "-", "--url", kms.url]) == 1
    assert "<stdin>:1:17: vault.tokens: " in capsys.readouterr().err


def test_a_state_file_of_standard_input(tmp_path: Path, piped: Callable[[str], None], capsys: Capture) -> None:
    piped('vault:\n  policies: {piped: \'path "a" { capabilities = ["read"] }\'}\n')
    assert main(["state", "import", "-", str(tmp_path / "state")]) == 0
    assert main(["state", "export", str(tmp_path / "state")]) == 0
    assert "piped:" in capsys.readouterr().out


@pytest.fixture
def pem_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a certificate and its key."""
    issued = issue(("localhost",))
    (tmp_path / "cert.pem").write_bytes(issued.certificate)
    (tmp_path / "key.pem").write_bytes(issued.key)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("flags", "server"),
    [
        ([], {}),
        (["--tls"], {"tls": True}),
        (["--tls-cert", "cert.pem", "--tls-key", "key.pem"], {"tls": ("cert.pem", "key.pem")}),
        (["--nodes", "3"], {"nodes": 3}),
    ],
    ids=["plain", "tls", "own certificate", "cluster"],
)
@pytest.mark.parametrize("word", [*KINDS, *(f"tls {fault}" for fault in TLS_FAULTS)])
def test_check_says_of_every_fault_kind_what_a_start_says(
    pem_files: Path, capsys: Capture, word: str, flags: list[str], server: dict[str, Any]
) -> None:
    word, _, value = word.partition(" ")
    world = pem_files / "world.yaml"
    world.write_text(json.dumps({"faults": [{word: value or KINDS[word].example}]}))
    said = f"{world}: ok"
    try:
        (Cluster if "nodes" in server else MockKMS)(seed=world, **server)
    except SeedError as error:
        said = str(error)
    code = main(["check", str(world), *flags])
    assert capsys.readouterr().out == said + "\n"
    assert code == (0 if said.endswith(": ok") else 1)


def test_check_names_files_of_a_certificate_that_the_start_refuses(pem_files: Path, capsys: Capture) -> None:
    world = pem_files / "world.yaml"
    world.write_text("mockkms: 1\n")
    assert main(["check", str(world), "--tls-cert", "cert.pem"]) == 2
    assert main(["check", str(world), "--tls-cert", "key.pem", "--tls-key", "cert.pem"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "mockkms check: --tls-cert and --tls-key must be used together" in captured.err
    assert "mockkms check: key.pem and cert.pem are not a certificate and an unencrypted key in PEM" in captured.err


def test_check_refuses_what_needs_a_cluster_or_tls_unless_the_server_has_it(tmp_path: Path, capsys: Capture) -> None:
    world = tmp_path / "world.yaml"
    world.write_text("faults:\n  - step_down: true\n  - tls: expired\n")
    assert main(["check", str(world)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{world}:2:16: faults[0].step_down: a single server has no standby that could take over; use mockkms.Cluster "
        "or serve --nodes",
        f"{world}:3:10: faults[1].tls: this server speaks no TLS; start it with tls=True (mockkms serve --tls)",
    ]
    assert main(["check", str(world), "--nodes", "3", "--tls"]) == 0


def test_check_exits_2_for_what_cannot_be_read(tmp_path: Path, capsys: Capture) -> None:
    assert main(["check", str(tmp_path / "none.yaml"), "dev"]) == 2
    captured = capsys.readouterr()
    assert "dev: ok" in captured.out
    assert "No such file" in captured.err


def test_layered_files_are_checked_as_one(tmp_path: Path, capsys: Capture) -> None:
    entity, token = tmp_path / "a.yaml", tmp_path / "b.yaml"
    entity.write_text("vault:\n  identity: {entities: {me: {}}}\n")
    token.write_text("vault:\n  tokens: [{entity: me}]\n")
    assert main(["check", str(token)]) == 1
    assert main(["check", "--layered", str(entity), str(token)]) == 0
    assert "ok" in capsys.readouterr().out


def test_schema_is_json(capsys: Capture) -> None:
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "A mockkms world"


def test_dump_of_a_running_server_loads_to_an_equal_world(tmp_path: Path, capsys: Capture) -> None:
    with MockKMS(seed="payments") as kms:
        file = tmp_path / "dump.yaml"
        assert main(["dump", kms.url, "-o", str(file)]) == 0
        assert exact.roots(MockKMS(seed=file).world) == exact.roots(kms.world)
        assert main(["dump", kms.url]) == 0
        assert load(capsys.readouterr().out).rng == "payments"
        assert main(["dump", kms.url, "-o", str(tmp_path / "no" / "file")]) == 2


def test_dump_without_a_server(capsys: Capture) -> None:
    assert main(["dump", "http://127.0.0.1:9"]) == 2
    assert "cannot reach mockkms at http://127.0.0.1:9" in capsys.readouterr().err


def test_run_gives_the_command_a_server_and_passes_its_exit_code_on(
    capfd: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_NAMESPACE", "elsewhere")
    monkeypatch.setenv("BAO_CACERT", "/elsewhere")
    monkeypatch.setenv("HTTPS_PROXY", "http://elsewhere")
    monkeypatch.setenv("AWS_PROFILE", "elsewhere")
    assert main(["run", "--root-token", "mine", "--", sys.executable, "-c", SHOW]) == 0
    seen = json.loads(capfd.readouterr().out)
    assert seen["VAULT_TOKEN"] == seen["BAO_TOKEN"] == "mine"
    assert seen["VAULT_ADDR"] == seen["BAO_ADDR"] == seen["MOCKKMS_URL"]
    assert "VAULT_NAMESPACE" not in seen
    assert "BAO_CACERT" not in seen
    assert "HTTPS_PROXY" not in seen
    assert (seen["AWS_ACCESS_KEY_ID"], seen["AWS_REGION"]) == ("rustfsadmin", "us-east-1")
    assert "AWS_PROFILE" not in seen
    assert main(["run", "--", sys.executable, "-c", "raise SystemExit(7)"]) == 7
    assert main(["run", "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"]) == 137


SIGNED = """
import os, ssl, urllib.request
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.session import Session

context = ssl.create_default_context(cafile=os.environ["VAULT_CACERT"])
address = os.environ["MOCKKMS_RUSTFS_URL"] + "/rustfs/admin/v3/kms/key/list"
request = AWSRequest("GET", address, {"x-amz-content-sha256": "UNSIGNED-PAYLOAD"})
session = Session()
SigV4Auth(session.get_credentials(), "s3", session.get_config_variable("region")).add_auth(request)
asked = urllib.request.Request(request.url, headers=dict(request.headers.items()))
print(urllib.request.urlopen(asked, context=context).read().decode())
"""


def test_run_with_tls_gives_credentials_that_the_admin_api_accepts(
    capfd: Capture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "theirs")
    world = tmp_path / "world.yaml"
    world.write_text(
        "rustfs: {configured: true, auth: sigv4, users: {admin: s3cr3t-s3cr3t}, keys: {mine: {}}}\n", encoding="utf-8"
    )
    assert main(["run", "--tls", "--seed", str(world), "--", sys.executable, "-c", SIGNED]) == 0
    assert '"mine"' in capfd.readouterr().out


def test_run_reaches_the_seeded_world(capfd: Capture) -> None:
    ask = (
        "import os, urllib.request as u; r = u.Request(os.environ['VAULT_ADDR'] + '/v1/secret/data/app/config', "
        "headers={'X-Vault-Token': os.environ['VAULT_TOKEN']}); print(u.urlopen(r).read().decode())"
    )
    assert main(["run", "--seed", "dev", "--", sys.executable, "-c", ask]) == 0
    assert "dev-password" in capfd.readouterr().out


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--"], "no command given"),
        (["--", "/no/such/program"], "cannot run /no/such/program: No such file"),
        (["--seed", "paymens", "--", "true"], "payments"),
    ],
)
def test_run_with_invalid_arguments(flags: list[str], said: str, capsys: Capture) -> None:
    assert main(["run", *flags]) == 2
    assert said in capsys.readouterr().err


def test_run_on_a_taken_port(capsys: Capture) -> None:
    with MockKMS() as kms:
        port = kms.url.rpartition(":")[2]
        assert main(["run", "--port", port, "--", "true"]) == 2
    assert f"cannot listen on 127.0.0.1:{port}" in capsys.readouterr().err
