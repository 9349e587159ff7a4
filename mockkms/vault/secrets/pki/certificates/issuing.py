"""``issue/``, ``sign/`` and ``sign-verbatim``: leaf certificates, of the default issuer or a named one."""

from __future__ import annotations

import base64
import math

from mockkms.crypto.x509 import keys, read
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, ErrorResponse, Lease, Operation, Response, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki import keystores
from mockkms.vault.secrets.pki.certificates import signing
from mockkms.vault.secrets.pki.certificates.signing import IssuedCertificate
from mockkms.vault.secrets.pki.issuers import key_sizes, references, signer
from mockkms.vault.secrets.pki.model import PKI, engine, hyphens
from mockkms.vault.secrets.pki.role import PkiRole
from mockkms.vault.secrets.pki.role_fields import ISSUE, SIGN, VERBATIM, check_format, internal_role

issue = engine.path("issue/{role}", fields=ISSUE, help="Generate a key and a certificate.", go_errors=True)
issuer_issue = engine.path(
    "issuer/{issuer_ref}/issue/{role}", fields=ISSUE, help="The same with a named issuer.", go_errors=True
)
sign = engine.path("sign/{role}", fields=SIGN, help="Sign a request, as the role allows.", go_errors=True)
issuer_sign = engine.path(
    "issuer/{issuer_ref}/sign/{role}", fields=SIGN, help="The same with a named issuer.", go_errors=True
)
verbatim = engine.path("sign-verbatim[/{role:some}]", fields=VERBATIM, help="Sign a request unchanged.", go_errors=True)
issuer_verbatim = engine.path(
    "issuer/{issuer_ref}/sign-verbatim[/{role:some}]",
    fields=VERBATIM,
    help="The same with a named issuer.",
    go_errors=True,
)


@issue.on(Operation.UPDATE)
@issuer_issue.on(Operation.UPDATE)
def issue_leaf(state: PKI, call: Call, *, key_type: str) -> Response:
    """Generate a key and sign a certificate. Raises ErrorResponse and BackendError."""
    role, warnings = _role(state, call).copy(), []
    if role.key_type == "any":
        if not call.core.product.has(Feature.PKI_ADDITIONS):
            raise ErrorResponse('role key type "any" not allowed for issuing certificates, only signing')
        if "key_type" not in call:
            raise ErrorResponse(
                'role key type "any" not allowed for issuing certificates without providing key_type and/or key_bits '
                "request parameters"
            )
        role.key_type, role.key_bits = key_type, call.get("key_bits", role.key_bits)
        with refusing("failed to validate role: ", BackendError):
            role.key_bits, role.signature_bits = key_sizes.settle(
                call, role.key_type, role.key_bits, role.signature_bits
            )
    elif "key_type" in call or "key_bits" in call:
        warnings.append("parameters key_type and key_bits ignored as role had specific values")
    ca, form = _prepared(state, call, role)
    response = _respond(state, call, role, ca, signing.issue(state, call, role, ca), form)
    response.warnings.extend(warnings)
    return response


@sign.on(Operation.UPDATE)
@issuer_sign.on(Operation.UPDATE)
def sign_request(state: PKI, call: Call) -> Response:
    """Sign a request, with the names that the role allows. Raises ErrorResponse and BackendError."""
    return _sign(state, call, _role(state, call), as_it_is=False)


@verbatim.on(Operation.UPDATE)
@issuer_verbatim.on(Operation.UPDATE)
def sign_verbatim(
    state: PKI,
    call: Call,
    *,
    key_usage: list[str],
    ext_key_usage: list[str],
    ext_key_usage_oids: list[str],
    signature_bits: int,
    use_pss: bool,
    basic_constraints_valid_for_non_ca: bool,
) -> Response:
    """Sign a request unchanged; a role gives lifetime, issuer and lease. Raises ErrorResponse and BackendError."""
    given = _role(state, call) if call["role"] else None
    role = internal_role(
        key_type="any", use_csr_common_name=True, use_csr_sans=True, key_usage=key_usage,
        ext_key_usage=ext_key_usage, ext_key_usage_oids=ext_key_usage_oids,
        signature_bits=signature_bits, use_pss=use_pss,
        basic_constraints_valid_for_non_ca=basic_constraints_valid_for_non_ca,
    )  # fmt: skip
    if given is not None:
        taken = ("ttl", "max_ttl", "generate_lease", "not_before_duration", "no_store", "issuer_ref")
        for name in taken:
            setattr(role, name, getattr(given, name))
        if "basic_constraints_valid_for_non_ca" not in call and call.core.product.has(Feature.PKI_ADDITIONS):
            role.basic_constraints_valid_for_non_ca = given.basic_constraints_valid_for_non_ca
    return _sign(state, call, role, as_it_is=True)


