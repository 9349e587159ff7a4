"""``login``: a token for the client certificate of the connection."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mockkms.vault.auth.cert import matching
from mockkms.vault.auth.cert.chains import certificates, chains, is_authority
from mockkms.vault.auth.cert.model import Cert, CertRole, engine
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import (
    Auth,
    BackendError,
    ErrorResponse,
    LoginAlias,
    Operation,
    Request,
    Response,
    permission_denied,
    refusing,
)
from mockkms.vault.policy import names
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr

_INVALID = "invalid certificate or no client certificate supplied"
_UNFIT = "no chain matching all constraints could be found for this login certificate"

login = engine.path(
    "login",
    fields={"name": Field(Kind.STRING, help="Trusted certificate to log in against; any if absent.")},
    login=True,
    help="Log in with the connection's certificate.",
)


@login.on(Operation.UPDATE)
def log_in(state: Cert, call: Call, *, name: str) -> Response:
    """Log in. Raises ErrorResponse and BackendError, 403 for an address that the role does not allow."""
    presented = _presented(call.request, call)
    found, role = _verified(state, call, presented, name.lower())
    if role.token_bound_cidrs and not cidr.contains(role.token_bound_cidrs, call.request.remote_address):
        raise permission_denied()
    shown = presented[0]
    metadata = {
        "cert_name": found,
        "common_name": matching.common_name(shown),
        "serial_number": str(shown.serial_number),
        "subject_key_id": _hex(_subject_key_id(shown)),
        "authority_key_id": _hex(_authority_key_id(shown)),
    }
    if role.allowed_metadata_extensions:
        held = matching.extension_texts(shown)
        metadata |= {oid.replace(".", "-"): held[oid] for oid in role.allowed_metadata_extensions if oid in held}
    alias: LoginAlias = {"name": metadata["common_name"]}
    if state.config.enable_identity_alias_metadata:
        alias["metadata"] = metadata
    auth = Auth(
        display_name=role.display_name, alias=alias, metadata=metadata, internal={"certificate": _encoded(shown)}
    )
    return Response(auth=role.apply(auth, call.request))


@engine.renews
def renew(state: Cert, call: Call) -> Response | None:
    """Renew a login for the same certificate. Raises ErrorResponse, BackendError; None: the role was deleted."""
    auth = call.login
    name = (auth.metadata or {}).get("cert_name", "")
    role = state.roles.get(name)
    if role is None:
        return None
    if not names.equivalent(role.token_policies or [], auth.token_policies):
        raise BackendError("policies have changed, not renewing")
    if not state.config.disable_binding:
        presented = _presented(call.request, call)
        _verified(state, call, presented, name)
        if _encoded(presented[0]) != call.kept("certificate"):
            raise BackendError(
                "client identity during renewal not matching client identity used during login"
            )  # fmt: skip
    return Response(auth=role.renewed(auth))


def _presented(request: Request, call: Call) -> list[x509.Certificate]:
    """Return the client's certificate and the others that it sent. Raises ErrorResponse without one."""
    product = call.core.product
    if request.client_certificates is None and product.has(Feature.NAMES_MISSING_TLS):
        raise ErrorResponse("tls connection required")
    if not request.client_certificates:
        raise ErrorResponse(
            "client certificate must be supplied"
            if product.has(Feature.NAMES_MISSING_TLS)
            else "no client certificate found"
        )
    return [x509.load_der_x509_certificate(content) for content in request.client_certificates]


def _verified(state: Cert, call: Call, presented: list[x509.Certificate], name: str) -> tuple[str, CertRole]:
    """Return the role whose certificate equals the presented one or is in its chain.

    Raises ErrorResponse and BackendError.
    """
    requested = [name] if name else sorted(state.roles)
    roles = [
        (name, state.roles[name], certificates(state.roles[name].certificate))
        for name in requested
        if name in state.roles
    ]
    roots = [held for _, _, trusted in roles if trusted and is_authority(trusted[0]) for held in trusted]
    with refusing("failed to verify client's certificate: ", BackendError):
        found = chains(presented, roots, datetime.fromtimestamp(call.now(), UTC))
    for name, role, trusted in roles:
        known = trusted and not is_authority(trusted[0]) and trusted[0] == presented[0]
        if known and _accepts(state, role, presented[0], list(trusted)):
            return name, role
    if not found:
        raise ErrorResponse(_INVALID)
    for name, role, trusted in roles:
        for chain in found if trusted and is_authority(trusted[0]) else ():
            if set(trusted) & set(chain) and _accepts(state, role, presented[0], chain):
                return name, role
    raise ErrorResponse(_UNFIT)


def _accepts(state: Cert, role: CertRole, shown: x509.Certificate, chain: list[x509.Certificate]) -> bool:
    revoked = {serial for serials in state.crls.values() for serial in serials}
    return not revoked & {str(one.serial_number) for one in chain} and matching.fits(shown, role)


def _encoded(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def _subject_key_id(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except (x509.ExtensionNotFound, ValueError):
        return b""


def _authority_key_id(certificate: x509.Certificate) -> bytes:
    try:
        return certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier or b""
    except (x509.ExtensionNotFound, ValueError):
        return b""


def _hex(content: bytes) -> str:
    return content.hex(":")
