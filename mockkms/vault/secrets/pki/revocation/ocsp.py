"""``ocsp``: whether a certificate is revoked, asked by GET with base64 in the path or by POST with DER as the body."""

from __future__ import annotations

from mockkms.crypto.encoding import b64
from mockkms.crypto.encoding.der import DERError
from mockkms.crypto.x509 import ocsp, read
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, Response
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.engine import engine
from mockkms.vault.secrets.pki.model import PKI, Issuer, hyphens

CONTENT_TYPE, REQUEST_TYPE = "application/ocsp-response", "application/ocsp-request"
_LONGEST = 2048
"""Bytes of a request, which must stay below it; so must the base64 of one in a path."""

_REQUEST = {"req": Field(Kind.STRING, help="The request in DER, in standard base64.")}
by_get = engine.path("ocsp/{req:all}", fields=_REQUEST, login=True, help="The status of a certificate.")
by_post = engine.path("ocsp", login=True, binary=Feature.PKI_LATER, help="The status of a certificate.")


class _Unauthorized(Exception):
    """An issuer fits that may not sign such answers."""


def _answer(body: bytes, status: int = 200) -> Response:
    return Response(raw=body, content_type=CONTENT_TYPE, status=status)


@by_get.on(Operation.READ)
def answer_get(state: PKI, call: Call) -> Response:
    """Answer a request in base64."""
    text: str = call["req"]
    try:
        data = b64.decode(text)
    except ValueError:
        data = b""
    return _respond(state, call, data if len(text) < _LONGEST else b"")


@by_post.on(Operation.UPDATE)
def answer_post(state: PKI, call: Call) -> Response:
    """Answer a request in DER; in OpenBao a body with another content type counts as none."""
    media = call.request.headers.get("content-type", "").split(";", 1)[0].strip().lower()
    raw = media == REQUEST_TYPE or call.endpoint.takes_bytes(call.core.product)
    data = call.request.body if raw else b""
    return _respond(state, call, data if len(data) < _LONGEST else b"")


def _respond(state: PKI, call: Call, data: bytes) -> Response:
    if state.crl.ocsp_disable:
        return _answer(ocsp.UNAUTHORIZED, 401)
    try:
        query = ocsp.parse_request(data)
    except DERError:
        return _answer(ocsp.MALFORMED, 400)
    try:
        return _answer(_signed(state, call, query))
    except _Unauthorized:
        return _answer(ocsp.UNAUTHORIZED, 401)
    except ValueError:
        return _answer(ocsp.INTERNAL_ERROR, 500)


def _signed(state: PKI, call: Call, query: ocsp.Query) -> bytes:
    """Raises _Unauthorized, and ValueError where the issuer's key cannot sign such answers."""
    revocation = state.revoked.get(hyphens(read.serial_text(abs(query.serial))))
    listed = [revocation.issuer] if revocation is not None and revocation.issuer else sorted(state.issuers)
    issuer = _issuer_meant(state, query, listed)
    now, lifetime = call.now(), parse_seconds(state.crl.ocsp_expiry)
    until = now + lifetime if lifetime > 0 else 0
    if issuer is None:
        # Nothing is known of this issuer: the default one says so.
        issuer = _able(state, state.issuers.get(state.default_issuer))
        status = ocsp.Status(False, now, until)
    else:
        status = ocsp.Status(True, now, until, revocation.at if revocation is not None else None)
    subject = read.load(issuer.certificate).subject
    return ocsp.response(query, status, subject, state.keys[issuer.key_id].private, issuer.signature)


def _issuer_meant(state: PKI, query: ocsp.Query, listed: list[str]) -> Issuer | None:
    """The issuer that a request names, if this mount has it with its key. Raises _Unauthorized."""
    unable = False
    for issuer_id in listed:
        issuer = state.issuers.get(issuer_id)
        if issuer is None or issuer.key_id not in state.keys:
            continue
        certificate = read.load(issuer.certificate)
        if ocsp.issuer_hashes(query.hash_oid, certificate.subject, certificate.public) == (
            query.name_hash, query.key_hash,
        ):  # fmt: skip
            if "ocsp-signing" in issuer.usage:
                return issuer
            unable = True
    if unable:
        raise _Unauthorized
    return None


def _able(state: PKI, issuer: Issuer | None) -> Issuer:
    """Raises _Unauthorized for no issuer, one without key, and one that may not sign such answers."""
    if issuer is None or issuer.key_id not in state.keys or "ocsp-signing" not in issuer.usage:
        raise _Unauthorized
    return issuer
