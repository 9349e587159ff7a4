"""``revoke``, ``revoke-with-key``, ``certs/revoked`` and ``crl/rotate``: revocation, and building CRLs."""

from __future__ import annotations

from mockkms.crypto.encoding import pem
from mockkms.crypto.x509 import keys, read
from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.framework.storage_keys import refuse_relative
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.acme.validation import queue
from mockkms.vault.secrets.pki.model import PKI, Revocation, colons, engine, hyphens
from mockkms.vault.secrets.pki.revocation import crls, tidy_work
from mockkms.world.clock import rfc3339

_FIELDS = {
    "serial_number": Field(Kind.STRING, help="Serial number in hex, with colons or hyphens."),
    "certificate": Field(Kind.STRING, help="The certificate in PEM."),
}
_SOON = 2
"""A certificate that ends within this number of seconds counts as expired."""

by_serial = engine.path("revoke", fields=_FIELDS, help="Revoke a certificate.", go_errors=True)
by_key = engine.path(
    "revoke-with-key",
    fields={**_FIELDS, "private_key": Field(Kind.STRING, help="The certificate's private key in PEM.")},
    help="Revoke a certificate with its private key.",
    go_errors=True,
)
listing = engine.path("certs/revoked[/]", fields=PAGE, help="Serial numbers of the revoked certificates.")
rotate = engine.path("crl/rotate", help="Build the revocation lists.", go_errors=True)
rotate_delta = engine.path("crl/rotate-delta", help="Build the delta revocation lists.")


@listing.on(Operation.LIST)
def list_revoked(state: PKI, call: Call) -> Reply:
    """Return the serial numbers, sorted."""
    return {"keys": [colons(serial) for serial in page(sorted(state.revoked), call["after"], call["limit"])]}


@rotate.on(Operation.READ)
def rotate_now(state: PKI, call: Call) -> Response:
    """Build the revocation lists. Raises BackendError."""
    return Response(data={"success": True}, warnings=crls.rebuild_or_fail(state, call, force=False))


@rotate_delta.on(Operation.READ)
def rotate_delta_now(state: PKI, call: Call) -> Response:
    """Build the delta lists, if they are enabled. Raises BackendError."""
    if not state.crl.enable_delta:
        note = "requested rebuild of delta CRL when delta CRL is not enabled; this is a no-op"
        return Response(data={"success": True}, warnings=[note])
    with refusing("error encountered during delta CRL building: ", BackendError, of=BackendError):
        crls.rebuild_delta(state, call, force=True)
    return Response(data={"success": True})


@by_serial.on(Operation.UPDATE)
@by_key.on(Operation.UPDATE)
def revoke_certificate(state: PKI, call: Call, *, serial_number: str) -> Response:
    """Revoke by serial number or certificate. Raises ErrorResponse and BackendError."""
    if "serial_number" not in call and "certificate" not in call:
        raise ErrorResponse("The serial number or certificate to revoke must be provided.")
    if "serial_number" in call and "certificate" in call:
        raise ErrorResponse("Must provide either the certificate or the serial to revoke; not both.")
    key = _given_key(call) if call.endpoint is by_key else ""
    certificate = (
        _presented(state, call["certificate"]) if "certificate" in call else _stored(state, call, serial_number)
    )
    if key:
        _check_key(key, certificate)
    state.certificates.setdefault(hyphens(certificate.serial_text), certificate.der)
    return revoke(state, call, certificate)


def _given_key(call: Call) -> str:
    if "private_key" not in call:
        raise ErrorResponse("Must have private key to revoke via the /revoke-with-key path.")
    key: str = call["private_key"]
    if len(key) < 64:
        raise ErrorResponse(
            "Provided data for private_key was too short; perhaps a path was passed to the API rather than the "
            "contents of a PEM file?"
        )
    return key


def _stored(state: PKI, call: Call, serial: str) -> read.Certificate:
    if not serial:
        raise ErrorResponse("The serial number must be provided")
    refuse_relative(call.core.product, hyphens(serial), f"error fetching certificate {serial}: ", 500)
    der = state.certificates.get(hyphens(serial))
    if der is None:
        raise ErrorResponse(f"certificate with serial {serial} not found.")
    return read.load(der)


