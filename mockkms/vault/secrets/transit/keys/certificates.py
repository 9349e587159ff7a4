"""``keys/{name}/csr`` and ``keys/{name}/set-certificate``: requests signed with a key, and its certificates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from mockkms.crypto import CryptoError
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, VaultError, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import NAME, engine
from mockkms.vault.secrets.transit.keys.keyring import existing
from mockkms.vault.secrets.transit.model import KeyVersion, Transit, TransitKey

if TYPE_CHECKING:
    from mockkms.crypto.x509.certificates import ChainCertificate

_COMMON: Final = {
    "name": NAME,
    "version": Field(Kind.INT, help="Version to use; the latest if absent."),
}

request = engine.path(
    "keys/{name}/csr",
    {**_COMMON, "csr": Field(Kind.STRING, help="A certificate request in PEM whose subject and names are copied.")},
    help="Create a certificate request.",
)
chain = engine.path(
    "keys/{name}/set-certificate",
    {**_COMMON, "certificate_chain": Field(Kind.STRING, help="Certificates in PEM, that of the key first.")},
    help="Store a certificate chain with a key.",
    go_errors=True,
)


@request.on(Operation.UPDATE)
def make_request(state: Transit, call: Call, *, csr: str) -> Reply:
    """Return a certificate request signed by the key."""
    # Certificates are loaded with the first of them: most keys never have any.
    from mockkms.crypto.x509 import certificates as x509

    key = _signing_key(state, call)
    with _refusing(call, CryptoError):
        template = x509.load_request(csr)
    with refusing("could not create the csr: ", of=ErrorResponse):
        version = key.version(_number(key, call))
        if version.private_missing:
            raise ErrorResponse("private key not imported for key version selected")
    return {"name": key.name, "type": key.type, "csr": x509.sign_request(version.key, template)}


@chain.on(Operation.UPDATE)
def set_certificate(state: Transit, call: Call, *, certificate_chain: str) -> Reply:
    """Keep a chain with a version; an older one is replaced."""
    from mockkms.crypto.x509.certificates import load_chain

    key = _signing_key(state, call)
    with _refusing(call, CryptoError):
        found = load_chain(certificate_chain)
    with _refusing(call, VaultError, "failed to persist certificate chain: "):
        _check_order(found)
        version = key.version(_number(key, call))
        _check_match(key, version, found[0])
    version.certificate_chain = [certificate.der for certificate in found]
    name = "certificate-chain" if call.core.product.has(Feature.TRANSIT_REWORDED) else "certificate_chain"
    return {"name": key.name, "type": key.type, name: certificate_chain}


_REWORDED = {
    "did not contain any valid PEM encoded certificate": "did not contain any valid PEM certificate",
    "could not parse a certificate in the certificate chain": "failed to parse certificate in certificate chain",
    "could not decode PEM CSR": "could not decode PEM certificate request",
    "certificate in the first element is not a valid leaf": "certificate in the first position is not a leaf",
    "certificate key and key entry in transit": "certificate key and key version in transit",
    "public key does not match the selected key version": "public key does match the key version selected",
}
"""Parts of messages, and how Vault's later releases have them."""


@contextmanager
def _refusing(call: Call, of: type[Exception], prefix: str = "") -> Iterator[None]:
    """Context manager: refuse the request for an exception of the body, in the product's text."""
    try:
        yield
    except of as error:
        text = f"{prefix}{error}"
        if call.core.product.has(Feature.TRANSIT_REWORDED):
            for before, after in _REWORDED.items():
                text = text.replace(before, after)
        raise (BackendError if isinstance(error, BackendError) else ErrorResponse)(text) from None


def _signing_key(state: Transit, call: Call) -> TransitKey:
    """Return the key. Raises ErrorResponse unless it can sign."""
    name = call["name"]
    key = existing(state, name, call.core, f"key with provided name '{name}' not found")
    if not key.kind.signs:
        raise ErrorResponse(f"key type '{key.type}' does not support signing")
    if key.derived:
        raise ErrorResponse("operation not supported for keys with derivation enabled")
    return key


def _number(key: TransitKey, call: Call) -> int:
    number: int = call.get("version", key.latest_version)
    return number


def _check_order(found: list[ChainCertificate]) -> None:
    """Check that a leaf is followed by authorities only. Raises ErrorResponse."""
    if found[0].authority:
        raise ErrorResponse("certificate in the first element is not a valid leaf certificate")
    if len(found) > 1 and not found[-1].authority:
        raise ErrorResponse("certificate in the last element is not a valid CA certificate")
    if not all(certificate.authority for certificate in found[1:]):
        raise ErrorResponse("could not validate if there is only one leaf certificate in the provided chain")


def _check_match(key: TransitKey, version: KeyVersion, leaf: ChainCertificate) -> None:
    """Check that the leaf is for this key. Raises ErrorResponse for another type, BackendError for another key."""
    algorithm = "RSA" if key.kind.bits else "ECDSA" if key.kind.curve else "Ed25519"
    if leaf.algorithm != algorithm:
        raise ErrorResponse(
            "could not validate key match between leaf certificate key and key entry in transit: provided leaf "
            f"certificate public key algorithm '{leaf.algorithm}' does not match the transit key type '{key.type}'"
        )
    if leaf.public != version.public:
        raise BackendError("leaf certificate public key does not match the selected key version")
