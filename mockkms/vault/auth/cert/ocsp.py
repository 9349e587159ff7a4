"""The status of a login's certificate by OCSP (RFC 6960), as servers on this machine say it.

Source: Vault's ``sdk/helper/ocsp/client.go`` and ``builtin/credential/cert/path_login.go``. Its cache of responses is
never hit, as it stores another numbering of the states than it reads, so every login queries the servers.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from time import monotonic

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from mockkms import outside
from mockkms.crypto.x509 import read
from mockkms.error_context import error_context
from mockkms.go_urls import parse_fault
from mockkms.vault.auth.cert.model import CertRole
from mockkms.vault.golang import time
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.golang.fmt import error_list

_HEADERS = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}
_NEVER = "0001-01-01 00:00:00 +0000 UTC"
_STATES = {ocsp.OCSPCertStatus.GOOD: 0, ocsp.OCSPCertStatus.REVOKED: 1, ocsp.OCSPCertStatus.UNKNOWN: 2}
_GOOD, _REVOKED, _UNKNOWN = _STATES
_REFUSALS = {
    ocsp.OCSPResponseStatus.MALFORMED_REQUEST: "malformed",
    ocsp.OCSPResponseStatus.INTERNAL_ERROR: "internal error",
    ocsp.OCSPResponseStatus.TRY_LATER: "try later",
    ocsp.OCSPResponseStatus.SIG_REQUIRED: "signature required",
    ocsp.OCSPResponseStatus.UNAUTHORIZED: "unauthorized",
}


@dataclass
class OcspRules:
    """How the status of certificates is found: the settings of all roles of a login together."""

    servers: list[str] = field(default_factory=list)
    """Replace the servers that the certificate names, if there are any."""
    fail_open: bool = False
    all_servers: bool = False
    max_age: int = 0
    """Seconds since a response was true; 0 is any."""
    retries: int = 4
    ca_pem: str = ""
    until: float = field(default_factory=lambda: monotonic() + outside.PATIENCE)
    """The moment of ``monotonic`` at which the login stops waiting, however many servers there are."""


@dataclass
class _Answer:
    """What one server says: a state, or why there is none."""

    state: ocsp.OCSPCertStatus | None = None
    faults: list[str] = field(default_factory=list)
    unreachable: bool = False
    """Every fault is that of a connection."""
    forged: bool = False
    """A response is not about the certificate, or not by its issuer: no other server is believed then."""


def rules_of(roles: Iterable[CertRole]) -> OcspRules:
    """Return the settings that apply to a login: lists are joined, of single values the last one counts."""
    found = OcspRules()
    for role in roles:
        if not role.ocsp_enabled:
            continue
        found.servers += role.ocsp_servers_override or []
        found.fail_open, found.max_age = role.ocsp_fail_open, role.ocsp_this_update_max_age
        found.all_servers = found.all_servers or role.ocsp_query_all_servers
        found.retries = role.ocsp_max_retries
        found.ca_pem = role.ocsp_ca_certificates or found.ca_pem
    return found


def accepted(
    shown: x509.Certificate, issuer: x509.Certificate, rules: OcspRules, now: Callable[[], float], *, opens: bool
) -> tuple[bool, list[str]]:
    """Return whether a certificate counts as not revoked, and the errors that keep that from being known.

    ``now`` is asked when a server has answered. ``opens``: with ``ocsp_fail_open``, unreachable servers are no error.
    """
    servers = rules.servers or read.parsed(shown).ocsp
    if not servers:
        return False, [f"no OCSP responder URL: subject: {shown.subject.rfc4514_string()}"]
    request = ocsp.OCSPRequestBuilder().add_certificate(shown, issuer, hashes.SHA1()).build()
    body = request.public_bytes(Encoding.DER)
    answers = []
    for server in servers:
        fault = parse_fault(server)
        if fault:
            return False, [fault]
        answers.append(_asked(server, body, shown, issuer, rules, now))
        if not rules.all_servers and not answers[-1].faults:
            break
    return _judged(answers, issuer, rules, opens=opens)


def _judged(
    answers: Sequence[_Answer], issuer: x509.Certificate, rules: OcspRules, *, opens: bool
) -> tuple[bool, list[str]]:
    forged = next((answer for answer in answers if answer.forged), None)
    if forged is not None:
        return False, forged.faults
    states = [answer.state for answer in answers if not answer.faults]
    faulty = next((answer for answer in answers if answer.faults), None)
    state = next((one for one in (_REVOKED, _GOOD, _UNKNOWN) if one in states), None)
    if faulty is not None and state is not _REVOKED and (state is not _GOOD or rules.all_servers):
        if opens and rules.fail_open and faulty.unreachable:
            return True, []
        faults = faulty.faults
        if state is _GOOD:
            shown = faults[0] if len(faults) == 1 else error_list(faults)
            faults = [
                "encountered an error on a server, ignoring good response status as ocsp_query_all_servers is set to "
                f"true: {shown}"
            ]
        return False, faults
    if state is _UNKNOWN and not rules.fail_open:
        return False, [f"unknown OCSP status for cert with serial number {read.serial_text(issuer.serial_number)}"]
    return state is not _REVOKED, []


def _asked(
    server: str,
    body: bytes,
    shown: x509.Certificate,
    issuer: x509.Certificate,
    rules: OcspRules,
    now: Callable[[], float],
) -> _Answer:
    """Ask a server, by GET and then by POST."""
    found: ocsp.OCSPResponse | None = None
    answer, connections = _Answer(), 0
    for method in ("GET", "POST"):
        url = f"{server}/{base64.b64encode(body).decode()}" if method == "GET" else server
        try:
            seconds = outside.remaining(rules.until)
            sent = body if method == "POST" else b""
            status, content = outside.ask(method, url, _HEADERS, sent, ca_pem=rules.ca_pem, seconds=seconds)
        except OSError as error:
            connections += 1
            tried = f"{method} {url} giving up after {rules.retries + 1} attempt(s)"
            answer.faults.append(f"error doing {method} request: {tried}: {outside.no_answer(method, url, error)}")
            continue
        try:
            parsed = _parsed(method, url, status, content, rules)
            fault = _forgery(parsed, shown, issuer, now())
        except ValueError as error:
            answer.faults.append(str(error))
            continue
        if fault:
            return _Answer(faults=[f"error validating {method} OCSP response: {fault}"], forged=True)
        found = parsed
        if found.certificate_status is not _UNKNOWN:
            break
    if found is None:
        answer.unreachable = connections == len(answer.faults)
        return answer
    fault = _outdated(found, rules, now())
    return _Answer(faults=[fault]) if fault else _Answer(state=found.certificate_status)


def _parsed(method: str, url: str, status: int, content: bytes, rules: OcspRules) -> ocsp.OCSPResponse:
    """Return a response that has a status of a certificate. Raises ValueError."""
    if status == HTTPStatus.TOO_MANY_REQUESTS or (status >= 500 and status != HTTPStatus.NOT_IMPLEMENTED):
        raise ValueError(f"error doing {method} request: {method} {url} giving up after {rules.retries + 1} attempt(s)")
    if status != HTTPStatus.OK:
        phrase = HTTPStatus(status).phrase if status in list(HTTPStatus) else ""
        raise ValueError(f"HTTP code is not OK on {method} request. {status}: {status} {phrase}".rstrip())
    prefix = f"error parsing {method} OCSP response: "
    with error_context(text=f"{prefix}asn1: structure error: no OCSP response"):
        found = ocsp.load_der_ocsp_response(content)
    if found.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise ValueError(f"{prefix}ocsp: error from server: {_REFUSALS.get(found.response_status, 'unknown')}")
    if found.certificates and not _signed(found, found.certificates[0]):
        raise ValueError(f"{prefix}bad signature on embedded certificate: {_unsigned(found.certificates[0])}")
    return found


def _forgery(found: ocsp.OCSPResponse, shown: x509.Certificate, issuer: x509.Certificate, now: float) -> str:
    """Return why a response is not the issuer's about this certificate; empty if it is."""
    if not found.certificates:
        if not _signed(found, issuer):
            return f"error directly verifying signature: {_unsigned(issuer)}"
    else:
        delegate = found.certificates[0]
        try:
            delegate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            return f"error checking chain of trust {issuer.subject.rfc4514_string()} failed: {_unsigned(issuer)}"
        if delegate.not_valid_after_utc < datetime.fromtimestamp(now, UTC):
            return "error checking delegated OCSP responder OCSP response: certificate has expired"
        try:
            usages = list(delegate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
        except (x509.ExtensionNotFound, ValueError):
            usages = []
        if ExtendedKeyUsageOID.OCSP_SIGNING not in usages:
            return "error checking delegated OCSP responder: certificate lacks the OCSP Signing EKU"
    if found.serial_number != shown.serial_number:
        return (
            f"OCSP response serial number {read.serial_text(found.serial_number)} did not match the leaf certificate "
            f"serial number {read.serial_text(shown.serial_number)}"
        )
    return ""


def _outdated(found: ocsp.OCSPResponse, rules: OcspRules, now: float) -> str:
    """Return why a response does not count now; empty if it does."""
    since, until = found.this_update_utc.timestamp(), found.next_update_utc
    end = until.timestamp() if until is not None else None
    if since > now or (end is not None and (end < now or end < since)):
        shown = time.plain(end) if end is not None else _NEVER
        return (
            f"invalid validity: producedAt: {time.plain(found.produced_at_utc.timestamp())}, "
            f"thisUpdate: {time.plain(since)}, nextUpdate: {shown}"
        )
    if rules.max_age > 0 and now - since > rules.max_age:
        return (
            f"invalid validity: thisUpdate: {time.plain(since)} is greater than max age: {go_duration(rules.max_age)}"
        )
    return ""


def _signed(found: ocsp.OCSPResponse, signer: x509.Certificate) -> bool:
    """Return whether the key of a certificate signed a response."""
    key, algorithm = signer.public_key(), found.signature_hash_algorithm
    try:
        if isinstance(key, rsa.RSAPublicKey) and algorithm is not None:
            key.verify(found.signature, found.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey) and algorithm is not None:
            key.verify(found.signature, found.tbs_response_bytes, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _unsigned(signer: x509.Certificate) -> str:
    """Return Go's error for a signature that is not by the key of a certificate."""
    elliptic = isinstance(signer.public_key(), ec.EllipticCurvePublicKey)
    return "x509: ECDSA verification failure" if elliptic else "crypto/rsa: verification error"