def _presented(state: PKI, text: str) -> read.Certificate:
    """Return a certificate that is stored, or signed by an issuer of the mount. Raises BackendError."""
    if len(text) < 75:
        raise BackendError(
            "provided certificate data was too short; perhaps a path was passed to the API rather than the contents "
            "of a PEM file"
        )
    block = pem.decode(text)
    if block is None:
        raise BackendError("certificate contains no PEM data")
    with refusing("certificate could not be parsed: ", BackendError):
        certificate = read.load(block.der)
    known = state.certificates.get(hyphens(certificate.serial_text))
    if known is not None:
        if known != certificate.der:
            raise BackendError(
                "certificate with same serial but unequal value already present in this cluster's storage; refusing "
                "to revoke"
            )
        return certificate
    for issuer in state.issuers.values():
        if certificate.signed_by(read.load(issuer.certificate)):
            return certificate
    raise BackendError(
        "unable to verify signature on presented cert from any present issuer in this mount; certificates from "
        "previous CAs will need to have their issuing CA and key re-imported if revocation is necessary"
    )


def _check_key(text: str, certificate: read.Certificate) -> None:
    """Raise BackendError for a key that is not the certificate's."""
    block = pem.decode(text)
    if block is None:
        raise BackendError("provided key PEM block contained no data or failed to parse")
    with refusing("failed to parse provided private key: ", BackendError):
        public = keys.public_of(keys.parse(block.der))
    if keys.describe(public)[0] != keys.describe(certificate.public)[0]:
        raise BackendError("provided private key type does not match certificate's public key type")
    if public != certificate.public:
        raise BackendError("provided private key does not match certificate's public key")


def revoke(state: PKI, call: Call, certificate: read.Certificate) -> Response:
    """Revoke a certificate and build the lists. Raises ErrorResponse for the certificate of an issuer, BackendError."""
    for issuer_id, issuer in state.issuers.items():
        if read.load(issuer.certificate).serial == certificate.serial:
            raise ErrorResponse(f"adding issuer (id: {issuer_id}) to its own CRL is not allowed")
    serial = hyphens(certificate.serial_text)
    known = state.revoked.get(serial)
    if known is not None:
        return Response(data=_shown(known))
    if certificate.not_after < call.now() + _SOON and not state.crl.allow_expired_cert_revocation:
        note = f"certificate with serial {certificate.serial_text} already expired; refusing to add to CRL"
        if call.core.product.has(Feature.PKI_ADDITIONS):
            note += ". Enable 'AllowExpiredCertRevocation' to allow revoking expired certificates."
        return Response(warnings=[note])
    known = Revocation(certificate.der, call.now(), crls.issuer_of(state, certificate))
    state.revoked[serial] = known
    warnings: list[str] = []
    if not state.crl.auto_rebuild:
        warnings = crls.rebuild_or_fail(state, call, force=False)
    elif state.crl.enable_delta:
        state.pending[serial] = None
        state.last_revoked = serial
    return Response(data=_shown(known), warnings=warnings)


def _shown(known: Revocation) -> dict[str, object]:
    return {"revocation_time": int(known.at), "revocation_time_rfc3339": rfc3339(known.at), "state": "revoked"}


@engine.revokes
def lease_ended(state: PKI, call: Call) -> None:
    """Revoke the certificate of a lease that ended, unless it is a CA's."""
    data = state.certificates.get(hyphens(str(call.raw.get("serial_number", ""))))
    if data is not None:
        certificate = read.load(data)
        if not certificate.ca:
            revoke(state, call, certificate)


@engine.catches_up
def catch_up(state: PKI, call: Call) -> None:
    """Build the revocation lists, run the tidy and validate the challenges that are due.

    The real server only logs failures.
    """
    crls.catch_up(state, call)
    tidy_work.catch_up(state, call)
    queue.catch_up(state, call)
