"""Signed requests: JSON Web Signatures in the form of RFC 8555, section 6.2, and external bindings (section 7.3.4)."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mockkms.crypto import jws
from mockkms.crypto.encoding import b64
from mockkms.error_context import error_context
from mockkms.vault.auth import token_headers
from mockkms.vault.golang.json import decode, decode_object, kind_of
from mockkms.vault.secrets.pki.acme.problems import MALFORMED, SERVER_INTERNAL, AcmeProblem, after

_ALGORITHMS = tuple(name for name in jws.ALGORITHMS if name != "EdDSA")
_MACS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
_UNVERIFIED = "go-jose/go-jose: error in cryptographic primitive"
_MEMBERS = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y"), "OKP": ("crv", "kty", "x")}
"""The members of a key that its thumbprint covers, in the order of RFC 7638."""


@dataclass(frozen=True)
class ProtectedHeader:
    """The protected header of a request, whose signature is not verified yet."""

    algorithm: str
    key_id: str
    """URL of the account; empty for a request that brings its key."""
    jwk: str
    """The key as the client wrote it (JSON); empty for a request of an account."""
    nonce: str
    url: str


@dataclass(frozen=True)
class AccountKey:
    """A public key, with its JSON text and its thumbprint (RFC 7638, in base64url)."""

    public: jws.PublicKey
    text: str
    thumbprint: str


def decoded(text: object, what: str) -> bytes:
    """Return the bytes of base64url without padding. Raises AcmeProblem."""
    with error_context(f"{what}: ", raised=lambda fault: after(MALFORMED, fault)):
        return b64.decode_raw_url(text if isinstance(text, str) else "=")


def header(protected: object, *, ed25519: bool) -> ProtectedHeader:
    """Return the header in ``protected``; ``ed25519``: keys of this type may sign. Raises AcmeProblem."""
    front = "failed to json unmarshal 'protected'"
    content = decoded(protected, "failed to base64 parse 'protected'")
    given = _object(content, front)
    found = ProtectedHeader(
        _text(given, "alg", front), _text(given, "kid", front), _raw_member(content.decode(), "jwk") if given else "",
        _text(given, "nonce", front), _text(given, "url", front),
    )  # fmt: skip
    if found.key_id and found.jwk:
        fault = "got both account 'kid' and 'jwk' in the same message; expected only one"
    elif not found.key_id and not found.jwk:
        fault = "got neither required fields of 'kid' nor 'jwk'"
    elif found.algorithm not in (jws.ALGORITHMS if ed25519 else _ALGORITHMS):
        fault = "unexpected value for 'algo'"
    else:
        return found
    raise after(MALFORMED, f"{front}: invalid header: {fault}")


def account_key(text: str) -> AccountKey:
    """Return the key of a JSON Web Key. Raises AcmeProblem."""
    front = "failed to json unmarshal 'protected'"
    with error_context(f"{front}: ", lambda fault: AcmeProblem(SERVER_INTERNAL, fault)):
        given = decode(text.encode(), any_number=True, whole=True)
        token_headers.check_key(given)
    public = jws.of_jwk(given) if isinstance(given, dict) else None
    if public is None or not isinstance(given, dict):
        raise after(MALFORMED, f"{front}: received invalid jwk")
    covered = {name: given[name] for name in _MEMBERS[given["kty"]]}
    digest = hashlib.sha256(json.dumps(covered, separators=(",", ":"), sort_keys=True).encode()).digest()
    return AccountKey(public, text, jws.encode(digest))


def public_bytes(key: AccountKey) -> bytes:
    """Return a key as certificates hold it (DER)."""
    return key.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def payload(protected: object, body: object, signature: object, key: AccountKey) -> dict[str, object] | None:
    """Return the payload of a request that ``key`` signed, None for an empty one. Raises AcmeProblem."""
    texts = [part if isinstance(part, str) else "" for part in (protected, body, signature)]
    try:
        token = token_headers.parse(".".join(texts))
    except (ValueError, RecursionError) as error:
        raise after(MALFORMED, f"failed to verify signature: error parsing signature: {error}") from None
    with error_context("failed to verify signature: ", lambda fault: AcmeProblem(SERVER_INTERNAL, fault)):
        token_headers.check_critical(token)
    if not jws.verified(token, key.public):
        raise AcmeProblem(SERVER_INTERNAL, f"failed to verify signature: {_UNVERIFIED}")
    if not token.payload:
        return None
    front = "failed to verify signature: failed to json unmarshal 'payload': "
    with error_context(front, lambda fault: after(MALFORMED, fault)):
        return decode_object(token.payload, whole=True)


@dataclass(frozen=True)
class BindingClaim:
    """An external binding, not verified: the id of its key, and what is signed."""

    key_id: str
    url: str
    digest: str
    signed: bytes
    signature: bytes
    payload: bytes

    def verify(self, key: bytes, jwk: str) -> None:
        """Check that ``key`` signed the account's key ``jwk``, in the form of the request. Raises AcmeProblem."""
        if not hmac.compare_digest(hmac.new(key, self.signed, self.digest).digest(), self.signature):
            raise AcmeProblem(SERVER_INTERNAL, _UNVERIFIED)
        if self.payload != jwk.encode():
            raise after(MALFORMED, "eab payload does not match outer JWK key")


