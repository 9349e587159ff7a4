"""CIDR blocks that bind tokens, roles and secret ids to client addresses."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence

from mockkms.vault.golang.fmt import quote

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


_HOST_AND_PORT = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<v4>[0-9.]+)):(?P<port>\d{1,5})")
_MAPPED_BITS = 96
"""The length of the prefix of an IPv4 address that is written as an IPv6 address."""


def parse_addresses(values: Iterable[str]) -> list[str]:
    """Return addresses, blocks and socket paths in the server's notation. Raises ValueError with its text.

    Like Go's ``go-sockaddr``, take any text with a slash that is not an address for the path of a Unix socket, such as
    ``10.0.0.0/33``; these are stored in double quotes.
    """
    return [_address(value) for value in values]


def reread(values: Iterable[str]) -> list[str]:
    """Return stored addresses as the server reads and writes them once more: the quotes of paths are quoted again."""
    return [quote(value) if value.startswith('"') else value for value in values]


def _address(text: str) -> str:
    block = _interface(text)
    if block is not None:
        full = "/32" if isinstance(block, ipaddress.IPv4Interface) else "/128"
        return str(block).removesuffix(full)
    match = _HOST_AND_PORT.fullmatch(text)
    if match is not None and int(match["port"]) < 1 << 16:
        host = _interface(match["v4"] or match["v6"])
        if host is not None:
            port = int(match["port"])
            return str(host.ip) if not port else f"[{host.ip}]:{port}" if match["v6"] else f"{host.ip}:{port}"
    if len(text) > 1 and (text[0] == "." or "/" in text):
        return quote(text)
    raise ValueError(
        f"error parsing address {quote(text)}: Unable to convert {quote(text)} to an IPv4 or IPv6 "
        "address, or a UNIX Socket"
    )


def _interface(text: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface | None:
    _, slash, bits = text.partition("/")
    if slash and not (bits.isascii() and bits.isdigit()):
        return None
    try:
        found = ipaddress.ip_interface(text)
    except ValueError:
        return None
    mapped = found.ip.ipv4_mapped if isinstance(found, ipaddress.IPv6Interface) else None
    if mapped is None:
        return found
    return ipaddress.IPv4Interface((mapped, max(found.network.prefixlen - _MAPPED_BITS, 0)))


def check_blocks(values: Iterable[str]) -> None:
    """Check that every value is a CIDR block. Raises ValueError with the server's text."""
    for value in values:
        if "/" not in value or _interface(value) is None:
            raise ValueError(f"invalid CIDR address: {value}")


def _network(text: str) -> _Network | None:
    match = _HOST_AND_PORT.fullmatch(text)
    block = _interface(text if match is None else match["v4"] or match["v6"])
    return None if block is None else block.network


def contains(blocks: Iterable[str], address: str) -> bool:
    """Return whether ``address`` lies in one of the blocks; an address without a mask is a block of one."""
    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return False
    host = getattr(host, "ipv4_mapped", None) or host
    return any(host in network for network in map(_network, blocks) if network is not None)


def subset(inner: Iterable[str], outer: Sequence[str]) -> bool:
    """Return whether each block of ``inner`` lies within one of ``outer``. Raises ValueError with the server's text."""
    return all(any(_within(one, other) for other in outer) for one in inner)


def _within(inner: str, outer: str) -> bool:
    block = _canonical(outer, "to be checked against")
    network = _canonical(inner, "that needs to be checked")
    return _inside(network, block)


def _canonical(text: str, role: str) -> _Network:
    """Return a block. Raises ValueError for a text that is none, and for addresses other than 0 without a prefix."""
    block = _interface(text) if "/" in text else None
    if block is None:
        raise ValueError(f"failed to parse the CIDR {role}: invalid CIDR address: {text}")
    if not block.network.prefixlen and int(block.ip):
        raise ValueError(f"CIDR {role} is not in its canonical form")
    return block.network


def _inside(network: _Network, block: _Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(block, ipaddress.IPv4Network):
        return network.subnet_of(block)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(block, ipaddress.IPv6Network):
        return network.subnet_of(block)
    return False
