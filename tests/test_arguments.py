"""Arguments that cannot be used are refused at once, by their names, wherever they are given."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mockkms import Cluster, MockKMS, RemoteError, RemoteKMS, SeedError
from mockkms.server.wire.listening.addresses import UnixSocket
from mockkms.server.wire.tls import TlsFiles

TOKENS = ("a\nb", "token\n", " token", "a\0b", "tökén", "\ud800", "x" * 9000)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("port", "8200", "port='8200': expected a number from 0 to 65535"),
        ("port", -1, "port=-1: expected a number from 0 to 65535"),
        ("control_port", 70000, "control_port=70000: expected"),
        ("rustfs_port", True, "rustfs_port=True: expected"),
        ("host", "a\0b", r"host='a\x00b': expected an address or the name of a host"),
        ("host", None, "host=None: expected"),
        ("default_lease_ttl", "1h", "default_lease_ttl='1h': expected whole seconds from 0 to"),
        ("max_lease_ttl", float("nan"), "max_lease_ttl=nan: expected whole seconds"),
        ("cluster_name", b"x", "cluster_name=b'x': expected text in one line"),
        ("control_anywhere", "false", "control_anywhere='false': expected True or False"),
        ("allow_hosts", "app.test", "allow_hosts='app.test': expected a list of host names"),
        ("further", "unix:/run/a.sock", "further='unix:/run/a.sock': expected a list of addresses"),
        ("rng", 1.5, "rng=1.5: expected a whole number or text"),
        ("state_file", "a\0b", "a path cannot have a null byte"),
        ("state_file", 5, "state_file=5: expected a path"),
        ("replay", "\ud800", "replay='\\ud800': expected a path in characters that the file system has"),
        ("record_limit", "1", "record_limit='1': expected a number of bytes"),
        ("upstream", "http://a b", "upstream='http://a b': expected an address"),
        ("upstream_timeout", "60", "upstream_timeout='60': expected seconds above 0"),
        ("upstream_cert", "cert.pem", "upstream_cert='cert.pem': expected the paths of a certificate and a key"),
        ("tls", 5, "tls=5: expected True, an SSLContext, or the paths of a certificate and a key"),
        ("tls", [], "tls=[]: expected True"),
        ("tls", ("a\0b", "key.pem"), r"tls: certificate='a\x00b': a path cannot have a null byte"),
        ("tls", ("cert.pem", "a\0b"), r"tls: key='a\x00b': a path cannot have a null byte"),
        ("tls", (9, "key.pem"), "tls: certificate=9: expected a path"),
        ("tls", TlsFiles("c", "k", "\ud800"), r"tls: client_authority='\ud800': expected a path in characters"),
        ("further", ["unix:a\0b"], r"further=['unix:a\x00b']: a path cannot have a null byte"),
        ("further", ["unix:\ud800"], r"further=['unix:\ud800']: expected a path in characters that the file system"),
        ("further", [UnixSocket("a\0b")], "a path cannot have a null byte"),
        ("further", [UnixSocket("a", user="a\0b")], "a path cannot have a null byte"),
        ("further", [("a\0b", 0, None)], "expected an address or the name of a host"),
        ("further", [("127.0.0.1", "1", None)], "expected a number from 0 to 65535"),
        ("further", [("127.0.0.1", 0)], "expected tuples of host, port and TLS"),
        ("further", [("127.0.0.1", 0, ("c", "k"))], "expected TlsFiles or None as the TLS of an address"),
        ("further", [("127.0.0.1", 0, TlsFiles("a\0b", "k"))], "tls: certificate="),
        *(("root_token", token, ": a token is sent in a header: it m") for token in TOKENS),
        *(("control_token", token, ": a token is sent in a header: it m") for token in TOKENS),
    ],
)
def test_arguments_of_a_server(name: str, value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        MockKMS(**{name: value})
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"nodes": 10**9}, "nodes=1000000000: expected a number from 1 to 99"),
        ({"nodes": "3"}, "nodes='3': expected"),
        ({"port": "8200"}, "port='8200': expected"),
        ({"quorum": "2"}, "quorum='2': expected"),
        ({"election_delay": -1}, "election_delay=-1: expected seconds, not negative"),
    ],
)
def test_arguments_of_a_cluster(words: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Cluster(**words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"url": 5}, "url=5: expected an address"),
        ({"url": "http://127.0.0.1:1/a b"}, "expected an address such as http://127.0.0.1:8200"),
        ({"timeout": None}, "timeout=None: expected seconds above 0"),
        ({"timeout": 1e30}, "expected seconds above 0 and up to 86400"),
        ({"ca_file": 5}, "ca_file=5: expected a path"),
        *(({"control_token": token}, "a token is sent in a header") for token in TOKENS),
    ],
)
def test_arguments_of_a_remote_server(words: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        RemoteKMS(**{"url": "http://127.0.0.1:1", **words})


def test_a_name_that_no_host_can_have() -> None:
    with pytest.raises(RemoteError, match=f"cannot reach mockkms at http://{'x' * 300}: no host can have this name"):
        RemoteKMS(f"http://{'x' * 300}").connect()


def test_names_and_moments_of_a_running_server() -> None:
    with MockKMS() as kms, RemoteKMS(kms.url) as remote:
        for one in (kms, remote):
            for value in (5, None):
                with pytest.raises(ValueError, match="expected a name"):
                    one.tenant(value)  # type: ignore[arg-type]
                with pytest.raises(ValueError, match="expected a name"):
                    one.restore(value)  # type: ignore[arg-type]
            with pytest.raises(ValueError, match="out of range"):
                one.clock.set(10**400)
        kms.clock.freeze()
        assert kms.clock.advance(10**400) == kms.clock.advance(1), "the last second of 9999"


@pytest.mark.parametrize("token", [token for token in TOKENS if token.isprintable() or "\n" in token])
def test_tokens_in_worlds(token: str) -> None:
    for vault in ({"root_token": token}, {"tokens": [{"id": token}]}):
        with pytest.raises(SeedError) as caught:
            MockKMS(seed={"vault": vault})
        assert "a token is sent in a header" in str(caught.value)


def test_tokens_of_the_command_line(tmp_path: Path) -> None:
    token = "a\nb"
    (tmp_path / "token").write_text(token)
    for words, environment, message in (
        (["serve", "--root-token", token], {}, "argument --root-token: a token is sent in a header"),
        (["run", "--root-token", token, "--", "true"], {}, "argument --root-token: a token is sent in a header"),
        (["explore", "--root-token", token, "--", "true"], {}, "argument --root-token: a token is sent in a header"),
        (["server", "-dev", "-dev-root-token-id", token], {}, "a token is sent in a header"),
        (["serve", "--control-token", token], {}, "control token: a token is sent in a header"),
        (["serve", "--control-token-file", "token"], {}, "control token: token: a token is sent in a header"),
        (["serve"], {"MOCKKMS_CONTROL_TOKEN": token}, "control token: a token is sent in a header"),
        (["journal"], {"MOCKKMS_CONTROL_TOKEN": token}, "control token: a token is sent in a header"),
        (["capture", "--upstream", "http://127.0.0.1:1", "--token", token], {}, "argument --token: a token is sent"),
        (["capture", "--upstream", "http://127.0.0.1:1"], {"VAULT_TOKEN": token}, "VAULT_TOKEN: a token is sent"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "mockkms", *words], capture_output=True, text=True, timeout=60, cwd=tmp_path,
            env={**os.environ, **environment},
        )  # fmt: skip
        assert done.returncode == 2, (words, done.stderr)
        assert message in done.stderr
        assert done.stderr.count("\n") == 1
