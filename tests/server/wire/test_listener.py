"""Ports that close and open again."""

from __future__ import annotations

import asyncio
import socket

import pytest

from mockkms import MockKMS
from tests.ports import wait_for_port


def ended(client: socket.socket) -> bool:
    """Whether the server ends the connection without a byte. Raises TimeoutError where it leaves it open."""
    client.settimeout(60)
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("turns", range(7))
@pytest.mark.parametrize("tls", [None, True])
def test_a_connection_accepted_as_the_port_closes_is_not_left_waiting(turns: int, tls: bool | None) -> None:
    with MockKMS(tls=tls) as kms, socket.socket() as client:
        server = kms._server

        async def meanwhile() -> None:
            # The loop accepts, makes a task and then a connection, one turn each: the port closes after any of them.
            client.connect(("127.0.0.1", server.ports[0]))
            for _ in range(turns):
                await asyncio.sleep(0)
            server.refuse(0.01)

        asyncio.run_coroutine_threadsafe(meanwhile(), server.loop).result(60)
        assert ended(client)
        wait_for_port(kms.url)


def test_a_handshake_under_way_is_cut_with_its_port() -> None:
    with MockKMS(tls=True) as kms, socket.create_connection(("127.0.0.1", kms._server.ports[0])) as client:
        client.sendall(b"\x16\x03\x01")
        wait_for_port(kms.url)
        kms._server.loop.call_soon_threadsafe(kms._server.refuse, 0.01)
        assert ended(client)
