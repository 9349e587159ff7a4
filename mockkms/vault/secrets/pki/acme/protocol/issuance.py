"""``finalize`` and ``cert``: issuing the certificate of an order, and fetching it with its chain."""

from __future__ import annotations

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding import b64, pem
from mockkms.crypto.x509 import build, read
from mockkms.error_context import error_context
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import VaultError
from mockkms.vault.golang.addresses import is_ip, parse_ip
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.acme.problems import (
    BAD_CSR,
    MALFORMED,
    ORDER_NOT_READY,
    SERVER_INTERNAL,
    AcmeProblem,
    after,
    before,
)
from mockkms.vault.secrets.pki.acme.protocol import signed
from mockkms.vault.secrets.pki.acme.protocol.directory import UUID, AcmeDirectory, AcmeReply, for_accounts, resource
from mockkms.vault.secrets.pki.acme.protocol.orders import of_request, shown, status_of
from mockkms.vault.secrets.pki.acme.protocol.values import kind_of
from mockkms.vault.secrets.pki.acme.state import DNS, IP, READY, VALID, AcmeOrder
from mockkms.vault.secrets.pki.certificates import contents, issuing, signing, validity
from mockkms.vault.secrets.pki.certificates.signing import IssuedCertificate
from mockkms.vault.secrets.pki.issuers import signer
from mockkms.vault.secrets.pki.model import hyphens

_LONGEST = 90 * 24 * 3600
"""Seconds that certificates last at most, in products without a setting for it."""
_LABEL = "CERTIFICATE REQUEST"
_SERVER_AUTH = build.EXTENDED_USAGES["serverauth"]


def _finalize(found: AcmeDirectory) -> AcmeReply:
    """Issue the certificate of an order that is ready."""
    text, csr = _request(found.data or {})
    order, now = of_request(found), found.call.now()
    status = status_of(found.records, order, now)
    if status != READY:
        raise before(ORDER_NOT_READY, f"order is status {status}, needs to be in ready state")
    _check_names(order, csr)
    if csr.public == signed.public_bytes(found.signer()):
        raise before(BAD_CSR, "certificate public key must not match account key")
    made = _issued(found, text, csr)
    certificate = made.certificate
    serial = hyphens(certificate.serial_text)
    found.state.certificates[serial] = certificate.der
    found.records.owners[serial] = order.account
    order.status, order.serial, order.certificate_end, order.issuer = (
        VALID, serial, certificate.not_after, found.issuer.id,
    )  # fmt: skip
    return shown(found, order, order.status, order.authorizations)


def _request(data: dict[str, object]) -> tuple[str, read.CertificateRequest]:
    """Return the certificate request, in PEM and parsed. Raises AcmeProblem."""
    if "csr" not in data:
        raise before(MALFORMED, "missing csr in payload")
    given = data["csr"]
    if not isinstance(given, str):
        raise before(MALFORMED, f"csr in payload not the expected type: {kind_of(given)}")
    with error_context("failed base64 decoding csr: ", raised=lambda fault: before(MALFORMED, fault)):
        der = b64.decode_raw_url(given)
    text = pem.encode(_LABEL, der)
    try:
        csr = read.parse_request(text)
    except (CryptoError, ValueError) as error:
        raise before(MALFORMED, f"failed to parse csr: {error}") from None
    if not csr.public:
        raise before(BAD_CSR, "failed to parse csr no public key info or unknown key algorithm used")
    for extension in csr.extensions:
        if extension.oid == build.BASIC_CONSTRAINTS and read.says_authority(extension.value):
            raise before(BAD_CSR, "refusing to accept CSR with Basic Constraints extension with CA set to true")
    return text, csr


