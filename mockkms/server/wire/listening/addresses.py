"""Addresses to listen on: a host and a port, or the file of a Unix socket."""

from __future__ import annotations

import errno
import os
import socket
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from mockkms.lazy_dataclass import dataclass
from mockkms.server.wire.listening.listener import BACKLOG, listening
from mockkms.urls import shown_host

if TYPE_CHECKING:
    from mockkms.server.wire.tls import ServerTls, TlsFiles

_LONGEST_MODE = 5
_LARGEST_ID = 2**32 - 2
_OPTIONS = ("mode", "user", "group")


@dataclass(frozen=True)
class Address:
    """A TCP address, with its TLS; port 0 picks a free port."""

    host: str
    port: int
    tls: ServerTls | None = None

    def listen(self, again: int | str = 0) -> socket.socket:
        """Return a listening socket; ``again``: the port that was picked before. Raises OSError for a port in use."""
        return listening(self.host, again if isinstance(again, int) and again else self.port)

    def url(self, place: int | str) -> str:
        """Return the address of the port in use."""
        return f"http{'s' if self.tls else ''}://{shown_host(self.host)}:{place}"


@dataclass(frozen=True)
class UnixSocket:
    """A Unix socket, for clients on this machine: ``VAULT_ADDR=unix:///run/vault.sock``. It speaks plain HTTP."""

    path: str
    mode: int | None = None
    """Permissions of the file, such as 0o660; None: those of the process's umask."""
    user: str = ""
    """Name or number of the owner; empty: the user of the process."""
    group: str = ""
    """Name or number of the group; empty: the group of the process."""

    tls: None = None

    def listen(self, _again: int | str = 0) -> socket.socket:
        """Return a listening socket. An abandoned socket file is replaced.

        Raises OSError, with the path, for one that a server listens on, and for any other kind of file.
        """
        if sys.platform == "win32":
            raise OSError(errno.EAFNOSUPPORT, "Unix sockets are not available on this system", self.path)
        _remove_abandoned(self.path)
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.bind(self.path)
            try:
                self._set_permissions()
                made.listen(BACKLOG)
            except OSError:
                os.unlink(self.path)
                raise
            made.setblocking(False)
        except OSError as error:
            made.close()
            reason = "the path is too long for a Unix socket" if error.errno is None else error.strerror
            raise OSError(error.errno or errno.ENAMETOOLONG, reason, self.path) from None
        return made

    def _set_permissions(self) -> None:
        if sys.platform == "win32":
            return
        import grp
        import pwd

        user = group = -1
        try:
            if self.user:
                user = int(self.user) if self.user.isdecimal() else pwd.getpwnam(self.user).pw_uid
            if self.group:
                group = int(self.group) if self.group.isdecimal() else grp.getgrnam(self.group).gr_gid
        except KeyError as error:
            raise OSError(errno.EINVAL, f"unknown user or group {str(error.args[0]).split()[-1]}") from None
        if user >= 0 or group >= 0:
            number = user if user > _LARGEST_ID else group
            if number > _LARGEST_ID:
                raise OSError(errno.EINVAL, f"unknown user or group '{number}'")
            os.chown(self.path, user, group)
        if self.mode is not None:
            os.chmod(self.path, self.mode)

    def url(self, _place: int | str) -> str:
        """Return the address as clients of Vault have it in ``VAULT_ADDR``."""
        return f"unix://{self.path}"


def _remove_abandoned(path: str) -> None:
    """Remove the file of a socket that nobody listens on. Raises OSError for every other file."""
    try:
        kind = os.lstat(path).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise OSError(errno.EEXIST, "the file exists, and is not a socket", path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.settimeout(1)
        try:
            asked.connect(path)
        except ConnectionRefusedError:
            with suppress(FileNotFoundError):
                os.unlink(path)
            return
        except FileNotFoundError:
            return
    raise OSError(errno.EADDRINUSE, "a server listens on this socket", path)


def address_of(given: tuple[str, int, TlsFiles | None] | UnixSocket | str) -> Address | UnixSocket:
    """Return an address that was given as a tuple or a text such as ``unix:/run/vault.sock``. Raises ValueError."""
    if isinstance(given, UnixSocket):
        return given
    if isinstance(given, str):
        return unix_socket(given)
    host, port, own = given
    if own and not hasattr(own, "server"):
        raise ValueError(f"further={given!r}: expected TlsFiles or None as the TLS of an address")
    return Address(host, port, own.server() if own else None)


def unix_socket(text: str) -> UnixSocket:
    """Return the socket of ``unix:/run/vault.sock,mode=0660,user=vault,group=vault``. Raises ValueError."""
    address, *options = text.split(",")
    scheme, colon, path = address.partition(":")
    path = "/" + path.lstrip("/") if path.startswith("//") else path
    if scheme != "unix" or not colon or path in ("", "/"):
        raise ValueError(f"{text!r} is not an address to listen on; example: unix:/run/vault.sock")
    found = dict.fromkeys(_OPTIONS, "")
    for option in options:
        name, equals, value = option.partition("=")
        if name not in _OPTIONS or not equals or not value:
            raise ValueError(f"{text!r}: unknown option {option!r}; expected mode=0660, user=NAME or group=NAME")
        found[name] = value
    return UnixSocket(os.path.abspath(path), read_mode(found["mode"]), found["user"], found["group"])


def read_mode(text: str) -> int | None:
    """Return permissions written as an octal number; None for an empty text. Raises ValueError."""
    if not text:
        return None
    if not (text.isdecimal() and len(text) <= _LONGEST_MODE and set(text) <= set("01234567")):
        raise ValueError(f"{text!r} is not a file mode; expected an octal number such as 0660")
    return int(text, 8)
