"""Where the identifiers of challenges are: on this machine, or nowhere.

A name is found, in this order: among the ``hosts`` of the mount's settings (world files), which are all on this
machine; as ``localhost`` or below it; in the machine's file of hosts; and by the ``dns_resolver`` of the settings,
which must be on this machine itself. No other server is asked, and no address of another machine is contacted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from ipaddress import ip_address, ip_network
from pathlib import Path

from mockkms.outside import dns

HOSTS_FILE = Path("/etc/hosts")
NO_HOST, ELSEWHERE = "no such host", "connect: network is unreachable"
NOT_HERE = (NO_HOST, ELSEWHERE)
"""Reasons of failures that the settings of the mount may remove."""
_HERE = "127.0.0.1"
_LARGEST_FILE = 1 << 20
_SECONDS = 10.0
_LAST_PORT = 65535


class RefusedHost(Exception):
    """An address that the settings exclude from challenges."""


@dataclass(frozen=True)
class Reach:
    """The settings of a mount for names, addresses and ports of challenges."""

    resolver: str = ""
    """``host:port``; empty for none."""
    hosts: tuple[str, ...] = ()
    """Names on this machine; ``*`` stands for any text."""
    permitted: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    ports: dict[str, int] = field(default_factory=dict)
    """The ports of challenges by type."""


def address(reach: Reach, name: str) -> str:
    """Return the loopback address of a name or address. Raises OSError, and RefusedHost by the mount's settings."""
    found = _candidates(reach, name)
    here = [one for one in found if ip_address(one).is_loopback]
    if not here:
        # Not contacted; a machine without a network answers so.
        raise OSError(f"dial tcp {_bracketed(found[0])}: {ELSEWHERE}")
    for one in here:
        if _within(one, reach.excluded) or (reach.permitted and not _within(one, reach.permitted)):
            raise RefusedHost(one)
    return here[0]


def texts(reach: Reach, name: str) -> list[str]:
    """Return the TXT records of a name. Raises OSError."""
    if not reach.resolver:
        raise OSError(f"lookup {name}: {NO_HOST}")
    try:
        return dns.texts(_server(reach.resolver), name, _SECONDS)
    except OSError as fault:
        raise OSError(f"lookup {name} on {reach.resolver}: {fault}") from None


def _server(resolver: str) -> tuple[str, int]:
    """Return the address of the resolver. Raises OSError for one on another machine."""
    host, _, port = resolver.rpartition(":")
    host = host.strip("[]")
    if not ip_address(host).is_loopback:
        raise OSError(f"dial udp {resolver}: {ELSEWHERE}")
    if not port.isdecimal():
        raise OSError(f"dial udp: lookup udp/{port}: unknown port")
    if int(port) > _LAST_PORT:
        raise OSError(f"dial udp: address {port}: invalid port")
    return host, int(port)


def _candidates(reach: Reach, name: str) -> list[str]:
    """Return the addresses of a name, on any machine. Raises OSError."""
    bare = name.strip("[]").lower().rstrip(".")
    try:
        return [str(ip_address(bare))]
    except ValueError:
        pass
    if bare == "localhost" or bare.endswith(".localhost") or any(fnmatchcase(bare, one) for one in reach.hosts):
        return [_HERE]
    listed = _listed(bare)
    if listed:
        return listed
    if not reach.resolver:
        raise OSError(f"dial tcp: lookup {name}: {NO_HOST}")
    try:
        return dns.addresses(_server(reach.resolver), bare, _SECONDS)
    except OSError as fault:
        raise OSError(f"dial tcp: lookup {name} on {reach.resolver}: {fault}") from None


def _listed(name: str) -> list[str]:
    """Return the addresses of a name in the machine's file of hosts."""
    try:
        with HOSTS_FILE.open(encoding="utf-8", errors="replace") as file:
            lines = file.read(_LARGEST_FILE).splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        written, *names = line.partition("#")[0].split() or [""]
        if name in (one.lower() for one in names):
            try:
                found.append(str(ip_address(written.partition("%")[0])))
            except ValueError:
                continue
    return found


def _within(one: str, ranges: tuple[str, ...]) -> bool:
    where = ip_address(one)
    return any(where in ip_network(text, strict=False) for text in ranges)


def _bracketed(one: str) -> str:
    return f"[{one}]" if ":" in one else one
