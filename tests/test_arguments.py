"""Arguments that cannot be used are refused at once, by their names, wherever they are given."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
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
        ("upstream_ca", "ca.pem", "`upstream_ca` requires `upstream`: the address of the real server"),
        ("upstream_insecure", True, "`upstream_insecure` requires `upstream`"),
        ("upstream_timeout", 5, "`upstream_timeout` requires `upstream`"),
        ("record_limit", 5, "`record_limit` requires `record`: the file of the recording"),
        ("plugin_directory", "/nowhere/at/all", "plugin_directory='/nowhere/at/all': the folder does not exist"),
        (
            "default_lease_ttl",
            9_000_000_000,
            "default_lease_ttl=9000000000: expected at most max_lease_ttl, which is 27",
        ),
        ("allow_hosts", [1], "allow_hosts=[1]: expected host names as text, not 1"),
        ("allow_hosts", (b"app.test",), "expected host names as text, not b'app.test'"),
        ("further", [1], "further=[1]: expected addresses: tuples of host, port and TLS, or texts such as unix:"),
        ("further", [b"unix:a"], "expected addresses: tuples of host, port and TLS, or texts such as unix:"),
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
        ({"performance_standbys": "yes"}, "performance_standbys='yes': expected True or False"),
        ({"index_headers": 1}, "index_headers=1: expected True or False"),
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
        ({"control_token_file": 5}, "control_token_file=5: expected a path"),
        ({"control_token_file": "a\0b"}, "a path cannot have a null byte"),
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


NONSENSE: list[Any] = [
    None, 1, -1, b"", [1], [None], [b"x"], {"a": 1}, "", "\0", float("nan"), 1e400, 10**400, Path("x"), {1}, ("a",),
    object(), True, "x" * 300, "\ud800", "GENERATOR",
]  # fmt: skip
CALLS: dict[str, Callable[[Any, Any], object]] = {
    "act": lambda kms, value: kms.act(expire=value, redact=value),
    "act advance": lambda kms, value: kms.act(advance=value),
    "act revoke": lambda kms, value: kms.act(revoke=value),
    "chaos.describe": lambda kms, value: kms.chaos.describe(value),
    "chaos.start": lambda kms, value: kms.chaos.start(value, seed=value, phase=value, loop=value),
    "clock.advance": lambda kms, value: kms.clock.advance(value),
    "clock.freeze": lambda kms, value: kms.clock.freeze(value),
    "clock.set": lambda kms, value: kms.clock.set(value),
    "diff": lambda kms, value: kms.diff(value),
    "drop": lambda kms, value: kms.drop(value),
    "explain token": lambda kms, value: kms.explain(value, "read", "a"),
    "explain operation": lambda kms, value: kms.explain("root", value, "a"),
    "explain path": lambda kms, value: kms.explain("root", "read", value),
    "faults.add": lambda kms, value: kms.faults.add(value, answer=value),
    "faults.add times": lambda kms, value: kms.faults.add("a", answer=503, times=value, id=value, path=value),
    "faults.disable": lambda kms, value: kms.faults.disable(value),
    "faults.extend": lambda kms, value: kms.faults.extend(value),
    "faults.get": lambda kms, value: kms.faults.get(value),
    "faults.header": lambda kms, value: setattr(kms.faults, "header", value),
    "faults.remove": lambda kms, value: kms.faults.remove(value),
    "faults.script": lambda kms, value: kms.faults.script(value),
    "faults.state": lambda kms, value: setattr(kms.faults, "state", value),
    "forget_tenant": lambda kms, value: kms.forget_tenant(value),
    "journal.assert_called": lambda kms, value: kms.journal.assert_called(value),
    "journal.assert_called times": lambda kms, value: kms.journal.assert_called("a", times=value),
    "journal.assert_no_unhandled": lambda kms, value: kms.journal.assert_no_unhandled(allowed=value),
    "journal.assert_order": lambda kms, value: kms.journal.assert_order("a", value),
    "journal.entries": lambda kms, value: kms.journal.entries(value, status=value),
    "journal.near_misses": lambda kms, value: kms.journal.near_misses(path=value),
    "journal.redact": lambda kms, value: setattr(kms.journal, "redact", value),
    "journal.table": lambda kms, value: kms.journal.table(last=value),
    "load": lambda kms, value: kms.load(value),
    "restore": lambda kms, value: kms.restore(value),
    "snapshot": lambda kms, value: kms.snapshot(value),
    "tenant": lambda kms, value: kms.tenant(value),
}
"""Methods and attributes, with a value for one of their arguments, or for several."""


@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_no_value_of_an_argument_ends_in_an_error_from_inside(call: Callable[[Any, Any], object], remote: bool) -> None:
    with MockKMS() as kms, RemoteKMS(kms.url) as far:
        for value in NONSENSE:
            with suppress(ValueError, AssertionError, RemoteError):
                call(far if remote else kms, iter([1]) if value == "GENERATOR" else value)
            kms.reset()


@pytest.mark.parametrize("remote", [False, True], ids=["local", "remote"])
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("chaos.describe", 5, "incident=5: expected a name"),
        ("chaos.describe", "", "incident='': expected a name"),
        ("explain token", None, "token=None: expected text"),
        ("explain operation", 1, "operation=1: expected text"),
        ("explain path", b"a", "path=b'a': expected text"),
        ("faults.disable", None, "id=None: expected a name"),
        ("faults.get", "rule-1", "rule 'rule-1' not found"),
        ("faults.header", "no", "expected true or false|expected True or False"),
        ("faults.remove", "", "id='': expected a name"),
        ("faults.state", 5, "expected text|expected a string"),
        ("journal.near_misses", None, "path: expected a string or a pattern, got None"),
        ("journal.near_misses", float("nan"), "path: expected a string or a pattern, got nan|cannot be sent|not JSON"),
        ("journal.redact", None, "expected true or false|expected True or False"),
    ],
)
def test_a_value_that_cannot_be_meant_is_named(name: str, value: Any, message: str, remote: bool) -> None:
    with MockKMS() as kms, RemoteKMS(kms.url) as far, pytest.raises(ValueError, match=message):
        CALLS[name](far if remote else kms, value)


def test_an_empty_name_of_a_tenant_forgets_none() -> None:
    with MockKMS() as kms, RemoteKMS(kms.url) as remote:
        kms.tenant("a")
        for one in (kms, remote):
            with pytest.raises(ValueError, match=r"expected a name|''"):
                one.forget_tenant("")
        assert kms.tenants() == ["a"]


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


def test_nodes_of_a_cluster_that_do_not_exist() -> None:
    with Cluster(nodes=2) as cluster:
        for node in (2, -1, "a", None, True):
            call: Callable[[Any], object]
            for call in (cluster.node_url, cluster.facts, cluster.role, cluster.change, cluster.partition):
                with pytest.raises(ValueError, match="expected a node, or its index from 0 to 1"):
                    call(node)
        with pytest.raises(ValueError, match="unknown field of a node 'seald'; did you mean 'sealed'"):
            cluster.change(0, seald=True)
        with pytest.raises(ValueError, match="sealed='no': expected True or False"):
            cluster.nodes[0].start(sealed="no")  # type: ignore[arg-type]
        assert repr(cluster).startswith("<Cluster of vault at http")