def binding(given: Mapping[str, object]) -> BindingClaim:
    """Return the binding in ``externalAccountBinding``. Raises AcmeProblem."""
    if "protected" not in given:
        raise after(MALFORMED, "missing required field 'protected'")
    protected = given["protected"]
    front = "failed to json unmarshal eab 'protected'"
    head = _object(decoded(protected, "failed to base64 parse eab 'protected'"), front)
    algorithm, key_id = _text(head, "alg", front), _text(head, "kid", front)
    if not key_id:
        raise after(MALFORMED, f"{front}: invalid header: got missing required field 'kid'")
    if algorithm not in _MACS:
        raise after(MALFORMED, f"{front}: invalid header: unexpected value for 'algo'")
    url = _text(head, "url", front)
    if not url:
        raise after(MALFORMED, "missing required parameter 'url' in eab 'protected'")
    if _text(head, "nonce", front):
        raise after(MALFORMED, "nonce should not be provided in eab 'protected'")
    for name, label in (("payload", "field eab 'payload'"), ("signature", "field 'signature'")):
        if name not in given:
            raise after(MALFORMED, f"missing required {label}")
        if not isinstance(given[name], str):
            raise after(MALFORMED, f"failed to parse '{name}' field")
    fault = "error parsing eab signature"
    signed = f"{protected}.{given['payload']}".encode()
    return BindingClaim(
        key_id, url, _MACS[algorithm], signed, decoded(given["signature"], fault), decoded(given["payload"], fault)
    )


def _object(content: bytes, front: str) -> dict[str, object]:
    """Return a JSON object. Raises AcmeProblem."""
    with error_context(f"{front}: ", lambda fault: AcmeProblem(SERVER_INTERNAL, fault)):
        given = decode(content, any_number=True, whole=True)
        if given is not None and not isinstance(given, dict):
            raise ValueError(f"json: cannot unmarshal {kind_of(given)} into Go value of type pki.jwsCtx")
    return given or {}


def _text(given: Mapping[str, object], name: str, front: str) -> str:
    value = given.get(name, "")
    if value is None:
        return ""
    if not isinstance(value, str):
        fault = f"json: cannot unmarshal {kind_of(value)} into Go struct field jwsCtx.{name} of type string"
        raise AcmeProblem(SERVER_INTERNAL, f"{front}: {fault}")
    return value


def _raw_member(text: str, name: str) -> str:
    """Return the text of a member of a JSON object as it is written there; empty if it is missing.

    An external binding signs the account's key byte by byte.
    """
    decoder = json.JSONDecoder()
    place = text.index("{") + 1
    found = ""
    while True:
        place = _past_space(text, place)
        if text[place] == "}":
            return found
        key, place = decoder.raw_decode(text, place)
        place = _past_space(text, _past_space(text, place) + 1)  # The colon.
        _, end = decoder.raw_decode(text, place)
        if key == name:
            found = text[place:end]
        place = _past_space(text, end)
        place += text[place] == ","


def _past_space(text: str, place: int) -> int:
    while text[place].isspace():
        place += 1
    return place
