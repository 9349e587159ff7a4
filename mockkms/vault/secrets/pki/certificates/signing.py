"""Signing certificates: for a new key, and for the key of a request."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding import pem
from mockkms.crypto.x509 import build, keys, read
from mockkms.crypto.x509.build import CERT_SIGN, CRL_SIGN, DIGITAL_SIGNATURE, Extension, Names, Template
from mockkms.go_urls import parse_url
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, ErrorResponse, refusing
from mockkms.vault.golang import name_constraints
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.certificates import contents, validity
from mockkms.vault.secrets.pki.issuers import key_sizes
from mockkms.vault.secrets.pki.issuers.signer import Signer
from mockkms.vault.secrets.pki.model import PKI
from mockkms.vault.secrets.pki.role import PkiRole
from mockkms.vault.secrets.pki.settings import PkiUrls


@dataclass
class IssuedCertificate:
    """A certificate, its private key (PKCS #8 DER) if it was generated, and its chain (DER)."""

    certificate: read.Certificate
    private: bytes = b""
    chain: list[bytes] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def new_key(state: PKI, call: Call, kind: str, bits: int) -> bytes:
    """Return a new private key (PKCS #8 DER) that differs from all others of the mount."""
    taken = (key.private for key in state.keys.values() if key.type == "rsa")
    return keys.generate(kind, bits, call.core.entropy, taken)


def serial(call: Call) -> int:
    """Return a new serial number."""
    return int.from_bytes(call.core.entropy.bytes(20), "big") >> 160 - contents.SERIAL_BITS


def issue(state: PKI, call: Call, role: PkiRole, signer: Signer) -> IssuedCertificate:
    """Return a leaf certificate with a new key. Raises ErrorResponse and BackendError."""
    asked = contents.contents_of(call, role, signer, None)
    private = new_key(state, call, role.key_type, role.key_bits)
    template = _template(call, role, asked, keys.public_of(private), signer.urls)
    template.not_before = validity.start(role, call, asked.not_before, asked.not_after)
    template.authority_key_id = signer.certificate.subject_key_id
    name = keys.signature_name(signer.key.private, role.signature_bits, pss=role.use_pss)
    made = built(template, signer.certificate.subject, signer.key.private, name)
    verified(call, signer, made)
    return IssuedCertificate(made, private, signer.chain, asked.warnings)


def verified(call: Call, signer: Signer, made: read.Certificate, framing: str = "") -> None:
    """Raise BackendError for a certificate that its issuer may not sign, in products that verify this."""
    if call.core.product.has(Feature.PKI_VERIFIED):
        with refusing(framing, BackendError):
            name_constraints.verify(made.der, signer.chain)


def _template(call: Call, role: PkiRole, asked: contents.CertificateContents, public: bytes, urls: PkiUrls) -> Template:
    return Template(
        serial=serial(call),
        subject=build.subject(asked.subject),
        not_before=0,
        not_after=asked.not_after,
        public=public,
        subject_key_id=asked.key_id or keys.key_id(public),
        names=asked.names,
        key_usage=asked.key_usage,
        extended=asked.extended,
        basic=role.basic_constraints_valid_for_non_ca,
        policies=asked.policies,
        issuing=urls.issuing_certificates,
        crl_points=urls.crl_distribution_points,
        delta_points=urls.delta_crl_distribution_points,
        ocsp=urls.ocsp_servers,
    )


def built(template: Template, issuer: bytes, private: bytes, name: str) -> read.Certificate:
    """Return the certificate of a template, signed by a private key. Raises BackendError."""
    check_other_names(template.names)
    limits = (template.permitted, template.excluded)
    with refusing("unable to create certificate: ", BackendError):
        if template.path_length is not None and template.path_length < 0:
            raise ValueError("x509: invalid MaxPathLen, must be greater or equal to -1")
        check_ascii(template.names, *limits)
        made = build.certificate(template, issuer, private, name)
    check_hosts(template.names)
    for text in (domain for names in limits for domain in names.dns):
        if not name_constraints.is_domain(text):
            fault = f"x509: failed to parse dnsName constraint {quote(text)}"
            raise BackendError(f"unable to parse created certificate: {fault}")
    with refusing("unable to parse created certificate: ", BackendError):
        return read.load(made)


def check_other_names(names: Names) -> None:
    """Check the object identifiers of other kinds of names. Raises BackendError."""
    with refusing("error marshaling other SANs: ", BackendError):
        for number, _ in names.other:
            build.check_other_name(number)


def check_ascii(*names: Names) -> None:
    """Raise ValueError with Go's text for the first name that is written in ASCII and has other characters."""
    for text in (text for one in names for text in (*one.dns, *one.email, *one.uri)):
        if not text.isascii():
            raise ValueError(f"x509: {quote(text)} cannot be encoded as an IA5String")


def check_hosts(names: Names) -> None:
    """Raise BackendError for a URI whose host Go refuses when it reads a certificate (``parseSANExtension``)."""
    for uri in names.uri:
        host = unquote(parse_url(uri).netloc.rpartition("@")[2])
        if host and not (all(host.split(".")) and all("!" <= char <= "~" for char in host)):
            fault = f"x509: cannot parse URI {quote(uri)}: invalid domain"
            raise BackendError(f"unable to parse created certificate: {fault}")


def authority_parts(call: Call, template: Template) -> None:
    """Add to a template what is specific to CA certificates. Raises ErrorResponse."""
    template.basic = template.ca = True
    usage = build.usage_bits(call["key_usage"]) if "key_usage" in call else 0
    template.key_usage = CERT_SIGN | CRL_SIGN | (usage & DIGITAL_SIGNATURE)
    asked: list[str] = []
    for name in ("ext_key_usage", "ext_key_usage_oids"):
        if name in call:  # Never sent to a product that does not have them.
            # The OIDs are looked up as if they were names: so does the real server, and finds none.
            asked = [item.strip().lower() for item in call[name]]
    template.extended = [number for name, number in build.EXTENDED_USAGES.items() if name in asked]
    template.permitted, template.excluded = (
        Names(
            call[f"{verb}_dns_domains"], call[f"{verb}_email_addresses"], _networks(call, verb),
            call[f"{verb}_uri_domains"],
        )
        for verb in ("permitted", "excluded")
    )  # fmt: skip


def _networks(call: Call, verb: str) -> list[str]:
    """Return the networks of name constraints. Raises ErrorResponse."""
    found = []
    for text in call[f"{verb}_ip_ranges"]:
        try:
            found.append(name_constraints.network(text))
        except ValueError as error:
            front = f"invalid {verb}_ip_ranges value"
            if "csr" in call.endpoint.fields:
                front = f"error parsinng {verb} IP ranges"  # Spelled so by the real server.
            raise ErrorResponse(f"{front}: error parsing IP range {quote(text)}: {error}") from None
    return found


def root(
    call: Call, role: PkiRole, private: bytes, urls: PkiUrls, asked: contents.CertificateContents
) -> IssuedCertificate:
    """Return a certificate signed by its own key. Raises ErrorResponse and BackendError."""
    public = keys.public_of(private)
    template = _template(call, role, asked, public, urls)
    authority_parts(call, template)
    template.path_length = asked.path_length
    template.not_before = validity.start(role, call, asked.not_before, asked.not_after)
    template.authority_key_id = template.subject_key_id
    name = keys.signature_name(private, role.signature_bits, pss=role.use_pss)
    return IssuedCertificate(built(template, template.subject, private, name), private, [], asked.warnings)


def sign(call: Call, role: PkiRole, signer: Signer, *, authority: bool, verbatim: bool) -> IssuedCertificate:
    """Return a certificate for the key of a request; with ``verbatim`` also with its subject and extensions.

    Raises ErrorResponse and BackendError.
    """
    csr = _request(call["csr"])
    role = role.copy()
    _check_key(call, role, csr)
    asked = contents.contents_of(call, role, signer, csr)
    if not csr.signed:
        raise ErrorResponse("request signature invalid")
    kept = verbatim and call.core.product.has(Feature.PKI_CSR_CONSTRAINTS)
    if not authority:
        _check_constraints(call, role, csr, asked, kept=kept)
    template = _template(call, role, asked, csr.public, signer.urls)
    template.not_before = call.now() - (role.not_before_duration or validity.BACKDATED)
    template.authority_key_id = signer.certificate.subject_key_id
    if verbatim:
        template.subject = csr.subject
        template.names = replace(csr.names, other=asked.names.other)
        template.extra = _taken_over(csr, other_names=bool(asked.names.other), constraints=kept and not authority)
    if authority:
        authority_parts(call, template)
        if signer.certificate.path_length == 0:
            raise ErrorResponse(
                "signing certificate has a max path length of zero, and cannot issue further CA certificates"
            )
        template.path_length = asked.path_length
    name = keys.signature_name(
        signer.key.private, role.signature_bits, pss=role.use_pss,
        by_curve=call.core.product.has(Feature.PKI_ISSUER_HASH),
    )  # fmt: skip
    with refusing("error signing cert: " if authority else "", BackendError, of=BackendError):
        made = built(template, signer.certificate.subject, signer.key.private, name)
    verified(call, signer, made, "verification of parsed bundle failed: " if authority else "")
    return IssuedCertificate(made, b"", signer.chain, asked.warnings)


def _check_constraints(
    call: Call, role: PkiRole, csr: read.CertificateRequest, asked: contents.CertificateContents, *, kept: bool
) -> None:
    """Refuse the Basic Constraints of a CA if they are ``kept``; otherwise warn that they are ignored.

    Raises ErrorResponse.
    """
    found = [item.value for item in csr.extensions if item.oid == build.BASIC_CONSTRAINTS]
    if kept:
        for value in found:
            with refusing("unable to parse Basic Constraints extension in CSR: "):
                authority = read.says_authority(value)
            if authority:
                raise ErrorResponse("refusing to accept CSR with Basic Constraints extension with CA set to true")
    elif found and not (role.basic_constraints_valid_for_non_ca and call.core.product.has(Feature.PKI_ADDITIONS)):
        asked.warnings.append("specified CSR contained a Basic Constraints extension that was ignored during issuance")


def _taken_over(csr: read.CertificateRequest, *, other_names: bool, constraints: bool) -> list[Extension]:
    """Return the extensions of a request that are copied into the certificate.

    Alternative names are written anew if there are ``other_names``; ``constraints`` are the Basic Constraints.
    """
    skipped = ({build.ALT_NAMES} if other_names else set()) | (set() if constraints else {build.BASIC_CONSTRAINTS})
    return [item for item in csr.extensions if item.oid not in skipped]


def _request(text: str) -> read.CertificateRequest:
    if not text:
        raise ErrorResponse('"csr" is empty')
    if pem.decode(text) is None:
        raise ErrorResponse("csr contains no data")
    with refusing("certificate request could not be parsed: ", of=CryptoError):
        csr = read.parse_request(text)
    if not csr.public:
        raise ErrorResponse(
            "Refusing to sign CSR with empty PublicKey. This usually means the SubjectPublicKeyInfo field has an OID "
            "not recognized by Go, such as 1.2.840.113549.1.1.10 for rsaPSS."
        )
    return csr


def _check_key(call: Call, role: PkiRole, csr: read.CertificateRequest) -> None:
    """Check the key of a request; a role for any key gets the sizes of this one. Raises ErrorResponse, BackendError."""
    kind, bits = keys.describe(csr.public)
    if role.key_type == "any":
        if kind == "rsa" and bits < 2048:
            raise ErrorResponse("RSA keys < 2048 bits are unsafe and not supported")
        with refusing("unknown internal error updating default values: ", BackendError):
            role.key_bits, role.signature_bits = key_sizes.settle(call, kind, 0, role.signature_bits)
        if kind == "ec":
            role.key_bits = 224
    elif kind != role.key_type:
        raise ErrorResponse(f"role requires keys of type {role.key_type}")
    if kind != "ed25519" and bits < role.key_bits:
        raise ErrorResponse(f"role requires a minimum of a {role.key_bits}-bit key, but CSR's key is {bits} bits")
