"""``wrapping_key``: the public key that keys are wrapped with for ``import``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.crypto.encoding import pem
from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.message import Operation
from mockkms.vault.secrets.transit.engine import engine
from mockkms.vault.secrets.transit.keys import keyring
from mockkms.vault.secrets.transit.model import Transit, TransitKey

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

endpoint = engine.path("wrapping_key", help="The key to wrap imports with.")


@endpoint.on(Operation.READ)
def read(state: Transit, call: Call) -> Reply:
    """The public half, in PEM."""
    return {"public_key": pem.encode("PUBLIC KEY", wrapping_key(state, call.core).latest.public)}


def wrapping_key(state: Transit, core: Context) -> TransitKey:
    """The mount's RSA-4096 key for imports, made when first asked for."""
    if state.wrapping_key is None:
        key = TransitKey("import/wrapping-key", "rsa-4096")
        keyring.rotate(key, core.clock.now(), core)
        state.wrapping_key = key
    return state.wrapping_key
