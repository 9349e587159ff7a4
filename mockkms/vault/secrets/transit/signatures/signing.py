"""Signing and verifying with a named key, and the parameters that both endpoints share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from mockkms.crypto import CryptoError, asymmetric, ecdsa, hashes
from mockkms.crypto.encoding import b64
from mockkms.crypto.rsa import rsa
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, VaultError, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.integers import int64
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import CONTEXT, NAME
from mockkms.vault.secrets.transit.model import PREFIX, KeyVersion, TransitKey

DEFAULT_HASH: Final = "sha2-256"

FIELDS: Final = {
    "name": NAME,
    "input": Field(Kind.STRING, help="Data to sign, in base64."),
    "context": CONTEXT,
    "hash_algorithm": Field(
        Kind.STRING, default=DEFAULT_HASH, help="Hash of the input: sha1, sha2-*, sha3-*, or none with prehashed input."
    ),
    "algorithm": Field(Kind.STRING, default=DEFAULT_HASH, help="The older name of hash_algorithm.", deprecated=True),
    "urlalgorithm": Field(Kind.STRING, help="Name of the hash, in the path."),
    "prehashed": Field(Kind.BOOL, help="Whether the input is a digest."),
    "signature_algorithm": Field(Kind.STRING, help="For RSA: pss (if empty) or pkcs1v15."),
    "marshaling_algorithm": Field(
        Kind.STRING, default="asn1", help="asn1, or jws: r and s side by side for ECDSA, URL-safe base64 for all."
    ),
    "salt_length": Field(Kind.STRING, default="auto", help="PSS salt: auto, hash, or a number of bytes."),
    "batch_input": Field(Kind.SLICE, help="Several inputs, each with its own parameters."),
    "signature_context": Field(
        Kind.STRING, help="Context of Ed25519ph, for the enterprise edition only.", needs=Feature.TRANSIT_ENTERPRISE
    ),
}
"""Parameters of ``sign`` and ``verify``."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to sign, checked as far as possible without the key."""

    hash: str
    jws: bool
    prehashed: bool
    scheme: str
    """``pss``, ``pkcs1v15``, or what else was sent."""
    salt: int
    """Bytes, or ``rsa.SALT_AUTO``, ``rsa.SALT_HASH``."""


_OPTIONS: Final = frozenset(
    ("hash_algorithm", "algorithm", "marshaling_algorithm", "prehashed", "signature_algorithm", "salt_length")
)
_USUAL: Final = Options(DEFAULT_HASH, jws=False, prehashed=False, scheme="", salt=rsa.SALT_AUTO)


def hash_asked(call: Call) -> str:
    """Return the name of the hash: in the path, or one of two parameters. Raises ErrorResponse if it is unknown."""
    name: str = call["urlalgorithm"] or call["hash_algorithm"] or call["algorithm"] or DEFAULT_HASH
    if not hashes.known(name):
        raise ErrorResponse(f"invalid hash algorithm {quote(name)}")
    return name


def options_of(call: Call) -> Options:
    """Return the options of a call. Raises ErrorResponse."""
    given = call.given
    if given.keys().isdisjoint(_OPTIONS) and not given.get("urlalgorithm"):
        return _USUAL
    hash_name = hash_asked(call)
    marshaling = call["marshaling_algorithm"]
    if marshaling not in ("asn1", "jws"):
        raise ErrorResponse(f"invalid marshaling type {quote(marshaling)}")
    return Options(hash_name, marshaling == "jws", call["prehashed"], call["signature_algorithm"], _salt(call))


def _salt(call: Call) -> int:
    if "salt_length" not in call:
        return rsa.SALT_AUTO
    given: str = call.given["salt_length"]
    lower = given.lower()
    if lower in ("auto", "hash"):
        return rsa.SALT_AUTO if lower == "auto" else rsa.SALT_HASH
    number = int64(lower)
    if number is None:
        raise ErrorResponse(f"salt length neither 'auto', 'hash', nor an int: {given}")
    if number < rsa.SALT_HASH:
        raise ErrorResponse(f"salt length is invalid: {number}")
    return number


def check_unhashed(options: Options) -> None:
    """Check that hash ``none`` is used for PKCS #1 v1.5 over digests only. Raises ErrorResponse."""
    if options.hash == hashes.NONE and (not options.prehashed or options.scheme != "pkcs1v15"):
        raise ErrorResponse("hash_algorithm=none requires both prehashed=true and signature_algorithm=pkcs1v15")


