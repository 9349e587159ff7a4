"""``keys/{name}/rotate``: a new version of a key."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit.engine import engine
from mockkms.vault.secrets.transit.keys import keyring
from mockkms.vault.secrets.transit.keys.reading import shown
from mockkms.vault.secrets.transit.model import KeyFault, Transit

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
def rotate_key(state: Transit, call: Call, *, name: str) -> Reply:
    """Older versions go on decrypting."""
    key = keyring.find(state, name, call.core)
    if key is None:
        raise ErrorResponse("key not found")
    try:
        keyring.rotate(key, call.now(), call.core)
    except KeyFault as error:
        raise BackendError(str(error)) from None
    return shown(key, call.core.product)
