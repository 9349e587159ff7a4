"""Profiles without samples, in the form that Go's tools read; storage as such."""

from __future__ import annotations

import gzip

import pytest

from tests.vault.driving import World

pytestmark = pytest.mark.flavors("openbao", "vault")


def test_the_index_links_every_profile(world: World) -> None:
    page = world.ask("read", "sys/pprof/")
    assert page.content_type == "text/html; charset=utf-8"
    assert page.raw is not None
    for name in (
        "allocs",
        "block",
        "cmdline",
        "goroutine",
        "heap",
        "mutex",
        "profile",
        "symbol",
        "threadcreate",
        "trace",
    ):
        assert f"<a href='{name}?debug=1'>".encode() in page.raw
        assert world.ask("read", f"sys/pprof/{name}").status == 200


def test_a_profile_is_a_gzipped_message_without_samples(world: World) -> None:
    heap = world.ask("read", "sys/pprof/heap")
    assert heap.content_type == "application/octet-stream"
    assert heap.headers == {"X-Content-Type-Options": "nosniff", "Content-Disposition": 'attachment; filename="heap"'}
    assert heap.raw is not None
    # Sample type 1/2, then the strings "", "inuse_objects", "count", then the time.
    assert gzip.decompress(heap.raw).startswith(
        b"\x0a\x04\x08\x01\x10\x02\x32\x00\x32\x0dinuse_objects\x32\x05count\x48"
    )


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ({"seconds": "x"}, b'invalid value for "seconds" - must be a positive integer\n'),
        ({"seconds": "1", "debug": "1"}, b"seconds and debug params are incompatible\n"),
    ],
)
def test_parameters_that_are_refused(world: World, query: dict[str, str], text: bytes) -> None:
    refused = world.ask("read", "sys/pprof/heap", query=query)
    assert (refused.status, refused.raw) == (400, text)


@pytest.mark.parametrize("name", ["profile", "trace"])
def test_profiles_last_at_most_as_long_as_a_request(world: World, name: str) -> None:
    refused = world.ask("read", f"sys/pprof/{name}", {"seconds": "91"})
    assert (refused.status, refused.errors) == (400, ["seconds 91 exceeds max request duration of 90"])
    assert world.ask("read", f"sys/pprof/{name}", {"seconds": "90"}).status == 200


def test_profiles_need_a_token(world: World) -> None:
    assert world.ask("read", "sys/pprof/cmdline", token="").status == 403
    words = world.ask("read", "sys/pprof/cmdline").raw
    assert words == f"{world.core.product.texts.cli}\0server\0-dev".encode()


def test_raw_distinguishes_creates_and_updates(world: World) -> None:
    world.write("sys/policy/p", {"policy": 'path "sys/raw/*" { capabilities = ["update", "sudo"] }'})
    token = world.token(policies=["p"])
    assert world.write("sys/raw/a", {"value": "1"}, token=token).status == 403
    assert world.write("sys/raw/a", {"value": "1"}).status == 204
    assert world.write("sys/raw/a", {"value": "2"}, token=token).status == 204
    refused = world.write("sys/raw/new", {"value": "2", "compression_type": "zip"})
    assert refused.errors == ['invalid compression type "zip"']
    assert world.ask("read", "sys/raw/").status == 404