def check_pure(key: TransitKey, call: Call, options: Options, context: object, framing: str) -> None:
    """Check that an item requires pure Ed25519 only, if the product supports nothing else.

    ``context`` is the item's ``signature_context``. Raises ErrorResponse, whose text starts with ``framing``.
    """
    if not call.core.product.has(Feature.TRANSIT_ENTERPRISE):
        return
    if not isinstance(context, str):
        raise ErrorResponse(f'{framing}expected string for key="signature_context", got={_quoted(context)}')
    if key.type != "ed25519":
        return
    pure = f"{framing}only Pure Ed25519 signatures supported,"
    if options.prehashed:
        raise ErrorResponse(f"{pure} prehashed must be false")
    if options.hash == "sha2-512":
        raise ErrorResponse(f"{pure} hash_alogithm should not be set")
    if context:
        raise ErrorResponse(f"{pure} signature_context must be empty")


def _quoted(value: object) -> str:
    """Return a value that is not a string as ``%q`` prints it."""
    if isinstance(value, bool):
        return f"%!q(bool={str(value).lower()})"
    return quote(str(value)) if value is not None else "%!q(<nil>)"


def digest(key: TransitKey, data: bytes, options: Options) -> bytes:
    """Return the bytes to sign: the digest of the input, or the input itself."""
    if options.prehashed or not key.kind.hashes_input:
        return data
    return hashes.digest(options.hash, data)


class Signature(NamedTuple):
    """A signature as text, the version that made it, and the public key of a derived key."""

    text: str
    version: int
    public: bytes = b""


def sign(key: TransitKey, asked: int, context: bytes, data: bytes, options: Options) -> Signature:
    """Sign ``data`` (see ``digest``) with version ``asked`` (0: the latest). Raises VaultError."""
    key.check_alive()
    kind = key.kind
    number = key.version_to_use(asked, "signing")
    version = key.version(number)
    if version.private_missing:
        raise ErrorResponse("requested version for signing does not contain a private part")
    public = b""
    if kind.curve:
        raw = ecdsa.sign(version.key, data, jws=options.jws)
    elif kind.bits:
        raw = _sign_rsa(version, kind.bits, data, options)
    elif key.derived:
        seed = _seed(key, context, number)
        raw = asymmetric.sign_ed25519(seed, data)
        public = asymmetric.ed25519_from_seed(seed)[32:]
    else:
        raw = asymmetric.sign_ed25519(version.key, data)
    encoded = b64.encode_url(raw) if options.jws else b64.encode(raw)
    return Signature(f"{PREFIX}{number}:{encoded}", number, public)


def verify(key: TransitKey, context: bytes, data: bytes, text: str, options: Options) -> bool:
    """Return whether ``text`` is a signature of ``data`` (see ``digest``). Raises VaultError."""
    key.check_alive()
    number, encoded = key.version_of_text(text, "signature")
    with refusing(text="invalid base64 signature value"):
        raw = b64.decode_url(encoded) if options.jws else b64.decode(encoded)
    if key.kind.curve:
        with refusing(of=CryptoError):
            return ecdsa.verify(key.version(number).public, data, raw, jws=options.jws)
    if key.kind.bits:
        return _verify_rsa(key.version(number), key.kind.bits, data, raw, options)
    if key.derived:
        public = asymmetric.ed25519_from_seed(_seed(key, context, number))[32:]
    else:
        public = key.version(number).public
    return asymmetric.verify_ed25519(public, data, raw)


def _seed(key: TransitKey, context: bytes, number: int) -> bytes:
    if not key.derived:
        return key.version(number).key[:32]
    with refusing("error deriving key: ", BackendError, of=VaultError):
        return key.signing_seed(context, number)


def _scheme(bits: int, options: Options) -> str:
    scheme = options.scheme or "pss"
    if scheme == "pss":
        if not rsa.SALT_HASH <= options.salt <= rsa.max_salt(bits, options.hash):
            raise ErrorResponse(f"requested salt length {options.salt} is invalid")
    elif scheme != "pkcs1v15":
        raise BackendError(f"unsupported rsa signature algorithm {scheme}")
    return scheme


def _sign_rsa(version: KeyVersion, bits: int, data: bytes, options: Options) -> bytes:
    with refusing(error=BackendError, of=CryptoError):
        if _scheme(bits, options) == "pss":
            return rsa.sign_pss(version.key, data, options.hash, options.salt)
        return rsa.sign_pkcs1v15(version.key, data, options.hash)


def _verify_rsa(version: KeyVersion, bits: int, data: bytes, raw: bytes, options: Options) -> bool:
    if _scheme(bits, options) == "pss":
        return rsa.verify_pss(version.public, data, raw, options.hash, options.salt)
    return rsa.verify_pkcs1v15(version.public, data, raw, options.hash)
