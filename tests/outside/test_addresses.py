"""What Go's HTTP client says of an address that it cannot ask, as OpenBao 2.6.2 answers it."""

from __future__ import annotations

import pytest

from mockkms import outside


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("x", 'Get "x": unsupported protocol scheme ""'),
        ("ftp://127.0.0.1:1", 'Get "ftp://127.0.0.1:1": unsupported protocol scheme "ftp"'),
        ("http:", 'Get "http:": http: no Host in request URL'),
        ("http:///x", 'Get "http:///x": http: no Host in request URL'),
        ("http://127.0.0.1:99999/x", 'Get "http://127.0.0.1:99999/x": dial tcp: address 99999: invalid port'),
        ("http://a:99999", 'Get "http://a:99999": dial tcp: address 99999: invalid port'),
        ("http://127.0.0.1:x", 'parse "http://127.0.0.1:x": invalid port ":x" after host'),
        ("http://[::1", """parse "http://[::1": missing ']' in host"""),
        ("http://[::1]:5", 'Get "http://[::1]:5": dial tcp [::1]:5: connect: connection refused'),
        ("http://[::1]", 'Get "http://[::1]": dial tcp [::1]:80: connect: connection refused'),
        ("https://u:p@127.0.0.1", 'Get "https://u:***@127.0.0.1": dial tcp 127.0.0.1:443: connect: connection refused'),
        ("http://127.0.0.1:1/a b", 'Get "http://127.0.0.1:1/a%20b": dial tcp 127.0.0.1:1: connect: connection refused'),
        ('["x"]', 'Get "%5B%22x%22%5D": unsupported protocol scheme ""'),
        ("http://a.example:8", 'Get "http://a.example:8": dial tcp: lookup a.example: no such host'),
    ],
)
def test_addresses(url: str, text: str) -> None:
    assert outside.no_answer("GET", url, ConnectionRefusedError()) == text


@pytest.mark.parametrize(
    ("url", "port"),
    [("http://a", ""), ("http://a:80", "80"), ("http://[::1]", ""), ("http://[::1]:5", "5"), ("http://u:p@a", ""),
     ("http://a:99999", "99999"), ("x", "")],
)  # fmt: skip
def test_ports(url: str, port: str) -> None:
    assert outside.port_of(url) == port