def _check_names(order: AcmeOrder, csr: read.CertificateRequest) -> None:
    """Check that a request has the names of the order, its common name included. Raises AcmeProblem."""
    asked_names, asked_addresses = list(csr.names.dns), list(csr.names.ip)
    common_name = "".join(read.parts(csr.subject).get("common_name", [])[-1:])
    if common_name:
        (asked_addresses if is_ip(common_name) else asked_names).append(common_name)
    for what, kind, asked in (("DNS", DNS, _unique_names(asked_names)), ("IP", IP, _unique(asked_addresses))):
        given = [one.original if kind == DNS else one.value for one in order.identifiers if one.kind == kind]
        wanted = _unique_names(given) if kind == DNS else _unique(given)
        if len(wanted) != len(asked):
            fault = f"Order ({len(wanted)}) and CSR ({len(asked)}) mismatch on number of {what} identifiers"
            raise before(BAD_CSR, fault)
        for name, other in zip(wanted, asked, strict=True):
            if name != other:
                raise before(BAD_CSR, f"CSR is missing order {what} identifier {name}")


def _unique_names(names: list[str]) -> list[str]:
    return sorted({name.strip().lower() for name in names if name.strip()})


def _unique(addresses: list[str]) -> list[str]:
    return sorted({str(parse_ip(one)) for one in addresses})


def _issued(found: AcmeDirectory, text: str, csr: read.CertificateRequest) -> IssuedCertificate:
    """Sign a request by the rules of the directory's role. Raises AcmeProblem."""
    role, core, call = found.role, found.call.core, found.call
    given: dict[str, object] = {"csr": text}
    if role.require_cn and not read.parts(csr.subject).get("common_name"):
        names = [name for name in csr.names.dns if "*" in name] + csr.names.dns + csr.names.ip
        given |= {"common_name": names[0]} if names else {}
    inner = Call(core, call.mount, issuing.verbatim, call.request, given, given)
    try:
        ca = signer.load(found.state, found.issuer, "issuing-certificates")
    except VaultError as fault:
        raise AcmeProblem(SERVER_INTERNAL, f"failed loading CA {found.issuer.id}: {fault.errors[0]}") from None
    if found.issuer.leaf_not_after == "err":
        role.leaf_not_after = "truncate"
    try:
        end = validity.not_after(role, inner, ca.certificate, role.leaf_not_after or found.issuer.leaf_not_after, [])
    except VaultError as fault:
        raise after(MALFORMED, f"failed computing certificate TTL from role/mount: {fault.errors[0]}") from None
    longest = found.state.acme.max_ttl if core.product.has(Feature.ACME_ACCOUNTS) else _LONGEST
    if call.now() + longest < end:
        given["ttl"] = longest
    try:
        made = signing.sign(inner, role, ca, authority=False, verbatim=False)
    except VaultError as fault:
        raise before(BAD_CSR, f"refusing to sign CSR: {fault.errors[0]}") from None
    if not found.state.acme.allow_role_ext_key_usage and set(contents.extended_usages(role)) - {_SERVER_AUTH}:
        raise before(BAD_CSR, "ACME certs only allow ServerAuth key usage")
    return made


def _certificate(found: AcmeDirectory) -> AcmeReply:
    """Return the certificate of an order and its chain, in PEM."""
    order = of_request(found)
    if order.status != VALID:
        raise before(ORDER_NOT_READY, f"order is status {order.status}, needs to be in valid state")
    der, issuer = found.state.certificates.get(order.serial), found.state.issuers.get(order.issuer)
    if der is None:
        raise AcmeProblem(SERVER_INTERNAL, f"missing certificate {order.serial} from storage")
    if issuer is None:
        fault = f"failed loading certificate issuer {order.issuer} from storage: unable to find PKI issuer"
        raise AcmeProblem(SERVER_INTERNAL, fault)
    chain = [der, *dict.fromkeys(signer.chain_of(found.state, issuer))]
    body = "".join(pem.encode("CERTIFICATE", one) for one in chain)
    return AcmeReply(body=body.encode(), content_type="application/pem-certificate-chain")


finalizations = resource(f"order/{{order_id:{UUID}}}/finalize", for_accounts(_finalize), "issue a certificate.")
certificates = resource(f"order/{{order_id:{UUID}}}/cert", for_accounts(_certificate), "a certificate with its chain.")
