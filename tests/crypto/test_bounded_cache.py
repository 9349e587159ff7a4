"""Caches that keep no long input."""

from __future__ import annotations

import gc
import tracemalloc
from urllib.parse import urlsplit as usual

import pytest

from mockkms.crypto.bounded_cache import remembered
from mockkms.urls import urlsplit


def test_long_input_is_parsed_each_time() -> None:
    calls: list[bytes] = []

    @remembered(2, 4)
    def length(data: bytes) -> int:
        calls.append(data)
        return len(data)

    for data in (b"abcd", b"abcd", b"abcde", b"abcde", b"a", b"b", b"abcd"):
        assert length(data) == len(data)
    assert calls == [b"abcd", b"abcde", b"abcde", b"a", b"b", b"abcd"]


@pytest.mark.parametrize("url", ["", "http://a:1/b?c#d", "//[", "x" * 5000, "http://h/" + "y" * 5000])
def test_urls_are_taken_apart_as_by_the_standard_library(url: str) -> None:
    try:
        expected = usual(url)
    except ValueError:
        with pytest.raises(ValueError, match="IPv6"):
            urlsplit(url)
    else:
        assert urlsplit(url) == expected


def test_long_urls_do_not_stay_in_memory() -> None:
    tracemalloc.start()
    try:
        for number in range(40):
            urlsplit(f"http://{number}/" + "x" * 1_000_000)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] < 1_000_000
    finally:
        tracemalloc.stop()
