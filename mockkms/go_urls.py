"""URLs as Go's ``net/url`` parses and writes them; texts of errors are those of Go 1.26."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import SplitResult, quote, unquote_to_bytes

from mockkms import quoting
from mockkms.go_addresses import address_fault

_SCHEME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_WRITABLE: Final = re.compile(r"[A-Za-z0-9\-_.~!$&'()*+,/:;=@\[\]%]*", re.ASCII)
_IN_USERS: Final = re.compile(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_IN_HOSTS: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~!$&'()*+,;=:[]<>\"")
_PORT: Final = re.compile(r"(:[0-9]*)?")
_ESCAPE: Final = re.compile(rb"%[0-9a-fA-F]{2}")


def parse_url(url: str) -> SplitResult:
    """Return the parts of a URL. Raises ValueError with Go's text.

    What follows a scheme without a slash is in ``path``, although it is opaque: see ``path_in_go``. The port is not
    checked against its maximum.
    """
    text, _, fragment = url.partition("#")
    try:
        parts = _parse(text)
    except ValueError as fault:
        raise ValueError(f"parse {quoting.quote(text)}: {fault}") from None
    try:
        _check_escapes(fragment)
    except ValueError as fault:
        raise ValueError(f"parse {quoting.quote(url)}: {fault}") from None
    return parts._replace(fragment=fragment)


def parse_fault(url: str) -> str:
    """Return the error of Go's URL parser for a text; empty for a valid URL."""
    try:
        parse_url(url)
    except ValueError as fault:
        return str(fault)
    return ""


def _parse(text: str) -> SplitResult:
    """Return the parts of a URL without a fragment. Raises ValueError."""
    if _CONTROL.search(text):
        raise ValueError("net/url: invalid control character in URL")
    if text.startswith(":"):
        raise ValueError("missing protocol scheme")
    found = _SCHEME.match(text)
    scheme = found[0][:-1] if found else ""
    path, _, query = text[found.end() if found else 0 :].partition("?")
    parts = SplitResult(scheme.lower(), "", path, query, "")
    if not path.startswith("/"):
        if not scheme and ":" in path.partition("/")[0]:
            raise ValueError("first path segment in URL cannot contain colon")
        if scheme:
            return parts
    if path.startswith("//") and (scheme or not path.startswith("///")):
        authority, slash, rest = path[2:].partition("/")
        _check_authority(parts.scheme, authority)
        parts = parts._replace(netloc=authority, path=slash + rest)
    _check_escapes(parts.path)
    return parts


def _check_authority(scheme: str, authority: str) -> None:
    user, _, host = authority.rpartition("@")
    _check_host(scheme, host)
    if not _IN_USERS.fullmatch(user):
        raise ValueError("net/url: invalid userinfo")
    name, _, password = user.partition(":")
    _check_escapes(name)
    _check_escapes(password)


def _check_host(scheme: str, host: str) -> None:
    bracket = host.rfind("[")
    if bracket > 0:
        raise ValueError("invalid IP-literal")
    if bracket == 0:
        _check_literal(host)
        return
    if ":" in host:
        # Lists of hosts with ports, as databases have them, are valid in other schemes.
        _check_port(host[host.index(":") if scheme in ("http", "https") else host.rindex(":") :])
    _check_letters(host)


def _check_literal(host: str) -> None:
    """Check a host that begins with a bracket."""
    address, bracket, port = host[1:].rpartition("]")
    if not bracket:
        raise ValueError("missing ']' in host")
    _check_port(port)
    zone = address.find("%25")
    _check_letters(address if zone < 0 else address[:zone])
    if zone >= 0:
        _check_letters(address[zone:], zone=True)
    address = unquote_to_bytes(address).decode("utf-8", "surrogateescape")
    fault = address_fault(address)
    if fault:
        raise ValueError(f"invalid host: {fault}")
    if ":" not in address:
        raise ValueError("invalid IP-literal")


def _check_port(port: str) -> None:
    if not _PORT.fullmatch(port):
        raise ValueError(f"invalid port {quoting.quote(port)} after host")


def _check_letters(text: str, *, zone: bool = False) -> None:
    """Check the letters of a host, or of its zone, in which only those may be escaped that a host can have."""
    content = text.encode("utf-8", "surrogateescape")
    at = 0
    while at < len(content):
        letter = content[at]
        if letter == 0x25:
            escape = content[at : at + 3]
            value = int(escape[1:], 16) if _ESCAPE.fullmatch(escape) else -1
            allowed = value in _IN_HOSTS or value == 0x20 if zone else value >= 0x80
            if not allowed and escape != b"%25":
                raise ValueError(f"invalid URL escape {_quoted(escape)}")
            at += 3
            continue
        if letter < 0x80 and letter not in _IN_HOSTS:
            raise ValueError(f"invalid character {_quoted(content[at : at + 1])} in host name")
        at += 1


def _check_escapes(text: str) -> None:
    """Check the percent escapes of a part other than the host."""
    content = text.encode("utf-8", "surrogateescape")
    at = content.find(b"%")
    while at >= 0:
        if not _ESCAPE.match(content, at):
            raise ValueError(f"invalid URL escape {_quoted(content[at : at + 3])}")
        at = content.find(b"%", at + 1)


def _quoted(content: bytes) -> str:
    return quoting.quote(content.decode("utf-8", "surrogateescape"))


def path_in_go(parts: SplitResult) -> str:
    """Return the path that Go's ``url.Parse`` finds: what follows a scheme without a slash is opaque, not a path."""
    opaque = parts.scheme and not parts.netloc and not parts.path.startswith("/")
    return "" if opaque else parts.path


def shown(text: str) -> str:
    """Return a valid URL as Go writes a parsed one: characters not allowed in its path or fragment are escaped."""
    found = _SCHEME.match(text)
    scheme = found[0][:-1].lower() if found else ""
    rest = text[len(scheme) + 1 :] if scheme else text
    rest, hash_sign, fragment = rest.partition("#")
    if hash_sign:
        hash_sign, fragment = ("#", escaped_path(fragment)) if fragment else ("", "")
    if scheme and not rest.startswith("/"):
        return f"{scheme}:{rest}{hash_sign}{fragment}"
    rest, mark, query = rest.partition("?")
    host, path = "", rest
    if rest.startswith("//"):
        host, slash, path = rest[2:].partition("/")
        path = slash + path
        user, at, host = host.rpartition("@")
        host = user + at + quote(host, safe="!$&'()*+,;=:[]<>\"%-_.~")
        host = f"//{host}" if host or path else ""
    return f"{scheme}{':' if scheme else ''}{host}{escaped_path(path)}{mark}{query}{hash_sign}{fragment}"


def escaped_path(text: str) -> str:
    """Return a path or fragment unchanged if all its characters are allowed there; else unescape and escape it."""
    return text if _WRITABLE.fullmatch(text) else escaped_again(unquote_to_bytes(text))


def escaped_again(path: str | bytes) -> str:
    """Return a path escaped as Go writes one that was not escaped before, percent signs included."""
    return quote(path, safe="/$&+,:;=@~")
