"""Blocks on one server: it runs until the last of them ends."""

from __future__ import annotations

import asyncio
import unittest

import requests

from mockkms import MockKMS, RemoteKMS
from mockkms.testing import MockKMSMixin


def answers(kms: MockKMS) -> bool:
    try:
        return requests.get(f"{kms.url}/v1/sys/health", timeout=60).ok
    except RuntimeError:
        return False


def test_the_last_of_several_blocks_stops_the_server() -> None:
    kms = MockKMS()
    with kms:
        url = kms.url
        with kms, kms.environment():
            assert answers(kms)
        assert (answers(kms), kms.url) == (True, url)
    assert not answers(kms)
    first, second = kms.environment(), kms.environment()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert answers(kms)
    second.__exit__(None, None, None)
    assert not answers(kms)
    with kms.start(), kms:
        assert answers(kms)
    assert not answers(kms)


def test_an_environment_leaves_a_server_running_that_was_started_before() -> None:
    kms = MockKMS().start()
    try:
        with kms.environment(), kms.environment():
            assert answers(kms)
        assert answers(kms)
    finally:
        kms.stop()


def test_stop_ends_all_blocks_at_once() -> None:
    kms = MockKMS()
    with kms, kms:
        kms.stop()
        assert not answers(kms)
        kms.start()
    assert not answers(kms)


def test_asynchronous_blocks_are_counted_too() -> None:
    kms = MockKMS()

    async def blocks() -> list[bool]:
        async with kms:
            async with kms:
                pass
            with kms:
                pass
            return [await asyncio.to_thread(answers, kms)]

    assert asyncio.run(blocks()) == [True]
    assert not answers(kms)


def test_a_block_on_a_remote_server_in_another_one() -> None:
    with MockKMS() as kms, RemoteKMS(kms.url) as remote:
        with remote:
            assert remote.state == "unsealed"
        assert remote.state == "unsealed"


class WithBlocks(MockKMSMixin, unittest.TestCase):
    def test_first(self) -> None:
        with self.kms:
            assert answers(self.kms)

    def test_second(self) -> None:
        assert answers(self.kms)
