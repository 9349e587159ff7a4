"""Reading certificates and revocation lists: ``ca``, ``ca_chain``, ``crl``, ``cert/`` and ``certs``.

All but the lists of certificates answer without a token.
"""

from __future__ import annotations

from collections.abc import Callable

from mockkms.crypto.encoding import pem
from mockkms.crypto.x509 import keys, read
from mockkms.crypto.x509.certificate_extensions import DNS
from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing, unsupported_path
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.certificates import modified
from mockkms.vault.secrets.pki.certificates.issuing import authority_part
from mockkms.vault.secrets.pki.issuers import references, signer
from mockkms.vault.secrets.pki.model import PKI, colons, engine, hyphens
from mockkms.vault.secrets.pki.revocation import crls
from mockkms.world.clock import rfc3339

DER, PEM_CHAIN, CRL_DER, PEM_FILE = (
    "application/pkix-cert", "application/pem-certificate-chain", "application/pkix-crl", "application/x-pem-file",
)  # fmt: skip
_SERIAL = {"serial": Field(Kind.STRING, help="Serial number in hex, with colons or hyphens.")}
_HEX = "{serial:re([0-9A-Fa-f:-]+)}"

ca = engine.path("ca[/pem]", login=True, help="The default issuer's certificate.", go_errors=True)
ca_chain = engine.path("ca_chain", login=True, help="The default issuer's chain.")
crl = engine.path("crl{form:one(|/pem|/delta|/delta/pem)}", login=True, help="The default issuer's CRL.")
cert_chain = engine.path("cert/ca_chain", login=True, help="The default issuer's chain.")
cert_ca = engine.path("cert/ca{form:one(|/raw|/raw/pem)}", login=True, help="The default issuer's certificate.")
cert_crl = engine.path("cert/{list:one(crl|delta-crl)}", login=True, help="The default issuer's CRL.", go_errors=True)
raw = engine.path(f"cert/{_HEX}/raw{{form:one(|/pem)}}", fields=_SERIAL, login=True, help="A certificate by itself.")
one = engine.path(f"cert/{_HEX}", fields=_SERIAL, login=True, help="A certificate.")
nothing = engine.path(
    "cert/{rest:all}", login=True, documented=False, help="Other paths below cert/ are not supported."
)
listing = engine.path("certs[/]", fields=PAGE, help="Serial numbers of the stored certificates.")
detailed = engine.path(
    "certs/detailed[/]", fields=PAGE, needs=Feature.PKI_ADDITIONS, help="The stored certificates, with details."
)


def raw_body(body: bytes, content_type: str) -> Response:
    """Return a response with a body outside the envelope; 204 for an empty one."""
    return Response(raw=body, content_type=content_type, status=200 if body else 204)


def _or_empty(make: Callable[[], bytes]) -> bytes:
    """Return the result of ``make``, or nothing if it raises."""
    try:
        return make()
    except (BackendError, ErrorResponse):
        return b""


def _chain(state: PKI) -> list[bytes]:
    """Return the chain of the default issuer (DER). Raises ErrorResponse and BackendError."""
    with refusing(of=BackendError):
        issuer = references.issuer(state, references.DEFAULT)
    signer.check_usage(issuer, "read-only")
    with refusing(of=BackendError):
        signer.key_of(state, issuer)
    return signer.load(state, issuer, "read-only").chain


def _plain(text: str, **more: object) -> dict[str, object]:
    return {"certificate": text, "revocation_time": 0, "revocation_time_rfc3339": "", **more}


def _certificate(call: Call, der: bytes) -> dict[str, object]:
    return _plain(signer.text(der), **authority_part(call, read.load(der)))


def _ca_kept(state: PKI, call: Call) -> Response | None:
    """Return 304 if the client has the default issuer's certificate already, otherwise None."""
    issuer = state.issuers.get(state.default_issuer)
    return modified.unchanged(call, issuer.modified) if issuer is not None else None


def _list_kept(state: PKI, call: Call, *, delta: bool) -> Response | None:
    """Return 304 if the client has the list already, otherwise None."""
    return modified.unchanged(call, state.deltas_modified if delta else state.lists_modified)


@ca.on(Operation.READ)
def read_ca(state: PKI, call: Call) -> Response:
    """Return DER, or PEM without the last line break."""
    kept = _ca_kept(state, call)
    if kept is not None:
        return kept
    if call.request.path.endswith("/pem"):
        return raw_body(_or_empty(lambda: signer.text(_chain(state)[0]).encode()), PEM_CHAIN)
    return raw_body(_or_empty(lambda: _chain(state)[0]), DER)


