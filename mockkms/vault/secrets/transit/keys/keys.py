"""``keys``, ``keys/{name}``: list, create, read and delete."""

from __future__ import annotations

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import (
    MANAGED_KEY,
    NAME,
    engine,
)
from mockkms.vault.secrets.transit.keys.keyring import create, find, made_by
from mockkms.vault.secrets.transit.keys.reading import shown
from mockkms.vault.secrets.transit.model import HMAC_MAX_SIZE, HMAC_MIN_SIZE, Transit, TransitKey

CMAC = ("aes128-cmac", "aes192-cmac", "aes256-cmac")
_POST_QUANTUM = ("ml-dsa", "slh-dsa", "hybrid")
_ML_DSA = ("44", "65", "87")
_HYBRID_EC = ("ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "ed25519")
_MANAGED = "managed_key"
CMAC_REFUSED = "CMAC operations are only available in enterprise versions of Vault"

listing = engine.path(
    "keys[/]",
    PAGE,
    help="The names of all keys.",
)
_SETTINGS = ("derived", "exportable", "allow_plaintext_backup", "auto_rotate_period", "key_size")
keys = engine.path(
    "keys/{name}",
    lambda: {
        "name": NAME,
        "type": Field(Kind.STRING, default="aes256-gcm96", help="Type of the key."),
        **TransitKey.fields(*_SETTINGS),
        "convergent_encryption": Field(Kind.BOOL, help="Equal plaintexts in one context give equal ciphertexts."),
        "context": Field(Kind.STRING, help="Context, in base64, for which to show the public key of a derived key."),
        "parameter_set": Field(
            Kind.STRING, help="Parameter set of a post-quantum key.", needs=Feature.TRANSIT_ENTERPRISE
        ),
        "hybrid_key_type_pqc": Field(Kind.STRING, help="Post-quantum half of a key.", needs=Feature.TRANSIT_ENTERPRISE),
        "hybrid_key_type_ec": Field(Kind.STRING, help="Classic half of a key.", needs=Feature.TRANSIT_ENTERPRISE),
        **MANAGED_KEY,
    },
    help="Create, read and delete a key.",
    go_errors=True,
)


@listing.on(Operation.LIST)
def list_keys(state: Transit, call: Call, *, after: str, limit: int) -> Reply:
    """Return the names, sorted."""
    names = sorted(name for name, key in state.keys.items() if not key.unsaved)
    if call.core.product.has(Feature.PAGINATION):
        if state.wrapping_key is not None:
            names = sorted([*names, "import/"])
        names = page(names, after, limit)
    return {"keys": names}


@keys.on(Operation.UPDATE)
def create_key(
    state: Transit,
    call: Call,
    *,
    auto_rotate_period: int,
    convergent_encryption: bool,
    derived: bool,
    key_size: int,
    name: str,
) -> Reply:
    """Create a key. An existing key is returned unchanged."""
    check_rotation_period(auto_rotate_period)
    if convergent_encryption and not derived:
        raise ErrorResponse("convergent encryption requires derivation to be enabled")
    key_type: str = call["type"]
    check_type(key_type, call, call.core.product)
    if key_size and key_type != "hmac":
        raise ErrorResponse(f"key_size is not valid for algorithm {key_type}")
    if key_size and not HMAC_MIN_SIZE <= key_size <= HMAC_MAX_SIZE:
        raise ErrorResponse(f"invalid key_size {key_size}")
    check_edition(key_type)
    key = find(state, name, call.core)
    if key is None:
        key = TransitKey(name, key_type)
        key.update_from(call, *_SETTINGS)
        create(state, key, call.core, convergent=convergent_encryption)
    return shown(key, call.core.product)


def check_rotation_period(seconds: int) -> None:
    """Raise ErrorResponse for a period between 0 and an hour; 0 disables rotation."""
    if seconds and seconds < 3600:
        raise ErrorResponse("auto rotate period must be 0 to disable or at least an hour")


def check_type(key_type: str, call: Call, product: Product) -> None:
    """Raise ErrorResponse for a type that this product does not know, or whose parameters do not fit."""
    if not product.has(Feature.TRANSIT_ENTERPRISE) or key_type not in (*CMAC, *_POST_QUANTUM, _MANAGED):
        if not made_by(key_type, product):
            raise ErrorResponse(f"unknown key type {key_type}")
        return
    if key_type == "ml-dsa":
        _check_ml_dsa(call["parameter_set"])
    elif key_type == "hybrid":
        with refusing("invalid config for hybrid key: ", of=ErrorResponse):
            if call["hybrid_key_type_pqc"] != "ml-dsa":
                raise ErrorResponse(f"invalid PQC key type: {call['hybrid_key_type_pqc']}")
            _check_ml_dsa(call["parameter_set"])
            if call["hybrid_key_type_ec"] not in _HYBRID_EC:
                raise ErrorResponse(f"invalid key type for hybrid key: {call['hybrid_key_type_ec']}")


def _check_ml_dsa(parameters: str) -> None:
    if parameters not in _ML_DSA:
        raise ErrorResponse(f"invalid parameter set {parameters} for key type ml-dsa")


def check_edition(key_type: str) -> None:
    """Raise ErrorResponse, BackendError for a known type that only the enterprise edition makes."""
    if key_type == _MANAGED:
        raise BackendError("managed keys are supported within enterprise edition only")
    if key_type in CMAC:
        raise ErrorResponse(CMAC_REFUSED)
    if key_type in _POST_QUANTUM:
        raise ErrorResponse("PQC key types are only available in enterprise versions of Vault")


@keys.on(Operation.READ)
def read_key(state: Transit, call: Call, *, name: str, context: str) -> Reply:
    """Return the key with its versions, or None."""
    key = find(state, name, call.core)
    if key is None:
        return None
    if not context:
        return shown(key, call.core.product)
    with refusing(text="failed to base64-decode context"):
        derivation = b64.decode(context)
    return shown(key, call.core.product, derivation)


@keys.on(Operation.DELETE)
def delete_key(state: Transit, call: Call, *, name: str) -> Reply:
    """Delete a key that allows it."""
    key = state.keys.get(name)
    if key is None:
        raise ErrorResponse(f"error deleting policy {name}: could not delete key; not found")
    if not key.deletion_allowed:
        raise ErrorResponse(f"error deleting policy {name}: deletion is not allowed for this key")
    del state.keys[name]
    return None
