"""JSON Web Signatures in compact form: parsing, verifying, signing. Algorithms by their JOSE names."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from mockkms.crypto.asymmetric import repeatable_ecdsa
from mockkms.crypto.bounded_cache import remembered
from mockkms.crypto.encoding import b64, containers
from mockkms.crypto.x509.public_pem import parse_public_pem
from mockkms.json_reading import read_json
from mockkms.lazy_dataclass import dataclass

NOT_COMPACT = "go-jose/go-jose: compact JWS format must have three parts"
ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256", "PS384", "PS512", "EdDSA")
_BLANKS = re.compile("[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
"""What Go takes for white space."""

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
_HASHES: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}
_BY_NAME: dict[str, ec.EllipticCurve] = {"P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(), "P-521": ec.SECP521R1()}
_CURVES = {"ES256": "secp256r1", "ES384": "secp384r1", "ES512": "secp521r1"}


@dataclass(frozen=True)
class JwsToken:
    """A compact JWS, not verified."""

    header: dict[str, object]
    payload: bytes
    protected: str
    """The header in base64url."""
    signature: bytes

    @property
    def algorithm(self) -> str:
        """The ``alg`` of the header."""
        value = self.header.get("alg", "")
        return value if isinstance(value, str) else ""

    @property
    def signed(self) -> bytes:
        """The signed bytes: the payload is as it is, not in base64url, if ``b64`` is false (RFC 7797)."""
        payload = self.payload if self.header.get("b64") is False else encode(self.payload).encode()
        return self.protected.encode() + b"." + payload

    @property
    def understood(self) -> bool:
        """Whether every header that ``crit`` names is supported, as go-jose decides it: only ``b64`` is."""
        critical = self.header.get("crit")
        if critical is None:
            return True
        return isinstance(critical, list) and all(name == "b64" for name in critical)

    def claims(self) -> dict[str, object]:
        """Return the payload as a JSON object. Raises ValueError."""
        value = read_json(self.payload)
        if not isinstance(value, dict):
            raise ValueError("the payload is not a JSON object")
        return value


def parse(
    text: str, *, blanks: bool = False, padding: bool = False, header: Callable[[bytes], object] = read_json
) -> JwsToken:
    """Parse a compact JWS. Raises ValueError.

    Args:
        text: Three parts in base64url.
        blanks: Blanks are left out wherever they are.
        padding: The parts may end with padding.
        header: Reads the header, which is to be a JSON object.
    """
    parts = (_BLANKS.sub("", text) if blanks else text).split(".")
    if len(parts) != 3:
        raise ValueError(NOT_COMPACT)
    protected, payload, signature = (b64.decode_raw_url(part.rstrip("=") if padding else part) for part in parts)
    read = header(protected)
    if not isinstance(read, dict):
        raise ValueError("the header is not a JSON object")
    return JwsToken(read, payload, encode(protected), signature)


@remembered(256, 16384)
def load_key(pem: str) -> PublicKey:
    """Return the public key in a PEM text, or that of a certificate. Raises ValueError with Go's text."""
    return usable(parse_public_pem(pem))


def usable(key: containers.Parsed) -> PublicKey:
    """Return a parsed key for use. Raises ValueError with Go's text for one that signs no tokens."""
    if key.family == "ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(key.public)
    found = serialization.load_der_public_key(key.public) if key.family in ("rsa", "ec") else None
    if not isinstance(found, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
        raise ValueError("data does not contain any valid public keys")
    return found


def verified(token: JwsToken, key: PublicKey) -> bool:
    """Return whether the signature is valid for ``key`` and the algorithm of the header.

    False for an unsupported critical header too.
    """
    if not token.understood:
        return False
    algorithm = token.algorithm
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            if algorithm != "EdDSA":
                return False
            key.verify(token.signature, token.signed)
        elif isinstance(key, rsa.RSAPublicKey):
            if algorithm[:2] not in ("RS", "PS") or algorithm not in ALGORITHMS:
                return False
            digest = _HASHES[algorithm[2:]]
            key.verify(token.signature, token.signed, _padding(algorithm, digest), digest)
        else:
            if _CURVES.get(algorithm) != key.curve.name:
                return False
            size = (key.key_size + 7) // 8
            if len(token.signature) != 2 * size:
                return False
            r, s = (int.from_bytes(half, "big") for half in (token.signature[:size], token.signature[size:]))
            key.verify(encode_dss_signature(r, s), token.signed, ec.ECDSA(_HASHES[algorithm[2:]]))
    except InvalidSignature:
        return False
    return True


def sign(claims: str, key: PrivateKey, algorithm: str, key_id: str) -> str:
    """Return a compact JWS over the JSON text ``claims``."""
    header = json.dumps({"alg": algorithm, "kid": key_id}, separators=(",", ":"))
    signed = f"{encode(header.encode())}.{encode(claims.encode())}"
    if isinstance(key, ed25519.Ed25519PrivateKey):
        signature = key.sign(signed.encode())
    elif isinstance(key, rsa.RSAPrivateKey):
        digest = _HASHES[algorithm[2:]]
        signature = key.sign(signed.encode(), _padding(algorithm, digest), digest)
    else:
        size = (key.key_size + 7) // 8
        r, s = decode_dss_signature(key.sign(signed.encode(), repeatable_ecdsa(_HASHES[algorithm[2:]])))
        signature = r.to_bytes(size, "big") + s.to_bytes(size, "big")
    return f"{signed}.{encode(signature)}"


def encode(data: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(key: PublicKey, algorithm: str, key_id: str) -> dict[str, str]:
    """Return the JSON Web Key of a public key, for signatures."""
    # The order is go-jose's.
    head, tail = {"use": "sig"}, {"kid": key_id}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {**head, "kty": "OKP", **tail, "crv": "Ed25519", "alg": algorithm, "x": encode(key.public_bytes_raw())}
    if isinstance(key, rsa.RSAPublicKey):
        numbers = key.public_numbers()
        return {**head, "kty": "RSA", **tail, "alg": algorithm, "n": _number(numbers.n), "e": _number(numbers.e)}
    size = (key.key_size + 7) // 8
    point = key.public_numbers()
    x, y = (encode(value.to_bytes(size, "big")) for value in (point.x, point.y))
    return {**head, "kty": "EC", **tail, "crv": f"P-{key.key_size}", "alg": algorithm, "x": x, "y": y}


def of_jwk(key: object) -> PublicKey | None:
    """Return the public key of a JSON Web Key; None for anything else, or for a kind that signs nothing here."""
    if not isinstance(key, dict):
        return None
    try:
        if key.get("kty") == "RSA":
            return rsa.RSAPublicNumbers(_whole(key["e"]), _whole(key["n"])).public_key()
        if key.get("kty") == "EC":
            curve = _BY_NAME[key["crv"]]
            return ec.EllipticCurvePublicNumbers(_whole(key["x"]), _whole(key["y"]), curve).public_key()
        if key.get("kty") == "OKP" and key.get("crv") == "Ed25519":
            return ed25519.Ed25519PublicKey.from_public_bytes(b64.decode_raw_url(key["x"])[:32].ljust(32, b"\0"))
    except (KeyError, ValueError, AttributeError, TypeError):
        return None
    return None


def _whole(text: str) -> int:
    return int.from_bytes(b64.decode_raw_url(text), "big")


def _number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _padding(algorithm: str, digest: hashes.HashAlgorithm) -> padding.AsymmetricPadding:
    if algorithm.startswith("PS"):
        return padding.PSS(padding.MGF1(digest), padding.PSS.AUTO)
    return padding.PKCS1v15()
