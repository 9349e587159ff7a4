"""The page on TLS: its commands run, with the server on a free port."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import certifi
import pytest
import requests

from mockkms import MockKMS
from tests.cli.conftest import Served, serve

from .pages import blocks

__all__ = ["serve"]

OWN, FILES, MUTUAL, CLIENT = blocks("docs/tls.md", "sh")


def flags(block: str) -> list[str]:
    """The flags of the block's ``mockkms serve``."""
    [line] = [line for line in block.splitlines() if line.startswith("mockkms serve")]
    return shlex.split(line)[2:]


def prepare(folder: Path, *texts: str) -> None:
    """Run the ``openssl`` commands of blocks."""
    for line in "\n".join(texts).splitlines():
        if line.startswith("openssl"):
            subprocess.run(shlex.split(line), cwd=folder, check=True, capture_output=True, timeout=60)


def test_the_lines_printed(serve: Callable[..., Served]) -> None:
    served = serve(*flags(OWN))
    [text] = blocks("docs/tls.md", "text")
    for line in text.splitlines():
        assert line.partition("=")[0] in served.text()
    assert requests.get(f"{served.url}/v1/sys/health", verify=served.ready["ca_file"], timeout=60).ok


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")
def test_own_certificates(serve: Callable[..., Served], tmp_path: Path) -> None:
    prepare(tmp_path, FILES)
    served = serve(*flags(FILES))
    assert f"export VAULT_CACERT='{tmp_path / 'server.pem'}'" in served.text()
    assert requests.get(f"{served.url}/v1/sys/health", verify=tmp_path / "server.pem", timeout=60).ok


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")
@pytest.mark.skipif(shutil.which("curl") is None, reason="the client of the page is curl")
def test_mutual_tls(serve: Callable[..., Served], tmp_path: Path) -> None:
    prepare(tmp_path, FILES, MUTUAL)
    served = serve(*flags(MUTUAL))
    words = shlex.split(CLIENT.replace("https://localhost:8200", served.url))
    run = subprocess.run([*words, "-sSf"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    assert '"sealed":false' in run.stdout
    without = [word for word in words if word not in ("--cert", "app.pem", "--key", "app.key")]
    refused = subprocess.run([*without, "-sSf"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode != 0
    foreign = [word.replace("app.", "server.") for word in words]
    refused = subprocess.run([*foreign, "-sSf"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode != 0


@pytest.mark.parametrize("block", blocks("docs/tls.md", "python"))
def test_the_python_examples(block: str, tmp_path: Path) -> None:
    """The examples work where a developer has a bundle of certificates in the environment."""
    bundle = {"REQUESTS_CA_BUNDLE": certifi.where(), "CURL_CA_BUNDLE": certifi.where()}
    subprocess.run([sys.executable, "-c", block], cwd=tmp_path, check=True, timeout=60, env={**os.environ, **bundle})


def test_variables_for_all_servers_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", certifi.where())
    with MockKMS(tls=True).environment() as kms:
        assert (os.environ["VAULT_CACERT"], os.environ["REQUESTS_CA_BUNDLE"]) == (kms.ca_file, certifi.where())
        assert requests.get(f"{kms.url}/v1/sys/health", verify=kms.ca_file, timeout=60).ok
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(f"{kms.url}/v1/sys/health", timeout=60)


@pytest.mark.server(tls=True)
def test_a_client_that_prefers_http2_gets_http11(kms: MockKMS) -> None:
    context = ssl.create_default_context(cafile=kms.ca_file)
    context.set_alpn_protocols(["h2", "http/1.1"])
    port = int(kms.url.rpartition(":")[2])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=60) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as line,
    ):
        assert line.selected_alpn_protocol() == "http/1.1"
        line.sendall(b"GET /v1/sys/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert line.recv(1000).startswith(b"HTTP/1.1 200 OK")
