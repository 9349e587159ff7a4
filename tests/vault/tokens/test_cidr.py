"""Address blocks: how they are read, shown, refused and matched."""

from __future__ import annotations

import re

import pytest

from mockkms.vault.tokens import cidr


def test_single_addresses_lose_their_mask_and_blocks_keep_their_host_bits() -> None:
    given = ["10.0.0.1/32", "127.0.0.1/8", "::1/128", "fe80::/10", "10.0.0.2"]
    assert cidr.parse_addresses(given) == ["10.0.0.1", "127.0.0.1/8", "::1", "fe80::/10", "10.0.0.2"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("10.0.0.1:8200", "10.0.0.1:8200"),
        ("10.0.0.1:65535", "10.0.0.1:65535"),
        ("10.0.0.1:0", "10.0.0.1"),
        ("[::1]:8200", "[::1]:8200"),
        ("[0:0::1]:0", "::1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
    ],
)
def test_ports_and_addresses_of_the_older_version_in_the_newer(text: str, shown: str) -> None:
    """As OpenBao's library ``go-sockaddr`` reads and writes them."""
    assert cidr.parse_addresses([text]) == [shown]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("/run/app.sock", '"/run/app.sock"'),
        ("./a", '"./a"'),
        (".a", '".a"'),
        ("/a", '"/a"'),
        ("X/", '"X/"'),
        ('a/"', '"a/\\""'),
        ("10.0.0.1/33", '"10.0.0.1/33"'),
        ("10.0.0.1/255.0.0.0", '"10.0.0.1/255.0.0.0"'),
        ("10.0.0.1/", '"10.0.0.1/"'),
    ],
)
def test_paths_of_sockets_are_quoted_and_quoted_again(text: str, shown: str) -> None:
    """The server takes what has a slash or begins with a dot, and is not an address, for the path of a socket."""
    assert cidr.parse_addresses([text]) == [shown]
    (again,) = cidr.reread([shown])
    assert again == '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert cidr.reread(["10.0.0.1", "::1"]) == ["10.0.0.1", "::1"]


@pytest.mark.parametrize("text", ["bad", "", "1.2.3", "/", ".", "Xa", "10.0.0.1:65536", "10.0.0:1", "[10.0.0]:1"])
def test_invalid_addresses_are_refused_by_name(text: str) -> None:
    reason = f'error parsing address "{text}": Unable to convert "{text}" to an IPv4 or IPv6 address, or a UNIX Socket'
    with pytest.raises(ValueError, match=f"^{re.escape(reason)}$"):
        cidr.parse_addresses(["10.0.0.1", text])


@pytest.mark.parametrize("text", ["bad", "10.0.0.1", "10.0.0.0/40"])
def test_a_block_needs_a_mask(text: str) -> None:
    with pytest.raises(ValueError, match=rf"^invalid CIDR address: {text}$"):
        cidr.check_blocks(["10.0.0.0/8", "::/0", text])


def test_an_address_is_found_in_its_block_only() -> None:
    assert cidr.contains(["10.0.0.0/8", "192.168.1.1"], "10.200.3.4")
    assert cidr.contains(["192.168.1.1"], "192.168.1.1")
    assert cidr.contains(["10.0.0.0/8"], "::ffff:10.1.1.1")
    assert not cidr.contains(["10.0.0.0/8"], "11.0.0.1")
    assert not cidr.contains(["10.0.0.0/8"], "not an address")
    assert cidr.contains(["10.0.0.1:8200", "[::1]:8200"], "10.0.0.1")
    assert cidr.contains(["10.0.0.1:8200", "[::1]:8200"], "::1")
    assert not cidr.contains(["10.0.0.1:8200"], "10.0.0.2")


def test_zones_of_addresses_and_paths_of_sockets_do_not_disturb() -> None:
    assert cidr.contains(["fe80::/10"], "fe80::1%eth0")
    assert cidr.contains(["10.0.0.0/8"], "::ffff:10.1.1.1%eth0")
    assert cidr.contains(["/run/app.sock", "10.0.0.0/8"], "10.0.0.1")
    assert not cidr.contains(["/run/app.sock"], "10.0.0.1")


def test_paths_of_sockets_are_no_blocks_that_contain_others() -> None:
    with pytest.raises(ValueError, match=r"^failed to parse the CIDR to be checked against: invalid CIDR address: "):
        cidr.subset(["10.1.0.0/16"], ["/run/app.sock", "10.0.0.0/8"])
    with pytest.raises(ValueError, match=r"^failed to parse the CIDR that needs to be checked: invalid CIDR address: "):
        cidr.subset(["10.1.0.0/16", "/run/app.sock"], ["10.0.0.0/8"])


def test_every_inner_block_must_lie_in_an_outer_one() -> None:
    assert cidr.subset(["10.1.0.0/16", "::1/128"], ["10.0.0.0/8", "::/0"])
    assert not cidr.subset(["10.1.0.0/16", "11.0.0.0/8"], ["10.0.0.0/8"])
    assert not cidr.subset(["10.0.0.0/8"], ["::/0"])
