"""``sign-intermediate`` and ``sign-self-issued``: certificates for other CAs."""

from __future__ import annotations

from mockkms.crypto.encoding import der_write, pem
from mockkms.crypto.encoding.der import DerReader
from mockkms.crypto.x509 import build, keys, read
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki import keystores
from mockkms.vault.secrets.pki.certificates import signing
from mockkms.vault.secrets.pki.certificates.issuing import b64
from mockkms.vault.secrets.pki.issuers import references, roots, signer
from mockkms.vault.secrets.pki.model import ALWAYS_REFUSED, PKI, engine, hyphens
from mockkms.vault.secrets.pki.role_fields import AUTHORITY, CA, CA_USAGES, ISSUER_REF, SIGNATURE, STORE, check_format

_SIGN = {
    **AUTHORITY, **CA_USAGES, **SIGNATURE, **CA, **STORE, **ISSUER_REF,
    "enforce_leaf_not_after_behavior": Field(
        Kind.BOOL, help="The issuer's own rule says what becomes of a lifetime beyond its own.",
        needs=Feature.PKI_VERIFIED,
    ),
    "issuer_name": Field(Kind.STRING, help="Has no effect."),
    "csr": Field(Kind.STRING, help="Certificate request in PEM."),
    "use_csr_values": Field(Kind.BOOL, help="Use subject and extensions of the request."),
    "skid": Field(Kind.STRING, help="Subject key identifier in hex; by default that of the key."),
}  # fmt: skip
_SELF = {
    **ISSUER_REF,
    "issuer_name": Field(Kind.STRING, help="Has no effect.", needs=Feature.PKI_ADDITIONS),
    "certificate": Field(Kind.STRING, help="Self-issued CA certificate in PEM."),
    "require_matching_certificate_algorithms": Field(Kind.BOOL, help="Both keys must have the same type."),
}

_AUTHORITY, _ACCESS, _POINTS = map(der_write.oid, ("2.5.29.35", "1.3.6.1.5.5.7.1.1", "2.5.29.31"))
_ORDER = (
    *map(der_write.oid, ("2.5.29.15", "2.5.29.37", "2.5.29.19", "2.5.29.14")), _AUTHORITY, _ACCESS,
    *map(der_write.oid, ("2.5.29.17", "2.5.29.32", "2.5.29.30")), _POINTS,
)  # fmt: skip
"""The extensions that Go supports, in its order."""

_FORMATS = 'The "format" path parameter must be "pem" or "der"'
_FORMATS_LATER = 'The "format" path parameter must be "pem", "der" or "pem_bundle"'
_LAST = [
    "Max path length of the signed certificate is zero. This certificate cannot be used to issue intermediate CA "
    "certificates."
]
_LAST_LATER = [
    "Max path length of the signed certificate is zero. This CA certificate cannot be used to issue intermediate CA "
    "certificates.",
    "Max path length of the generated certificate is zero. This CA certificate cannot be used to issue further "
    "intermediate CA certificates.",
]

sign = engine.path("root/sign-intermediate", fields=_SIGN, help="Sign the request of a CA.", go_errors=True)
issuer_sign = engine.path(
    "issuer/{issuer_ref}/sign-intermediate", fields=_SIGN, help="The same with a named issuer.", go_errors=True
)
self_issued = engine.path(
    "root/sign-self-issued", fields=_SELF, sudo=True, help="Sign a self-issued CA certificate.", go_errors=True
)
issuer_self_issued = engine.path(
    "issuer/{issuer_ref}/sign-self-issued", fields=_SELF, help="The same with a named issuer.", go_errors=True
)


@sign.on(Operation.UPDATE)
@issuer_sign.on(Operation.UPDATE)
def sign_intermediate(
    state: PKI,
    call: Call,
    *,
    signature_bits: int,
    use_pss: bool,
    not_before: str,
    not_after: str,
    common_name: str,
    max_path_length: int,
    enforce_leaf_not_after_behavior: bool,
    use_csr_values: bool,
) -> Response:
    """Sign the request of a CA. Raises ErrorResponse and BackendError."""
    reference, product = references.reference(call), call.core.product
    form = check_format(call, _FORMATS_LATER if product.has(Feature.PKI_LATER) else _FORMATS)
    role = roots.subject_role(
        call, key_type="any", signature_bits=signature_bits, use_pss=use_pss,
        not_before=not_before, not_after=not_after, use_csr_common_name=not common_name,
    )  # fmt: skip
    ca = signer.for_issuing(state, reference)
    if "max_path_length" in call:
        role.max_path_length = max_path_length
    role.leaf_not_after = "permit"
    if product.has(Feature.PKI_VERIFIED):
        # An empty one is the issuer's own.
        own = enforce_leaf_not_after_behavior or ca.issuer.leaf_not_after == ALWAYS_REFUSED
        role.leaf_not_after = "" if own else "truncate"
    made = signing.sign(call, role, ca, authority=True, verbatim=use_csr_values)
    certificate = made.certificate
    warnings = []
    if ca.certificate.not_after < certificate.not_after:
        warnings.append(
            "The expiration time for the signed certificate is after the CA's expiration time. If the new certificate "
            "is not treated as a root, validation paths with the certificate past the issuing CA's expiration time "
            "will fail."
        )
    warnings += roots.ca_warnings(certificate.subject, has_urls=certificate.urls)
    chain = [certificate.der, *made.chain]
    write = b64 if form == "der" else signer.text
    data: dict[str, object] = {
        "expiration": int(certificate.not_after),
        "serial_number": certificate.serial_text,
        "certificate": write(certificate.der),
        "issuing_ca": write(ca.certificate.der),
        "ca_chain": [write(der) for der in chain],
    }
    if form == "pem_bundle":
        data["certificate"] = "\n".join(map(signer.text, chain))
    elif form in keystores.FORMS:
        data["certificate"] = keystores.stored(call, form, chain)
    state.certificates[hyphens(certificate.serial_text)] = certificate.der
    if certificate.path_length == 0:
        warnings += _LAST_LATER if product.has(Feature.PKI_ISSUER_HASH) else _LAST
    warnings += made.warnings
    if role.leaf_not_after == "truncate" and certificate.not_after == ca.certificate.not_after:
        warnings.append("the signed intermediary CA certificate's notAfter was truncated to the issuer's notAfter")
    if product.has(Feature.PKI_VERIFIED):
        warnings += roots.usage_note(call, "Invalid key usage: ")
    return Response(data=data, warnings=warnings)


