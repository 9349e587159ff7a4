"""``datakey/{plaintext}/{name}``: a random key, encrypted, with or without its plaintext."""

from __future__ import annotations

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import CONTEXT, KEY_VERSION, NONCE, PADDING, engine
from mockkms.vault.secrets.transit.encryption import cipher
from mockkms.vault.secrets.transit.encryption.encrypt import NONCE_REFUSED
from mockkms.vault.secrets.transit.keys.keyring import existing
from mockkms.vault.secrets.transit.model import Transit

endpoint = engine.path(
    "datakey/{plaintext}/{name}",
    {
        "name": Field(Kind.STRING, help="Name of the key to encrypt with."),
        "plaintext": Field(
            Kind.STRING, help="plaintext: return the data key also in plaintext; wrapped: only encrypted."
        ),
        "context": CONTEXT,
        "bits": Field(Kind.INT, default=256, help="Size of the data key: 128, 256 or 512 bits."),
        "key_version": KEY_VERSION,
        "associated_data": Field(
            Kind.STRING, help="Data to authenticate but not encrypt, in base64.", needs=Feature.TRANSIT_ADDITIONS
        ),
        "nonce": NONCE,
        "padding_scheme": PADDING,
    },
    help="Generate a data key.",
    go_errors=True,
)


@endpoint.on(Operation.UPDATE)
def datakey(
    state: Transit,
    call: Call,
    *,
    plaintext: str,
    name: str,
    context: str,
    nonce: str,
    bits: int,
    associated_data: str,
    padding_scheme: str,
    key_version: int,
) -> Reply:
    """Return a random key, encrypted; it is not kept."""
    product = call.core.product
    later = product.has(Feature.TRANSIT_NONCE)
    if not later:
        _check_path(plaintext)
    with refusing(text="failed to base64-decode context"):
        derivation = b64.decode(context)
    with refusing(text="failed to base64-decode nonce"):
        b64.decode(nonce)
    if later:
        _check_bits(bits)
        _check_path(plaintext)
    key = existing(state, name, call.core, "encryption key not found")
    _check_bits(bits)
    cipher.check_associated(key, associated_data, "'associated_data'")
    if "padding_scheme" in call and later:
        cipher.check_padding(key, padding_scheme, "padding_scheme argument", required=True)
    if nonce:
        raise BackendError(NONCE_REFUSED)
    random = call.core.entropy.bytes
    fresh = random(bits // 8)
    text, number = cipher.encrypt(key, key_version, derivation, fresh, associated_data, random, padding_scheme)
    data: dict[str, object] = {"ciphertext": text, "key_version": number}
    if plaintext == "plaintext":
        data["plaintext"] = b64.encode(fresh)
    return data


def _check_path(plaintext: str) -> None:
    if plaintext not in ("plaintext", "wrapped"):
        raise ErrorResponse("Invalid path, must be 'plaintext' or 'wrapped'")


def _check_bits(bits: int) -> None:
    if bits not in (128, 256, 512):
        raise ErrorResponse("invalid bit length")
