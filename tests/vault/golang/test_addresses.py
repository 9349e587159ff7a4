"""IP addresses and queries, as Go's ``net`` and ``net/url`` read them: what a real OpenBao 2.6.2 answered."""

from __future__ import annotations

import re

import pytest

from mockkms.outside import parse_fault
from mockkms.vault.golang.addresses import first_values, parse_ip


@pytest.mark.parametrize(
    ("text", "address"), [("::ffff:1.2.3.4", "1.2.3.4"), ("FE80::1", "fe80::1"), ("::FFFF", "::ffff")]
)
def test_an_address_in_its_usual_form(text: str, address: str) -> None:
    assert str(parse_ip(text)) == address


@pytest.mark.parametrize("text", ["fe80::1%eth0", "01.2.3.4", "1.2.3.4/32", " 1.2.3.4", "1.2.3"])
def test_no_address(text: str) -> None:
    with pytest.raises(ValueError, match=re.escape(text)):
        parse_ip(text)


def test_pairs_with_semicolons_and_bad_escapes_are_dropped() -> None:
    assert first_values("a=1;b&c=%zz&d=%41&d=2&e") == {"d": "A", "e": ""}


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("http://u\\x@a/", "net/url: invalid userinfo"),
        ("http://u:p%zz@a/", 'invalid URL escape "%zz"'),
        ("http://%41/", 'invalid URL escape "%41"'),
        ("http://a/%zz", 'invalid URL escape "%zz"'),
        ("http://a/#%4", 'invalid URL escape "%4"'),
        ("1a:b", "first path segment in URL cannot contain colon"),
    ],
)
def test_urls_that_go_refuses(url: str, fault: str) -> None:
    assert parse_fault(url) == f'parse "{url}": {fault}'.replace("\\", "\\\\")


@pytest.mark.parametrize("url", ["http://%c3%a4/%41?%zz", "otpauth:%zz", "http://[fe80::1%25eth0]/", "/I:a"])
def test_urls_that_go_takes(url: str) -> None:
    assert not parse_fault(url)
