"""Checks of the arguments of ``MockKMS``, ``Cluster``, ``RemoteKMS`` and their methods, with errors that name each.

Without them, a port as text or a duration in place of seconds would only fail when it is used, with the TypeError of a
socket.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial

LONGEST_TOKEN = 8192
"""Characters of a token: more does not fit in a header everywhere."""
_DAY = 86400.0
_MOST_SECONDS = 9_223_372_036
"""The largest duration of Go, in whole seconds."""
_MOST_NODES = 99
_SHOWN = 60
"""Characters of a value in an error."""
TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,127}")
"""Ids of tenants, which are part of addresses."""
_SENDABLE = re.compile(r"[!-~]+(?: +[!-~]+)*")

Check = Callable[[object], str]
"""Returns what was expected in place of a value; empty if it can be used."""


def unsendable(token: str) -> str:
    """Return why a token cannot be sent in a header; empty if it can.

    Clients refuse line breaks, servers remove spaces at the ends, and libraries encode other letters in different ways.
    """
    if len(token) > LONGEST_TOKEN:
        return f"a token is sent in a header: it may have at most {LONGEST_TOKEN} characters, not {len(token)}"
    if _SENDABLE.fullmatch(token):
        return ""
    wrong = next((char for char in token if not " " <= char <= "~"), " ")
    where = "at its start or end" if wrong == " " else f"at {token.index(wrong) + 1}"
    return f"a token is sent in a header: it must be visible ASCII characters, and has {wrong!a} {where}"


def check_arguments(given: Mapping[str, object]) -> None:
    """Raise ValueError for the first argument, by name, that cannot be used; those without a check here are ignored."""
    for name, check in _CHECKS.items():
        if name in given and (wrong := check(given[name])):
            raise ValueError(f"{name}={_shown(given[name])}: {wrong}")


def check_attribute(name: str, kind: type[bool | str], value: object) -> None:
    """Raise ValueError if a value for the attribute ``name`` is not of its kind, ``bool`` or ``str``."""
    if wrong := (_flag if kind is bool else _text_of_any_kind)(value):
        raise ValueError(f"{name}={_shown(value)}: {wrong}")


class CheckedAttribute:
    """An attribute of an object that refuses values of another type; to read it costs no more than any other.

    Args:
        kind: The type, ``bool`` or ``str``.
    """

    def __init__(self, kind: type[bool | str]) -> None:
        self._kind = kind

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __set__(self, instance: object, value: object) -> None:
        check_attribute(self._name, self._kind, value)
        instance.__dict__[self._name] = value


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _optional(check: Check, value: object) -> str:
    return "" if value is None else check(value)


def _text(value: object) -> str:
    return "" if isinstance(value, str) and value.isprintable() else "expected text in one line"


def _text_of_any_kind(value: object) -> str:
    return "" if isinstance(value, str) else "expected text"


def _given_name(value: object) -> str:
    return _name(value) if value else "expected a name"


def _name(value: object) -> str:
    """Check a name that may be empty. Names are part of addresses, in which half of a surrogate pair has no form."""
    if not isinstance(value, str):
        return "expected a name"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "expected a name in characters that UTF-8 has"
    return ""


def _tenant(value: object) -> str:
    fits = isinstance(value, str) and TENANT.fullmatch(value)
    return "" if fits else "expected a name of up to 128 letters, digits and ._~-, the first a letter or digit"


def _word(what: str, value: object) -> str:
    fits = isinstance(value, str) and value.isprintable() and " " not in value
    return "" if fits else f"expected {what}"


def _token(value: object) -> str:
    if not isinstance(value, str):
        return "expected text"
    return unsendable(value) if value else ""


def _path(value: object) -> str:
    if not isinstance(value, (str, os.PathLike)):
        return "expected a path"
    try:
        return "a path cannot have a null byte" if b"\0" in os.fsencode(value) else ""
    except UnicodeEncodeError:
        return "expected a path in characters that the file system has"


def _flag(value: object) -> str:
    return "" if isinstance(value, bool) else "expected True or False"


def _whole(least: int, most: int, what: str, value: object) -> str:
    fits = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
    return "" if fits else f"expected {what} from {least} to {most}"


def _seconds(value: object) -> str:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= _DAY
    return "" if fits else f"expected seconds above 0 and up to {_DAY:.0f}"


def _delay(value: object) -> str:
    fits = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _MOST_SECONDS
    return "" if fits else "expected seconds, not negative"


def _seed(value: object) -> str:
    fits = isinstance(value, (int, str)) and not isinstance(value, bool)
    return "" if fits else "expected a whole number or text"


def _several(what: str, value: object) -> str:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        return f"expected a list of {what}"
    wrong = next((one for one in value if not isinstance(one, str)), "")
    return f"expected {what} as text, not {_shown(wrong)}" if wrong != "" else ""


def _pair(value: object) -> str:
    fits = isinstance(value, (tuple, list)) and len(value) == 2 and not any(_path(path) for path in value)
    return "" if fits else "expected the paths of a certificate and a key"


def _listeners(value: object) -> str:
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        return "expected a list of addresses"
    return next((wrong for wrong in map(_listener, value) if wrong), "")


def _listener(value: object) -> str:
    """Check an additional address: a text, a tuple of host, port and TLS, or the address of a Unix socket."""
    if not isinstance(value, tuple):
        names = ("path", "user", "group")
        if not isinstance(value, str) and not all(hasattr(value, name) for name in names):
            return "expected addresses: tuples of host, port and TLS, or texts such as unix:/run/vault.sock"
        parts = [value] if isinstance(value, str) else [getattr(value, name) for name in names]
        return next((wrong for wrong in map(_path, parts) if wrong), "")
    if len(value) != 3:
        return "expected tuples of host, port and TLS"
    return _host(value[0]) or _port(value[1])


_host = partial(_word, "an address or the name of a host")
_address = partial(_word, "an address such as http://127.0.0.1:8200")
_port = partial(_whole, 0, 65535, "a number")
_ttl = partial(_whole, 0, _MOST_SECONDS, "whole seconds")
_CHECKS: Mapping[str, Check] = {
    "allow_hosts": partial(_several, "host names"),
    "ca_file": _path,
    "certificate": _path,
    "client_authority": _path,
    "cluster_name": _text,
    "control_anywhere": _flag,
    "control_port": partial(_optional, _port),
    "control_token": partial(_optional, _token),
    "control_token_file": partial(_optional, _path),
    "default_lease_ttl": partial(_optional, _ttl),
    "election_delay": _delay,
    "environment": _flag,
    "fresh_keys": _flag,
    "further": _listeners,
    "host": _host,
    "id": _given_name,
    "incident": _given_name,
    "index_headers": _flag,
    "key": _path,
    "lag": _delay,
    "max_lease_ttl": partial(_optional, _ttl),
    "nodes": partial(_whole, 1, _MOST_NODES, "a number"),
    "now": _flag,
    "operation": _text_of_any_kind,
    "path": _text_of_any_kind,
    "performance_standbys": _flag,
    "plugin_directory": _path,
    "port": _port,
    "quorum": partial(_optional, partial(_whole, 1, _MOST_NODES, "a number")),
    "record": partial(_optional, _path),
    "record_limit": partial(_optional, partial(_whole, 1, 1 << 40, "a number of bytes")),
    "replay": partial(_optional, _path),
    "replay_fallback": _flag,
    "rng": partial(_optional, _seed),
    "root_token": partial(_optional, _token),
    "running": _flag,
    "rustfs_port": partial(_optional, _port),
    "sealed": _flag,
    "snapshot": _name,
    "strict": _flag,
    "state_file": partial(_optional, _path),
    "tenant": _tenant,
    "timeout": _seconds,
    "token": _text_of_any_kind,
    "upstream": partial(_optional, _address),
    "upstream_ca": _path,
    "upstream_cert": partial(_optional, _pair),
    "upstream_insecure": _flag,
    "upstream_timeout": _seconds,
    "url": _address,
}
