"""Address blocks: how they are read, shown, refused and matched."""

from __future__ import annotations

import pytest

from mockkms.vault.tokens import cidr


def test_single_addresses_lose_their_mask_and_blocks_keep_their_host_bits() -> None:
    given = ["10.0.0.1/32", "127.0.0.1/8", "::1/128", "fe80::/10", "/run/app.sock"]
    assert cidr.parse_addresses(given) == ["10.0.0.1", "127.0.0.1/8", "::1", "fe80::/10", "/run/app.sock"]


@pytest.mark.parametrize("text", ["bad", "", "10.0.0.1/33", "10.0.0.1/255.0.0.0", "1.2.3"])
def test_what_is_no_address_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="Unable to convert"):
        cidr.parse_addresses([text])


@pytest.mark.parametrize("text", ["bad", "10.0.0.1", "10.0.0.0/40"])
def test_a_block_needs_a_mask(text: str) -> None:
    with pytest.raises(ValueError, match=f"invalid CIDR address: {text}"):
        cidr.check_blocks([text])


def test_an_address_is_found_in_its_block_only() -> None:
    assert cidr.contains(["10.0.0.0/8", "192.168.1.1"], "10.200.3.4")
    assert cidr.contains(["192.168.1.1"], "192.168.1.1")
    assert cidr.contains(["10.0.0.0/8"], "::ffff:10.1.1.1")
    assert not cidr.contains(["10.0.0.0/8"], "11.0.0.1")
    assert not cidr.contains(["10.0.0.0/8"], "not an address")


def test_every_inner_block_must_lie_in_an_outer_one() -> None:
    assert cidr.subset(["10.1.0.0/16", "::1/128"], ["10.0.0.0/8", "::/0"])
    assert not cidr.subset(["10.1.0.0/16", "11.0.0.0/8"], ["10.0.0.0/8"])
    assert not cidr.subset(["10.0.0.0/8"], ["::/0"])
