"""``keys`` and ``key/``: the private keys of the mount."""

from __future__ import annotations

from mockkms.crypto.encoding import pem
from mockkms.crypto.x509 import keys
from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.certificates import signing
from mockkms.vault.secrets.pki.issuers import key_sizes, references, store
from mockkms.vault.secrets.pki.model import PKI, engine
from mockkms.vault.secrets.pki.role_fields import KIND, MANAGED

_NAME = {"key_name": Field(Kind.STRING, help="Name of the key.")}

listing = engine.path("keys[/]", fields=PAGE, help="The keys.")
one = engine.path(
    "key/{key_ref}",
    fields={**_NAME, "key_ref": Field(Kind.STRING, default="default", help="Id or name of a key, or default.")},
    help="A key.",
    go_errors=True,
)
generate = engine.path(
    "keys/generate/{exported:one(internal|exported|kms)}",
    fields={
        **_NAME,
        "exported": Field(Kind.STRING, help="internal, exported or kms."),
        **KIND,
        **MANAGED,
    },
    help="Generate a key.",
    go_errors=True,
)
importing = engine.path(
    "keys/import", fields={**_NAME, "pem_bundle": Field(Kind.STRING, help="The key in PEM.")}, help="Import a key."
)


@listing.on(Operation.LIST)
def list_keys(state: PKI, call: Call) -> Reply:
    """Return the ids, with name and whether it is the default of each key."""
    ids = page(sorted(state.keys), call["after"], call["limit"])
    info = {key_id: {"key_name": state.keys[key_id].name, "is_default": key_id == state.default_key} for key_id in ids}
    return {"keys": ids, "key_info": info}


@one.on(Operation.READ)
def read(state: PKI, _call: Call, *, key_ref: str) -> Reply:
    """Return the public properties of a key. Raises BackendError."""
    key = references.key(state, key_ref)
    skid = keys.key_id(keys.public_of(key.private)).hex(":")
    return {"key_id": key.id, "key_name": key.name, "key_type": key.type, "subject_key_id": skid}


@one.on(Operation.UPDATE)
def rename(state: PKI, _call: Call, *, key_ref: str, key_name: str) -> Response:
    """Rename a key, or remove its name. Raises ErrorResponse and BackendError."""
    key, name = references.key(state, key_ref), key_name
    if name and not references.proper(name):
        raise ErrorResponse("new key name outside of valid character limits")
    key.name = name
    warnings = []
    if not name:
        warnings.append(f"Name successfully deleted, you will now need to reference this key by it's Id: {key.id}")
    return Response(data={"key_id": key.id, "key_name": key.name, "key_type": key.type}, warnings=warnings)


@one.on(Operation.DELETE)
def delete(state: PKI, _call: Call, *, key_ref: str) -> Response | None:
    """Delete a key that is not used by an issuer. Raises ErrorResponse."""
    try:
        key = references.key(state, key_ref)
    except BackendError:
        return None
    for issuer_id in sorted(state.issuers):
        if state.issuers[issuer_id].key_id == key.id:
            raise ErrorResponse(f"Failed to Delete Key.  Key in Use by Issuer: {issuer_id}")
    del state.keys[key.id]
    if state.default_key != key.id:
        return None
    state.default_key = ""
    return Response(
        warnings=[
            f"Deleted key {key.id} (via key_ref {key_ref}); this was configured as the default key. Operations "
            "without an explicit key will not work until a new default is configured."
        ]
    )


@generate.on(Operation.UPDATE)
def generate_key(state: PKI, call: Call, *, exported: str, key_type: str, key_bits: int) -> Reply:
    """Generate a key. Raises ErrorResponse and BackendError."""
    name, how = references.new_key_name(state, call), exported
    if how == "kms":
        if not call.core.product.has(Feature.MANAGED_KEYS):
            raise ErrorResponse("Unknown type of key to generate")
        raise BackendError(references.managed_key_fault(call) or references.NO_MANAGED_KEYS)
    kind = key_type
    with refusing("Validation for key_type, key_bits failed: "):
        bits = key_sizes.settle_key(kind, key_bits)
    if kind not in ("rsa", "ec", "ed25519"):
        raise BackendError(f"unknown key type: {kind}")
    key, _ = store.import_key(state, call, signing.new_key(state, call, kind, bits), name)
    data = {"key_id": key.id, "key_name": key.name, "key_type": key.type}
    if how == "exported":
        data["private_key"] = keys.private_pem(key.private) + "\n"
    return data


@importing.on(Operation.UPDATE)
def import_key(state: PKI, call: Call, *, pem_bundle: str) -> Response:
    """Import the key of a PEM text. Raises ErrorResponse."""
    name, rest = references.new_key_name(state, call), pem_bundle
    if len(rest) < 64:
        raise ErrorResponse(
            "provided data for import was too short; perhaps a path was passed to the API rather than the contents of "
            "a PEM file"
        )
    blocks: list[pem.Block] = []
    while rest.strip():
        block = pem.decode(rest)
        if block is None:
            raise store.unreadable(call, len(blocks) + 1)
        blocks.append(block)
        rest = block.rest
    if len(blocks) != 1:
        raise ErrorResponse("only a single key can be present within the pem_bundle for importing")
    with refusing():
        private = store.parse_key(pem.encode(blocks[0].label, blocks[0].der))
    key, known = store.import_key(state, call, private, name)
    note = ["Key already imported, use key/ endpoint to update name."] if known else []
    return Response(data={"key_id": key.id, "key_name": key.name, "key_type": key.type}, warnings=note)
