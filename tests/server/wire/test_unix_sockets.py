"""Unix sockets: listeners, permissions, what is left behind, and clients that speak HTTP over them."""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from mockkms import MockKMS
from mockkms.cli.config import read
from mockkms.server.wire.listening.addresses import UnixSocket, unix_socket
from tests.clients.toolchain import tool

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no Unix sockets in Python")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: that of a socket has at most about a hundred bytes."""
    with TemporaryDirectory(prefix="mk-") as made:
        yield Path(made)


class UnixConnection(http.client.HTTPConnection):
    """A connection of http.client over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=60)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(60)
        self.sock.connect(str(self._path))


def ask(connection: UnixConnection, method: str, path: str, body: Any = None, token: str = "root") -> tuple[int, Any]:
    connection.request(method, path, None if body is None else json.dumps(body), {"X-Vault-Token": token})
    answer = connection.getresponse()
    text = answer.read()
    return answer.status, json.loads(text) if text else None


def test_requests_over_one_connection(folder: Path) -> None:
    path = folder / "v.sock"
    with MockKMS(further=[f"unix:{path}"], root_token="root") as kms:
        assert kms.further_urls == [f"unix://{path}"]
        connection = UnixConnection(path)
        assert ask(connection, "POST", "/v1/secret/data/a", {"data": {"n": 1}})[0] == 200
        assert ask(connection, "GET", "/v1/secret/data/a")[1]["data"]["data"] == {"n": 1}
        assert ask(connection, "POST", "/v1/secret/data/big", {"data": {"n": "x" * 300_000}})[0] == 200
        kms.faults.add("secret/*", answer="sealed", times=1)
        assert [ask(connection, "GET", "/v1/secret/data/a")[0] for _ in range(2)] == [503, 200]
        assert ask(connection, "GET", "/_mockkms/clock")[1]["frozen"] is False
        assert kms.journal.count(service="vault") == 5
        bound = ask(connection, "POST", "/v1/auth/token/create", {"policies": ["root"]})[0]
        role = {"bound_cidrs": ["127.0.0.0/8"], "allowed_policies": ["default"]}
        assert ask(connection, "POST", "/v1/auth/token/roles/bound", role)[0] in (200, 204)
        made = ask(connection, "POST", "/v1/auth/token/create/bound", {"policies": ["default"]})[1]
        assert bound == 200
        # A client without an address is in no block of addresses.
        assert ask(connection, "GET", "/v1/auth/token/lookup-self", token=made["auth"]["client_token"])[0] == 403
        connection.close()
    assert not path.exists()


def test_faults_close_and_open_it(folder: Path) -> None:
    path = folder / "v.sock"
    with MockKMS(further=[UnixSocket(str(path))], root_token="root") as kms:
        connection = UnixConnection(path)
        assert ask(connection, "GET", "/v1/sys/health")[0] == 200
        kms.faults.add("sys/health", refuse=30, times=1)
        with pytest.raises((ConnectionError, http.client.HTTPException)):
            ask(connection, "GET", "/v1/sys/health")
        connection.close()
        with pytest.raises(OSError, match=r"refused|No such file"):
            ask(connection, "GET", "/v1/sys/health")
        connection.close()
        kms.reset()
        again = UnixConnection(path)
        assert ask(again, "GET", "/v1/sys/health")[0] == 200
        again.close()


def test_permissions(folder: Path) -> None:
    path = folder / "v.sock"
    with MockKMS(further=[f"unix:{path},mode=0640,user={os.getuid()},group={os.getgid()}"]):
        found = path.stat()
        assert stat.S_IMODE(found.st_mode) == 0o640
        assert (found.st_uid, found.st_gid) == (os.getuid(), os.getgid())


def test_what_is_there_already(folder: Path) -> None:
    path = folder / "v.sock"
    with socket.socket(socket.AF_UNIX) as abandoned:
        abandoned.bind(str(path))
    with MockKMS(further=[f"unix:{path}"]):
        with pytest.raises(OSError, match="a server listens on this socket") as caught:
            MockKMS(further=[f"unix:{path}"]).start()
        assert caught.value.filename == str(path)
    path.write_text("mine")
    with pytest.raises(OSError, match="the file exists, and is not a socket"):
        MockKMS(further=[f"unix:{path}"]).start()
    assert path.read_text() == "mine"
    with pytest.raises(OSError, match="No such file"):
        MockKMS(further=[f"unix:{folder}/none/v.sock"]).start()
    for option, shown in (("user=nobody-at-all", "nobody-at-all"), ("group=" + "9" * 30, "9" * 30)):
        with pytest.raises(OSError, match=f"unknown user or group '{shown}'"):
            MockKMS(further=[f"unix:{folder}/w.sock,{option}"]).start()
        assert not (folder / "w.sock").exists()
    with pytest.raises(OSError, match="too long for a Unix socket"):
        MockKMS(further=[f"unix:{folder}/{'x' * 120}"]).start()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/run/vault.sock", "is not an address to listen on; example: unix:/run/vault.sock"),
        ("unix:", "is not an address"),
        ("tcp:/x", "is not an address"),
        ("unix:/x,mode=rw", "'rw' is not a file mode; expected an octal number such as 0660"),
        ("unix:/x,mode=0999", "is not a file mode"),
        ("unix:/x,owner=me", "unknown option 'owner=me'; expected mode=0660, user=NAME or group=NAME"),
        ("unix:/x,user=", "unknown option 'user='"),
    ],
)
def test_misuse(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        MockKMS(further=[text])


def test_forms_of_an_address() -> None:
    assert unix_socket("unix:///run/v.sock,mode=0600") == UnixSocket("/run/v.sock", 0o600)
    assert unix_socket("unix:v.sock").path == str(Path.cwd() / "v.sock")


def test_a_configuration(tmp_path: Path) -> None:
    """As in Vault's ``listener_unix.go``: mode, user and group take effect only together."""
    path = tmp_path / "c.hcl"
    path.write_text(
        'listener "unix" {\n  address = "/run/one.sock"\n  socket_mode = "0660"\n  socket_user = "1"\n'
        '  socket_group = "2"\n}\nlistener "unix" {}\nlistener "unix" {\n  address = "/run/two.sock"\n'
        '  socket_mode = "0600"\n  sockte_user = "1"\n}\n'
    )
    config = read([path])
    assert [one.socket for one in config.listeners] == [
        UnixSocket("/run/one.sock", 0o660, "1", "2"), UnixSocket("/run/vault.sock"), UnixSocket("/run/two.sock"),
    ]  # fmt: skip
    assert any('unknown key "listener.sockte_user" is ignored; did you mean "socket_user"?' in n for n in config.notes)
    assert any("socket_mode without effect: needs socket_mode, socket_user, socket_group" in n for n in config.notes)


def test_curl(folder: Path) -> None:
    path = folder / "v.sock"
    with MockKMS(further=[f"unix:{path}"]):
        command = [tool("curl"), "-sf", "--unix-socket", str(path), "http://localhost/v1/sys/health"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(done.stdout)["sealed"] is False
