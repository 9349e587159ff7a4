"""``random[/{source}][/{urlbytes}]`` and ``hash[/{urlalgorithm}]``: random bytes and digests, without a key."""

from __future__ import annotations

from mockkms.vault.framework import keyless
from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.secrets.transit import engine
from mockkms.vault.secrets.transit.model import Transit

random = engine.path("random[/{source}][/{urlbytes:some}]", keyless.RANDOM, help="Generate random bytes.")
digest = engine.path("hash[/{urlalgorithm:some}]", keyless.DIGEST, help="Compute a digest.")


@random.on(Operation.UPDATE)
def make_random(_state: Transit, call: Call) -> Reply:
    """Return random bytes. Raises ErrorResponse."""
    return keyless.random_bytes(call)


@digest.on(Operation.UPDATE)
def make_digest(_state: Transit, call: Call) -> Reply:
    """Return the digest of the input. Raises ErrorResponse."""
    if "input" not in call:
        raise ErrorResponse("input missing")
    return keyless.digest(call)
