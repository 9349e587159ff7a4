"""``keys/{name}/trim``: throw old versions of a key away."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.secrets.transit.engine import engine
from mockkms.vault.secrets.transit.keys.keyring import find
from mockkms.vault.secrets.transit.keys.reading import shown
from mockkms.vault.secrets.transit.model import Key, Transit

trim = engine.path(
    "keys/{name}/trim",
    {
        "name": Field(Kind.STRING, help="Name of the key."),
        "min_available_version": Field(
            Kind.INT, help="Oldest version to keep: at most the smaller one of the two minimum versions in use."
        ),
    },
    help="Delete the versions of a key that its bounds no longer admit.",
)


@trim.on(Operation.UPDATE)
def trim_key(state: Transit, call: Call, *, name: str, min_available_version: int) -> Reply:
    """What is trimmed is gone for good."""
    key = find(state, name, call.core)
    if key is None:
        raise ErrorResponse("invalid key name")
    if "min_available_version" not in call:
        raise ErrorResponse("missing min_available_version")
    wanted = min_available_version
    refusal = _refusal(key, wanted)
    if refusal:
        raise ErrorResponse(refusal)
    key.min_available_version = wanted
    key.versions = {number: version for number, version in key.versions.items() if number >= wanted}
    return shown(key, call.core.product)


def _refusal(key: Key, wanted: int) -> str:
    """Why versions below ``wanted`` may not be trimmed; empty if they may."""
    if wanted < key.min_available_version:
        return "minimum available version cannot be decremented"
    if key.min_encryption_version == 0:
        return "minimum available version cannot be set when minimum encryption version is not set"
    if wanted > key.min_encryption_version:
        return "minimum available version cannot be greater than minmum encryption version"
    if wanted > key.min_decryption_version:
        return "minimum available version cannot be greater than minimum decryption version"
    return "minimum available version should be positive" if wanted == 0 else ""
