"""``sign/{name}[/{urlalgorithm}]``: signatures with RSA, ECDSA and Ed25519 keys."""

from __future__ import annotations

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, VaultError, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import KEY_VERSION, engine
from mockkms.vault.secrets.transit.keys.keyring import existing
from mockkms.vault.secrets.transit.model import Transit
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
def sign(state: Transit, call: Call, *, name: str, key_version: int, signature_context: str) -> Reply:
    """Return a signature, or one for each item of a batch."""
    options = signing.options_of(call)
    key = existing(state, name, call.core, "signing key not found")
    if not key.kind.signs:
        raise ErrorResponse(f"key type {key.type} does not support signing")
    signing.check_unhashed(options)
    asked = key_version
    unable = "unable to decode input" if call.core.product.has(Feature.TRANSIT_REWORDED) else UNABLE

    def work(item: Item) -> dict[str, object]:
        data = signing.digest(key, decode_input(item, unable=unable), options)
        context = decode_context(item)
        signing.check_pure(key, call, options, item.get("signature_context", ""), "failed to parse batch item: ")
        with _FAILING:
            made = signing.sign(key, asked, context, data, options)
        result: dict[str, object] = {"signature": made.text, "key_version": made.version}
        if made.public:
            result["publickey"] = b64.encode(made.public)
        return result

    batch = call.raw.get("batch_input")
    if batch is not None:
        return answer_batch(decode_maps(call, batch, "transit.batchRequestSignItem"), work, _SHAPE)
    single = {"input": call["input"], "context": call["context"]}
    if call.core.product.has(Feature.TRANSIT_ENTERPRISE):
        single["signature_context"] = signature_context
    result = work(single)
    if "publickey" in result:
        result["public_key"] = result.pop("publickey")
    return result
