"""CIDR blocks that bind tokens, roles and secret ids to client addresses."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from mockkms.vault.golang.fmt import quote

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def parse_addresses(values: Iterable[str]) -> list[str]:
    """Return addresses, blocks and socket paths in the server's notation. Raises ValueError with its text."""
    return [_address(value) for value in values]


def _address(text: str) -> str:
    block = _interface(text)
    if block is not None:
        full = "/32" if isinstance(block, ipaddress.IPv4Interface) else "/128"
        return str(block).removesuffix(full)
    if len(text) > 1 and text[0] in "./":
        return text
    raise ValueError(
        f"error parsing address {quote(text)}: Unable to convert {quote(text)} to an IPv4 or IPv6 "
        "address, or a UNIX Socket"
    )


def _interface(text: str) -> ipaddress.IPv4Interface | ipaddress.IPv6Interface | None:
    _, slash, bits = text.partition("/")
    if slash and not (bits.isascii() and bits.isdigit()):
        return None
    try:
        return ipaddress.ip_interface(text)
    except ValueError:
        return None


def check_blocks(values: Iterable[str]) -> None:
    """Check that every value is a CIDR block. Raises ValueError with the server's text."""
    for value in values:
        if "/" not in value or _interface(value) is None:
            raise ValueError(f"invalid CIDR address: {value}")


def _network(text: str) -> _Network | None:
    block = _interface(text)
    return None if block is None else block.network


def contains(blocks: Iterable[str], address: str) -> bool:
    """Return whether ``address`` lies in one of the blocks; an address without a mask is a block of one."""
    try:
        host = ipaddress.ip_address(address)
    except ValueError:
        return False
    host = getattr(host, "ipv4_mapped", None) or host
    return any(host in network for network in map(_network, blocks) if network is not None)


def subset(inner: Iterable[str], outer: Iterable[str]) -> bool:
    """Return whether every block of ``inner`` lies within one of ``outer``."""
    within = [network for network in map(_network, outer) if network is not None]
    for text in inner:
        network = _network(text)
        if network is None:
            return False
        if not any(_inside(network, block) for block in within):
            return False
    return True


def _inside(network: _Network, block: _Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(block, ipaddress.IPv4Network):
        return network.subnet_of(block)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(block, ipaddress.IPv6Network):
        return network.subnet_of(block)
    return False
