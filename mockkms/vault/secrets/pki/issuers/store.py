"""Storing and deleting keys and issuers."""

from __future__ import annotations

from collections.abc import Collection

from mockkms.crypto.encoding import pem
from mockkms.crypto.encoding.containers import CERTIFIED_ALGORITHMS
from mockkms.crypto.x509 import keys, read
from mockkms.crypto.x509.build import CRL_SIGN
from mockkms.crypto.x509.certificate_parser import key_info
from mockkms.error_context import error_context
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.issuers import chains
from mockkms.vault.secrets.pki.model import PKI, PkiIssuer, PkiKey

NO_URLS = (
    "This mount hasn't configured any authority information access (AIA) fields; this may make it harder for systems "
    "to find missing certificates in the chain or to validate revocation status of certificates. Consider updating "
    "/config/urls or the newly generated issuer with this information."
)


def unreadable(call: Call, count: int) -> ErrorResponse:
    """Return the refusal of a text to import whose PEM block number ``count`` is none."""
    if call.core.product.has(Feature.PKI_PEM_REFUSED):
        return ErrorResponse("provided PEM block contained no data")
    return ErrorResponse(f"error when parsing block {count}: invalid PEM data")


def import_key(state: PKI, call: Call, private: bytes, name: str) -> tuple[PkiKey, bool]:
    """Store a private key (PKCS #8 DER). Returns it, and whether it existed already."""
    public = keys.public_of(private)
    for known in state.keys.values():
        if keys.public_of(known.private) == public:
            return known, True
    key = PkiKey(_unused(call, state.keys), name, keys.describe(public)[0], private)
    state.keys[key.id] = key
    for issuer_id in sorted(state.issuers):
        issuer = state.issuers[issuer_id]
        if not issuer.key_id and read.load(issuer.certificate).public == public:
            issuer.key_id = key.id
            if not state.default_issuer:
                set_default(state, call, issuer.id)
    state.default_key = state.default_key or key.id
    return key, False


_UNKNOWN_KEY = (
    "Refusing to import CA certificate with empty PublicKey. This usually means the SubjectPublicKeyInfo field has an "
    "OID not recognized by Go, such as 1.2.840.113549.1.1.10 for rsaPSS."
)


def _unused(call: Call, taken: Collection[str]) -> str:
    """Return an unused id: the randomness of a restored world may repeat ids of its dump."""
    drawn = call.core.entropy.uuid()
    while drawn in taken:
        drawn = call.core.entropy.uuid()
    return drawn


def import_issuer(state: PKI, call: Call, der: bytes, name: str) -> tuple[PkiIssuer, bool]:
    """Store a CA certificate (DER). Returns its issuer, and whether it existed. Raises ValueError with Go's text."""
    certificate = read.load(der)
    if not certificate.basic or not certificate.ca:
        raise ValueError("Refusing to import non-CA certificate")
    if key_info(der)[0] not in CERTIFIED_ALGORITHMS:
        raise ValueError(_UNKNOWN_KEY)
    for known in state.issuers.values():
        if known.certificate == der:
            return known, True
    issuer = PkiIssuer(_unused(call, state.issuers), name, der, modified=call.now())
    if not certificate.key_usage & CRL_SIGN:
        issuer.usage.remove("crl-signing")
    for key_id in sorted(state.keys):
        if keys.public_of(state.keys[key_id].private) == certificate.public:
            issuer.key_id = key_id
            break
    state.issuers[issuer.id] = issuer
    chains.rebuild(state)
    if not state.default_issuer and issuer.key_id:
        set_default(state, call, issuer.id)
    return issuer, False


def set_default(state: PKI, call: Call, issuer_id: str) -> None:
    """Change the default issuer; both issuers count as modified for ``If-Modified-Since``."""
    if issuer_id == state.default_issuer:
        return
    now = call.now()
    for changed in (state.default_issuer, issuer_id):
        if changed in state.issuers:
            state.issuers[changed].modified = now
    state.default_issuer, state.lists_modified, state.deltas_modified = issuer_id, now, now


def delete_issuer(state: PKI, issuer_id: str) -> bool:
    """Delete an issuer; returns whether it was the default."""
    del state.issuers[issuer_id]
    if state.default_issuer != issuer_id:
        return False
    state.default_issuer = ""
    return True


def parse_key(text: str) -> bytes:
    """Return the private key of one PEM block (PKCS #8 DER). Raises ValueError with the server's text."""
    block = pem.decode(text)
    if block is None:
        raise ValueError("no data found in PEM block")
    with error_context("failed to parse PEM block: "):
        return keys.parse(block.der)


def dereferenced(state: PKI, reference: str) -> list[str]:
    """Return the warning about roles that refer to an issuer by a reference that becomes invalid."""
    count = sum(1 for role in state.roles.values() if role.issuer_ref == reference)
    return [f"{count} roles reference {reference}"] if count else []
