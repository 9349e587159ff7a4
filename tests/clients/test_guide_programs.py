"""The usage guide's own programs, run against a socket with nothing changed but the address."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from typing import Any

import pytest
import requests

from mockkms import MockKMS
from tests.clients.toolchain import ADDRESS, GUIDE, HERE, build, run, tool, workshop

CONFIGURE = {"kms_type": "vault", "vault_address": "https://vault.example.com:8200", "vault_token": "your-vault-token"}


def addressed(name: str, kms: MockKMS) -> str:
    """A program of the guide, with the server's address in it."""
    text = (GUIDE / name).read_text()
    assert ADDRESS in text
    return text.replace(ADDRESS, kms.rustfs_url)


def base(kms: MockKMS) -> str:
    return f"{kms.rustfs_url}/rustfs/admin/v3/kms"


def configure(kms: MockKMS) -> None:
    assert requests.post(f"{base(kms)}/configure", json=CONFIGURE, timeout=60).json()["success"] is True


def keys(kms: MockKMS) -> dict[str, dict[str, Any]]:
    listed = requests.get(f"{base(kms)}/key/list", timeout=60).json()["keys"]
    return {key["keyName"]: key for key in listed}


def documents(text: str) -> list[dict[str, Any]]:
    """The JSON documents that stand one after another in ``text``."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


def test_curl(kms: MockKMS, tmp_path: Path) -> None:
    tool("curl")
    script = tmp_path / "curl.sh"
    script.write_text(addressed("curl.sh", kms))
    answers = documents(run("sh", str(script)))
    configured, named, automatic, status, listed, enabled, disabled, service = answers
    assert configured == {"success": True, "message": "KMS configured successfully", "kms_type": "vault"}
    assert (named["keyName"], named["status"], "algorithm" in named) == ("my-encryption-key", "Enabled", False)
    assert automatic["keyName"].startswith("rustfs-key-")
    assert status == {**named, "algorithm": "AES-256"}
    assert [key["keyName"] for key in listed["keys"]] == ["my-encryption-key", automatic["keyName"]]
    assert enabled == status
    assert disabled == {**status, "status": "Disabled"}
    assert service == {"status": "Active", "backend": "vault", "healthy": True}


def test_python_requests(kms: MockKMS, tmp_path: Path) -> None:
    program = tmp_path / "example.py"
    program.write_text(addressed("example.py.txt", kms))
    lines = run(sys.executable, str(program)).splitlines()
    shown = {label: ast.literal_eval(value) for label, _, value in (line.partition(": ") for line in lines)}
    assert shown["Configure KMS"]["success"] is True
    assert shown["Created key"]["keyName"] == "python-test-key"
    assert shown["All keys"]["keys"] == [shown["Key status"]]
    assert shown["Key status"]["algorithm"] == "AES-256"


def test_javascript_fetch(kms: MockKMS, tmp_path: Path) -> None:
    configure(kms)  # the example sends its three requests at once: which comes first is not said
    program = tmp_path / "example.mjs"
    program.write_text(addressed("example.js", kms))
    output = run(tool("node"), str(program))
    assert all(label in output for label in ("Configure KMS:", "Created key:", "All keys:"))
    assert "keyName: 'js-test-key'" in output
    assert keys(kms)["js-test-key"]["status"] == "Enabled"


def test_go_client(kms: MockKMS) -> None:
    go = tool("go")
    client = (GUIDE / "client.go").read_text()
    unused = '    "encoding/json"\n'
    assert unused in client  # the guide imports it and never uses it, which Go refuses to compile
    place = workshop(
        "go-guide",
        {
            "client.go": client.replace(unused, ""),
            "main.go": (HERE / "go" / "main.go").read_text(),
            "go.mod": "module guide\n\ngo 1.21\n",
        },
    )
    program = place / "guide"
    if not program.exists():
        build(
            "Go", go, "build", "-o", str(program), ".", cwd=place, env={"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
        )
    configure(kms)
    assert json.loads(run(str(program), base(kms)))["keys"] == [keys(kms)["go-test-key"]]


def test_spring_rest_template(kms: MockKMS) -> None:
    maven, java = tool("mvn"), tool("java")
    imports = (HERE / "java" / "imports.txt").read_text()
    place = workshop("spring", {"pom.xml": (HERE / "java" / "pom.xml").read_text()})
    sources = place / "src" / "main" / "java"
    sources.mkdir(parents=True, exist_ok=True)
    (sources / "Main.java").write_text((HERE / "java" / "Main.java").read_text())
    (sources / "KmsController.java").write_text(imports + addressed("KmsController.java", kms))
    libraries = place / "target" / "dependency"
    goals = ["compile"] if libraries.exists() else ["compile", "dependency:copy-dependencies"]
    offline = ["-o"] if libraries.exists() else []
    build("Java", maven, "-q", "-B", *offline, *goals, cwd=place)
    configure(kms)
    created, listed = documents(run(java, "-cp", f"{place}/target/classes:{libraries}/*", "Main").replace("\n", ""))
    assert (created["keyName"], created["status"]) == ("spring-test-key", "Enabled")
    assert listed["keys"] == [keys(kms)["spring-test-key"]]


@pytest.mark.parametrize("path", ["/key/list", "/status"])
def test_before_configure_every_client_reads_the_guides_error(kms: MockKMS, path: str) -> None:
    answer = requests.get(base(kms) + path, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/json")
    assert answer.json()["code"] == "KMSNotConfigured"