@self_issued.on(Operation.UPDATE)
@issuer_self_issued.on(Operation.UPDATE)
def sign_self_issued(state: PKI, call: Call, *, require_matching_certificate_algorithms: bool) -> Reply:
    """Sign a self-issued CA certificate with this issuer. Raises ErrorResponse and BackendError."""
    reference = references.reference(call)
    certificate = _self_issued(call)
    if not certificate.ca:
        raise ErrorResponse("given certificate is not a CA certificate")
    if certificate.issuer != certificate.subject:
        raise ErrorResponse("given certificate is not self-issued")
    ca = signer.for_issuing(state, reference)
    kinds = [keys.describe(one.public)[0] for one in (ca.certificate, certificate)]
    if kinds[0] != kinds[1] and require_matching_certificate_algorithms:
        names = {"rsa": "RSA", "ec": "ECDSA", "ed25519": "Ed25519"}
        raise BackendError(
            f"signing certificate's public key algorithm ({names[kinds[0]]}) does not match submitted certificate's "
            f"({names[kinds[1]]}), and require_matching_certificate_algorithms is true"
        )
    der = _signed_by(certificate, ca, keep_algorithm=kinds[0] == kinds[1])
    return {"certificate": signer.text(der), "issuing_ca": signer.text(ca.certificate.der)}


def _self_issued(call: Call) -> read.Certificate:
    """Return the certificate of the request. Raises ErrorResponse."""
    text, later = call["certificate"], call.core.product.has(Feature.PKI_LATER)
    blocks: list[bytes] = []
    while True:
        block = pem.decode(text)
        if block is None or not block.der:
            break
        blocks.append(block.der)
        text = block.rest
        if not later or not text.strip():
            break
    if not blocks or (later and text.strip()):
        raise ErrorResponse(
            "error parsing certificate: unable to parse certificate: invalid PEM"
            if later
            else "certificate could not be PEM-decoded"
        )
    with refusing("error parsing certificate: "):
        found = [read.load(der) for der in blocks]
    if len(found) != 1:
        raise ErrorResponse(f"{len(found)} certificates found in PEM file, expected 1")
    return found[0]


def _signed_by(certificate: read.Certificate, ca: signer.Signer, *, keep_algorithm: bool) -> bytes:
    """Return a certificate (DER) with the same contents, but with key and addresses of another issuer.

    Extensions that Go does not know are lost, as on the real server.
    """
    body = DerReader(certificate.der).enter().enter()
    parts = [body.skip() for _ in range(7)]
    rest = DerReader(body.rest)
    found: dict[bytes, bytes] = {}
    extensions = DerReader(rest.read(0xA3)).enter() if body.rest else DerReader(b"")
    while extensions.rest:
        item = extensions.skip()
        found[DerReader(item).enter().skip()] = item
    name = keys.ALGORITHMS.get(parts[2], "") if keep_algorithm else ""
    name = name or keys.signature_name(ca.key.private)
    if ca.certificate.subject != certificate.subject and ca.certificate.subject_key_id:
        found[_AUTHORITY] = build.authority(ca.certificate.subject_key_id).der()
    for number, extension in ((_ACCESS, build.access(ca.urls.ocsp_servers, ca.urls.issuing_certificates)),
                              (_POINTS, build.points(ca.urls.crl_distribution_points))):  # fmt: skip
        found.pop(number, None)
        if extension is not None:
            found[number] = extension.der()
    parts[2], parts[3] = keys.algorithm(name), ca.certificate.subject
    kept = [found[number] for number in _ORDER if number in found]
    whole = der_write.sequence(*parts, der_write.context(3, der_write.sequence(*kept)))
    signature = keys.sign(ca.key.private, name, whole)
    return der_write.sequence(whole, keys.algorithm(name), der_write.bits(signature))
