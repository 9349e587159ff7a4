"""``ocsp``: the status of a certificate, requested by GET with base64 in the path or by POST with DER as the body."""

from __future__ import annotations

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding import b64
from mockkms.crypto.x509 import ocsp, read
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, Response
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.model import PKI, PkiIssuer, engine, hyphens

CONTENT_TYPE, REQUEST_TYPE = "application/ocsp-response", "application/ocsp-request"
_LONGEST = 2048
"""A request, or the base64 of one in a path, must be shorter than this, in bytes."""

_REQUEST = {"req": Field(Kind.STRING, help="The request in DER, in standard base64.")}
by_get = engine.path("ocsp/{req:all}", fields=_REQUEST, login=True, help="The status of a certificate.")
by_post = engine.path("ocsp", login=True, binary=Feature.PKI_LATER, help="The status of a certificate.", go_errors=True)


def _answer(body: bytes, status: int = 200) -> Response:
    return Response(raw=body, content_type=CONTENT_TYPE, status=status)


@by_get.on(Operation.READ)
def answer_get(state: PKI, call: Call, *, req: str) -> Response:
    """Answer a request in base64."""
    text: str = req
    try:
        data = b64.decode(text)
    except ValueError:
        data = b""
    return _respond(state, call, data if len(text) < _LONGEST else b"")


@by_post.on(Operation.UPDATE)
def answer_post(state: PKI, call: Call) -> Response:
    """Answer a request in DER. A body with another content type is ignored, unless the product takes any type."""
    media = call.request.headers.get("content-type", "").split(";", 1)[0].strip().lower()
    raw = media == REQUEST_TYPE or call.endpoint.takes_bytes(call.core.product)
    data = call.request.body if raw else b""
    return _respond(state, call, data if len(data) < _LONGEST else b"")


def _respond(state: PKI, call: Call, data: bytes) -> Response:
    if state.crl.ocsp_disable:
        return _answer(ocsp.UNAUTHORIZED, 401)
    try:
        query = ocsp.parse_request(data)
    except CryptoError:
        return _answer(ocsp.MALFORMED, 400)
    try:
        signed = _signed(state, call, query)
    except ValueError:
        return _answer(ocsp.INTERNAL_ERROR, 500)
    return _answer(ocsp.UNAUTHORIZED, 401) if signed is None else _answer(signed)


def _signed(state: PKI, call: Call, query: ocsp.Query) -> bytes | None:
    """Return the signed answer; None if no issuer may sign it. Raises ValueError if the issuer's key cannot."""
    revocation = state.revoked.get(hyphens(read.serial_text(abs(query.serial))))
    candidates = [revocation.issuer] if revocation is not None and revocation.issuer else sorted(state.issuers)
    requested = _requested_issuers(state, query, candidates)
    now, lifetime = call.now(), parse_seconds(state.crl.ocsp_expiry)
    until = now + lifetime if lifetime > 0 else 0
    status = ocsp.Status(
        known=True, this_update=now, next_update=until, revoked_at=revocation.at if revocation else None
    )
    if not requested:
        # The issuer is unknown: the default one signs an answer that says so.
        default = state.issuers.get(state.default_issuer)
        requested = [default] if default is not None and default.key_id in state.keys else []
        status = ocsp.Status(known=False, this_update=now, next_update=until)
    issuer = next((one for one in requested if "ocsp-signing" in one.usage), None)
    if issuer is None:
        return None
    subject = read.load(issuer.certificate).subject
    return ocsp.response(query, status, subject, state.keys[issuer.key_id].private, issuer.signature)


def _requested_issuers(state: PKI, query: ocsp.Query, candidates: list[str]) -> list[PkiIssuer]:
    """Return the issuers with keys that a request names by the hashes of subject and key."""
    found = []
    for issuer_id in candidates:
        issuer = state.issuers.get(issuer_id)
        if issuer is None or issuer.key_id not in state.keys:
            continue
        certificate = read.load(issuer.certificate)
        hashes = ocsp.issuer_hashes(query.hash_oid, certificate.subject, certificate.public)
        if hashes == (query.name_hash, query.key_hash):
            found.append(issuer)
    return found
