"""Real database servers for tests, started from this machine's own packages on free ports, with new data."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mockkms.outside.postgres import ConnectFault, PostgresConnection

USER, PASSWORD = "vault", "vault-password"
_WAIT = 60.0
"""Seconds until a server has to be there."""


@dataclass(frozen=True)
class RealDatabase:
    """Where a server listens, on 127.0.0.1; ``USER`` with ``PASSWORD`` may do everything there."""

    port: int
    folder: Path

    def url(self, scheme: str) -> str:
        return f"{scheme}://{USER}:{PASSWORD}@127.0.0.1:{self.port}"


def program(name: str) -> str | None:
    """The path of a server's program, also where packages keep those that are not for the PATH."""
    places = [str(path) for path in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *places]))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


def _unprivileged() -> dict[str, str | int]:
    """The arguments of ``subprocess`` by which root runs a program as somebody else: the servers refuse root."""
    if os.getuid():
        return {}
    names = [entry.pw_name for entry in pwd.getpwall()]
    user = next(name for name in ("postgres", "mysql", "nobody") if name in names)
    return {"user": user, "group": pwd.getpwnam(user).pw_gid}


@contextmanager
def _folder() -> Iterator[Path]:
    # Not pytest's temporary folder, which only its owner may enter.
    with tempfile.TemporaryDirectory(prefix="mockkms-db-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        user = _unprivileged().get("user")
        if user is not None:
            shutil.chown(folder, str(user))
        yield folder


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=_WAIT, check=False, **_unprivileged()
    )  # type: ignore[call-overload]
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"


@contextmanager
def _serving(folder: Path, port: int, *command: str, end: signal.Signals = signal.SIGTERM) -> Iterator[None]:
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out, **_unprivileged())  # type: ignore[call-overload]
    try:
        until = time.monotonic() + _WAIT
        while True:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield
    finally:
        process.send_signal(end)
        try:
            process.wait(_WAIT)
        finally:
            process.kill()


@contextmanager
def postgres() -> Iterator[RealDatabase]:
    """A PostgreSQL server with an empty database ``app``."""
    initdb, server = program("initdb"), program("postgres")
    assert initdb is not None
    assert server is not None
    with _folder() as folder:
        secret = folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        data, port = str(folder / "data"), _free_port()
        _run(folder, initdb, "-D", data, "-U", USER, "--pwfile", str(secret), "-A", "scram-sha-256", "--no-sync")
        settings = {
            "port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": folder, "fsync": "off",
        }  # fmt: skip
        flags = [flag for name, value in settings.items() for flag in ("-c", f"{name}={value}")]
        # With SIGTERM, PostgreSQL waits for its clients: a server of the session's last test may keep a connection.
        with _serving(folder, port, server, "-D", data, *flags, end=signal.SIGINT):
            with _first_session(port) as session:
                session.query("CREATE DATABASE app")
            yield RealDatabase(port, folder)


def _first_session(port: int) -> PostgresConnection:
    """Log in once the server lets anybody in: it listens before that."""
    until = time.monotonic() + _WAIT
    settings = {"user": USER, "database": "postgres"}
    while True:
        try:
            return PostgresConnection(("127.0.0.1", port), settings, PASSWORD, "nonce")
        except ConnectFault as fault:
            if fault.code != "57P03" or time.monotonic() > until:
                raise
            time.sleep(0.05)


@contextmanager
def mariadb() -> Iterator[RealDatabase]:
    """A MariaDB server with an empty database ``app``."""
    install, server = program("mariadb-install-db"), program("mariadbd")
    assert install is not None
    assert server is not None
    with _folder() as folder:
        data, port = str(folder / "data"), _free_port()
        _run(folder, install, "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
             "--skip-test-db")  # fmt: skip
        first = folder / "first.sql"
        first.write_text(
            "CREATE DATABASE app;\n"
            f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO '{USER}'@'%' WITH GRANT OPTION;\n"
            "DROP USER ''@'localhost';\n"
        )
        first.chmod(0o644)
        with _serving(
            folder, port, server, "--no-defaults", f"--datadir={data}", f"--port={port}", "--bind-address=127.0.0.1",
            f"--socket={folder / 'socket'}", f"--pid-file={folder / 'pid'}", f"--init-file={first}", "--skip-log-bin",
            "--innodb-flush-log-at-trx-commit=0",
        ):  # fmt: skip
            yield RealDatabase(port, folder)
