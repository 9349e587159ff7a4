"""``keys/{name}/rotate``: a new version of a key."""

from __future__ import annotations

from mockkms.vault.endpoint import Call, Field, Reply
from mockkms.vault.engines.transit import keyring
from mockkms.vault.engines.transit.engine import engine
from mockkms.vault.engines.transit.model import KeyFault, Transit
from mockkms.vault.engines.transit.shown import shown
from mockkms.vault.fields import Kind
from mockkms.vault.message import BackendError, ErrorResponse, Operation
from mockkms.vault.products.features import Feature

rotate = engine.path(
    "keys/{name}/rotate",
    {
        "name": Field(Kind.STRING, help="Name of the key."),
        "managed_key_name": Field(Kind.STRING, help="Name of an outside key.", needs=Feature.TRANSIT_ENTERPRISE),
        "managed_key_id": Field(Kind.STRING, help="Id of an outside key.", needs=Feature.TRANSIT_ENTERPRISE),
    },
    help="Add a version to a key.",
)


@rotate.on(Operation.UPDATE)
def rotate_key(state: Transit, call: Call) -> Reply:
    """Older versions go on decrypting."""
    key = keyring.find(state, call["name"], call.core)
    if key is None:
        raise ErrorResponse("key not found")
    try:
        keyring.rotate(key, call.now(), call.core)
    except KeyFault as error:
        raise BackendError(str(error)) from None
    return shown(key, call.core.product)
