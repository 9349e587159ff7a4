"""IP addresses, queries and URLs, as Go's ``net`` and ``net/url`` read them: answers of OpenBao 2.6.2 and Go 1.26."""

from __future__ import annotations

import re

import pytest

from mockkms.go_urls import parse_fault, parse_url
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
        ("http://a:1:2/", 'invalid port ":1:2" after host'),
        ("http://[::1", "missing ']' in host"),
        ("http://a[::1]/", "invalid IP-literal"),
        ("http://[1.2.3.4]/", "invalid IP-literal"),
        ("http://[::1]x", 'invalid port "x" after host'),
        ("http://[v1.x]/", 'invalid host: ParseAddr("v1.x"): unexpected character (at "v1.x")'),
        ("http://[1::2::3]/", 'invalid host: ParseAddr("1::2::3"): multiple :: in address (at ":3")'),
        ("http://[1:2]/", 'invalid host: ParseAddr("1:2"): address string too short'),
        ("http://[::1%25%C3]/", 'invalid URL escape "%C3"'),
    ],
)
def test_urls_that_go_refuses(url: str, fault: str) -> None:
    assert parse_fault(url) == f'parse "{url}": {fault}'.replace("\\", "\\\\")


@pytest.mark.parametrize(
    "url",
    [
        "http://%c3%a4/%41?%zz",
        "otpauth:%zz",
        "http://[fe80::1%25eth0]/",
        "/I:a",
        "http://a]b/",
        "ldap://a:1:2",
        "http://a:99999",
    ],
)
def test_urls_that_go_takes(url: str) -> None:
    assert not parse_fault(url)


def test_the_error_of_a_url_shows_it_without_its_fragment_and_escaped() -> None:
    assert parse_fault("http://a\x7f/#b") == 'parse "http://a\\x7f/": net/url: invalid control character in URL'
    assert parse_fault("http://a/#%zz") == 'parse "http://a/#%zz": invalid URL escape "%zz"'


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("HTTP://u:p@a]b:1/c?d#e", ("http", "u:p@a]b:1", "/c", "d", "e")),
        ("otpauth:a", ("otpauth", "", "a", "", "")),
        ("///a", ("", "", "///a", "", "")),
    ],
)
def test_the_parts_of_a_url(url: str, parts: tuple[str, ...]) -> None:
    assert tuple(parse_url(url)) == parts