def _sign(state: PKI, call: Call, role: PkiRole, *, as_it_is: bool) -> Response:
    ca, form = _prepared(state, call, role)
    made = signing.sign(call, role, ca, authority=False, verbatim=as_it_is)
    response = _respond(state, call, role, ca, made, form)
    warnings = []
    for field, flag in (("common_name", "use_csr_common_name"), ("alt_names", "use_csr_sans")):
        if getattr(role, flag) and call[field]:
            warnings.append(f'the {field} field was provided but the role is set with "{flag}" set to true')
    if call.core.product.has(Feature.PKI_LATER):
        response.warnings[len(made.warnings) : len(made.warnings)] = warnings
    else:
        response.warnings[:0] = warnings
    return response


def _prepared(state: PKI, call: Call, role: PkiRole) -> tuple[signer.Signer, str]:
    """Return the issuer and the format. Raises ErrorResponse and BackendError."""
    if "cert_metadata" in call:
        raise BackendError("certificate metadata is only supported on Vault Enterprise")
    reference = _reference(call, role)
    if call.core.product.has(Feature.PKI_ADDITIONS):
        return signer.for_issuing(state, reference), check_format(call)
    form = check_format(call)
    return signer.for_issuing(state, reference), form


def _role(state: PKI, call: Call) -> PkiRole:
    role = state.roles.get(call["role"])
    if role is None:
        raise ErrorResponse(f"unknown role: {call['role']}")
    return role


def _reference(call: Call, role: PkiRole) -> str:
    """Return the reference of the issuer: from the path or a parameter, else from the role. Raises ErrorResponse."""
    named = call.endpoint.template.startswith("issuer/")
    # A bare sign-verbatim reads the parameter, with a role it does not.
    if not named and (call["role"] or "sign-verbatim" not in call.endpoint.template):
        return role.issuer_ref or references.DEFAULT
    if not named and not str(call["issuer_ref"]).strip():
        raise BackendError("missing issuer reference")
    return references.reference(call)


def _respond(state: PKI, call: Call, role: PkiRole, ca: signer.Signer, made: IssuedCertificate, form: str) -> Response:
    certificate = made.certificate
    chain = made.chain
    if call["remove_roots_from_chain"]:
        chain = [der for der in chain if not is_root(der)]
    product = call.core.product
    begin = {"not_before": int(certificate.not_before)} if product.has(Feature.PKI_ADDITIONS) else {}
    data: dict[str, object] = {
        **begin,
        **authority_part(call, certificate),
        "expiration": int(certificate.not_after),
        "serial_number": certificate.serial_text,
        **encoded(certificate.der, ca.certificate.der, chain, made, form),
    }
    if form in keystores.FORMS:
        data["certificate"] = keystores.stored(call, form, [certificate.der, *chain], made.private)
    elif made.private:
        data |= private_parts(made.private, form, pkcs8=call["private_key_format"] == "pkcs8")
    if not role.no_store:
        state.certificates[hyphens(certificate.serial_text)] = certificate.der
    lease = None
    if role.generate_lease:
        lease = certificate_lease(call, certificate)
    # Vault adds them where it answers, and once more where it stores the certificate.
    times = 2 if product.has(Feature.PKI_LATER) else 1
    return Response(data=data, lease=lease, warnings=made.warnings * times)


def certificate_lease(call: Call, certificate: read.Certificate) -> Lease:
    """Return the lease of an issued certificate, which ends with the certificate."""
    until = certificate.not_after
    ttl = max(math.ceil(until - call.now()), 0)
    return Lease(ttl=ttl, internal={"serial_number": certificate.serial_text}, until=until if ttl else 0)


def authority_part(call: Call, certificate: read.Certificate) -> dict[str, str]:
    """Return the identifier of the key that signed a certificate, in products that show it."""
    if not call.core.product.has(Feature.PKI_AUTHORITY_KEY_ID):
        return {}
    return {"authority_key_id": read.colons(certificate.authority_key_id)}


def is_root(der: bytes) -> bool:
    """Return whether a certificate (DER) is self-signed."""
    certificate = read.load(der)
    if certificate.authority_key_id:
        return certificate.authority_key_id == certificate.subject_key_id
    return certificate.issuer == certificate.subject and certificate.signed_by(certificate)


def b64(der: bytes) -> str:
    """Return standard base64."""
    return base64.b64encode(der).decode()


def encoded(leaf: bytes, ca: bytes, chain: list[bytes], made: IssuedCertificate, form: str) -> dict[str, object]:
    """Return ``certificate``, ``issuing_ca`` and ``ca_chain`` in the requested format."""
    write = b64 if form == "der" else signer.text
    data: dict[str, object] = {"certificate": write(leaf), "issuing_ca": write(ca)}
    if chain:
        data["ca_chain"] = [write(der) for der in chain]
    if form == "pem_bundle":
        key = [keys.private_pem(made.private)] if made.private else []
        data["certificate"] = "\n".join([*key, *map(signer.text, [leaf, *made.chain])])
    return data


def private_parts(private: bytes, form: str, *, pkcs8: bool) -> dict[str, str]:
    """Return ``private_key`` and ``private_key_type`` in the requested format."""
    kind, _ = keys.describe(keys.public_of(private))
    if form == "der":
        return {"private_key": b64(keys.private_form(private, pkcs8=pkcs8)[1]), "private_key_type": kind}
    return {"private_key": keys.private_pem(private, pkcs8=pkcs8), "private_key_type": kind}