@ca_chain.on(Operation.READ)
def read_chain(state: PKI, _call: Call) -> Response:
    """Return the chain from the issuer up in PEM."""
    return raw_body(_or_empty(lambda: _joined(_chain(state)).encode()), DER)


def _joined(chain: list[bytes]) -> str:
    return "\n".join(map(signer.text, chain))


@cert_chain.on(Operation.READ)
def read_chain_json(state: PKI, call: Call) -> Reply:
    """Return the chain in JSON, under both its names. Raises ErrorResponse and BackendError."""
    chain = _chain(state)
    text = _joined(chain)
    return _plain(text, ca_chain=text, **authority_part(call, read.load(chain[0])))


@cert_ca.on(Operation.READ)
def read_cert_ca(state: PKI, call: Call, *, form: str) -> Response:
    """Return the certificate in JSON, DER or PEM. Raises ErrorResponse and BackendError for JSON only."""
    kept = _ca_kept(state, call)
    if kept is not None:
        return kept
    if form == "/raw":
        return raw_body(_or_empty(lambda: _chain(state)[0]), DER)
    if form:
        return raw_body(_or_empty(lambda: signer.text(_chain(state)[0]).encode()), PEM_CHAIN)
    return Response(data=_certificate(call, _chain(state)[0]))


def _crl(state: PKI, *, delta: bool) -> bytes:
    found = crls.find(state, references.DEFAULT)
    return found.delta if delta else found.complete


def _crl_text(der: bytes) -> str:
    return pem.encode("X509 CRL", der).strip() if der else ""


@crl.on(Operation.READ)
def read_crl(state: PKI, call: Call, *, form: str) -> Response:
    """Return DER, or PEM without the last line break."""
    kept = _list_kept(state, call, delta="delta" in form)
    if kept is not None:
        return kept
    der = _or_empty(lambda: _crl(state, delta="delta" in form))
    return raw_body(_crl_text(der).encode(), PEM_FILE) if form.endswith("/pem") else raw_body(der, CRL_DER)


@cert_crl.on(Operation.READ)
def read_cert_crl(state: PKI, call: Call) -> Response | None:
    """Return the list in JSON. Raises BackendError."""
    kept = _list_kept(state, call, delta=call["list"] == "delta-crl")
    if kept is not None:
        return kept
    der = _crl(state, delta=call["list"] == "delta-crl")
    return Response(data=_plain(_crl_text(der))) if der else None


@raw.on(Operation.READ)
def read_raw(state: PKI, _call: Call, *, serial: str, form: str) -> Response:
    """Return DER or PEM; empty for an unknown certificate."""
    der = state.certificates.get(hyphens(serial), b"")
    if form:
        return raw_body(signer.text(der).encode() if der else b"", PEM_CHAIN)
    return raw_body(der, DER)


@one.on(Operation.READ)
def read_one(state: PKI, call: Call) -> Reply:
    """Return the certificate, and when it was revoked."""
    serial = hyphens(call["serial"])
    der = state.certificates.get(serial)
    if der is None:
        return None
    found, known = _certificate(call, der), state.revoked.get(serial)
    if known is not None:
        found |= {"revocation_time": int(known.at), "revocation_time_rfc3339": rfc3339(known.at)}
        if known.issuer:
            found["issuer_id"] = known.issuer
    return found


@nothing.on(*[operation for operation in Operation if operation is not Operation.HELP])
def read_nothing(_state: PKI, _call: Call) -> None:
    """Raise BackendError for an unsupported path, without a token."""
    raise unsupported_path()


@listing.on(Operation.LIST)
def list_certificates(state: PKI, call: Call) -> Reply:
    """Return the serial numbers, sorted."""
    return {"keys": [colons(serial) for serial in page(sorted(state.certificates), call["after"], call["limit"])]}


@detailed.on(Operation.LIST)
def list_detailed(state: PKI, call: Call) -> Reply:
    """Return the serial numbers, with a description of each certificate."""
    serials = page(sorted(state.certificates), call["after"], call["limit"])
    return {
        "keys": [colons(serial) for serial in serials],
        "key_info": {colons(serial): _details(state.certificates[serial]) for serial in serials},
    }


def _details(der: bytes) -> dict[str, object]:
    certificate = read.load(der)
    kind, bits = keys.describe(certificate.public)
    return {
        "common_name": certificate.common_name,
        "issuer": read.readable(certificate.issuer),
        "key_type": kind,
        "key_bits": bits or 256,
        "not_after": rfc3339(certificate.not_after),
        "not_before": rfc3339(certificate.not_before),
        "dns_names": certificate.named(DNS)[:5] or None,
    }
