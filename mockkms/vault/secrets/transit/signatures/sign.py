"""``sign/{name}[/{urlalgorithm}]``: signatures with RSA, ECDSA and Ed25519 keys."""

from __future__ import annotations

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, VaultError, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import KEY_VERSION, engine
from mockkms.vault.secrets.transit.keys.keyring import existing, used_apart
from mockkms.vault.secrets.transit.model import Transit, TransitKey
from mockkms.vault.secrets.transit.signatures import signing
from mockkms.vault.secrets.transit.signatures.items import (
    UNABLE,
    BatchShape,
    Item,
    answer_batch,
    decode_context,
    decode_input,
    decode_maps,
)

_BATCH_ITEM = "failed to parse batch item: "
_FAILING = refusing(error=BackendError, of=VaultError)
_SHAPE = BatchShape({"key_version": 0}, ("signature", "key_version", "publickey", "error", "reference"))

endpoint = engine.path(
    "sign/{name}[/{urlalgorithm:some}]",
    {
        **signing.FIELDS,
        "key_version": KEY_VERSION,
    },
    help="Sign data.",
    go_errors=True,
)


@endpoint.on(Operation.UPDATE)
def sign(state: Transit, call: Call) -> Reply:
    """Return a signature, or one for each item of a batch."""
    options = signing.options_of(call)
    key = existing(state, call["name"], call.core, "signing key not found")
    if not key.kind.signs:
        raise ErrorResponse(f"key type {key.type} does not support signing")
    signing.check_unhashed(options)
    batch = call.raw.get("batch_input")
    if batch is None:
        return _sign_one(key, call, options)
    asked, unable = call["key_version"], _undecodable(call)

    def work(item: Item) -> dict[str, object]:
        data = signing.digest(held, decode_input(item, unable=unable), options)
        context = decode_context(item)
        signing.check_pure(held, call, options, item.get("signature_context", ""), _BATCH_ITEM)
        with _FAILING:
            made = signing.sign(held, asked, context, data, options)
        result: dict[str, object] = {"signature": made.text, "key_version": made.version}
        if made.public:
            result["publickey"] = b64.encode(made.public)
        return result

    items = decode_maps(call, batch, "transit.batchRequestSignItem")
    with used_apart(key) as held:
        return answer_batch(items, work, _SHAPE)


def _sign_one(key: TransitKey, call: Call, options: signing.Options) -> dict[str, object]:
    given = call.given
    try:
        data = b64.decode(given.get("input") or "")
    except ValueError as error:
        raise ErrorResponse(f"{_undecodable(call)}: {error}") from None
    if options.prehashed or key.kind.hashes_input:
        data = signing.digest(key, data, options)
    context = decode_context(given) if given.get("context") else b""
    signing.check_pure(key, call, options, given.get("signature_context") or "", _BATCH_ITEM)
    with _FAILING:
        made = signing.sign(key, given.get("key_version") or 0, context, data, options)
    if made.public:
        return {"signature": made.text, "key_version": made.version, "public_key": b64.encode(made.public)}
    return {"signature": made.text, "key_version": made.version}


def _undecodable(call: Call) -> str:
    """Return the beginning of the error for an input that is not base64."""
    return "unable to decode input" if call.core.product.has(Feature.TRANSIT_REWORDED) else UNABLE
