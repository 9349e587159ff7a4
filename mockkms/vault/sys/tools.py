"""``sys/tools``: random bytes and hashes."""

from __future__ import annotations

from mockkms.vault.framework import keyless
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import Operation, Response
from mockkms.vault.sys.engine import engine

hash_tool = engine.path("tools/hash[/{urlalgorithm:some}]", keyless.DIGEST, help="Hash data.")
random_tool = engine.path("tools/random[/{source}][/{urlbytes:some}]", keyless.RANDOM, help="Random bytes.")


@hash_tool.on(Operation.UPDATE)
def hash_data(_state: object, call: Call) -> dict[str, object]:
    """Return the hash of the input. Raises ErrorResponse."""
    return keyless.digest(call)


@random_tool.on(Operation.UPDATE)
def random_bytes(_state: object, call: Call) -> Response:
    """Return random bytes from the world's entropy. Raises ErrorResponse."""
    return keyless.random_bytes(call)
