"""``login``: a token for the client certificate of the connection."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from mockkms.crypto.encoding import b64
from mockkms.crypto.x509 import read
from mockkms.vault.auth.cert import matching, ocsp
from mockkms.vault.auth.cert.chains import certificates, chains, is_authority
from mockkms.vault.auth.cert.crls import refresh
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
from mockkms.vault.golang.fmt import error_list
from mockkms.vault.policy import names
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr

_LONGEST = 100
"""Maximum length of what a refusal says of a certificate."""
_FAILED = "failed to match all constraints for this login certificate"
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
    try:
        presented = _presented(call.request, call)
        found, role = _verified(state, call, presented, name.lower())
    except ErrorResponse as refusal:
        return _refused(state, call, refusal)
    if role.token_bound_cidrs and not cidr.contains(role.token_bound_cidrs, call.request.remote_address):
        raise permission_denied()
    shown = presented[0]
    metadata = {"cert_name": found, **_described(shown)}
    if role.allowed_metadata_extensions:
        held = matching.extension_texts(shown)
        metadata |= {oid.replace(".", "-"): held[oid] for oid in role.allowed_metadata_extensions if oid in held}
    alias: LoginAlias = {"name": metadata["common_name"]}
    if state.config.enable_identity_alias_metadata:
        alias["metadata"] = metadata
    internal: dict[str, object] = {
        "certificate": _encoded(shown),
        "subject_key_id": metadata["subject_key_id"],
        "authority_key_id": metadata["authority_key_id"],
    }
    auth = Auth(display_name=role.display_name, alias=alias, metadata=metadata, internal=internal)
    return Response(auth=role.apply(auth, call.request))


@engine.renews
def renew(state: Cert, call: Call) -> Response | None:
    """Renew a login for the same certificate. Raises ErrorResponse, BackendError; None: the role was deleted."""
    auth = call.login
    name = (auth.metadata or {}).get("cert_name", "")
    by_keys = call.core.product.has(Feature.CERT_BOUND_BY_KEYS)
    if by_keys and not state.config.disable_binding:
        try:
            _check_keys(state, call, name)
        except ErrorResponse as refusal:
            return _refused(state, call, refusal)
    role = state.roles.get(name)
    if role is None:
        return None
    names.check_unchanged(call.core.product, role.token_policies, auth.token_policies)
    if not by_keys and not state.config.disable_binding:
        presented = _presented(call.request, call)
        _name, matched = _verified(state, call, presented, name)
        if _encoded(presented[0]) != call.kept("certificate"):
            known = b64.decode(str(call.kept("certificate")))
            trusted = certificates(matched.certificate)[0].public_bytes(Encoding.DER)
            raise BackendError(
                "client identity during renewal not matching client identity used during login:\n"
                f"\toriginal: {_decimals(known)}\n\trenewal: {_decimals(trusted)}"
            )
    return Response(auth=role.renewed(auth))


def _decimals(raw: bytes) -> str:
    """Return bytes as Go prints them with ``%v``."""
    return f"[{' '.join(map(str, raw))}]"


def _check_keys(state: Cert, call: Call, name: str) -> None:
    """Raise ErrorResponse or BackendError unless the certificate has the key identifiers of that of the login."""
    presented = _presented(call.request, call)
    _verified(state, call, presented, name)
    described = _described(presented[0])
    for key, subject in (("subject_key_id", "client identity"), ("authority_key_id", "client authority identity")):
        if described[key] != call.kept(key):
            raise BackendError(f"{subject} during renewal not matching client identity used during login")


def _refused(state: Cert, call: Call, refusal: ErrorResponse) -> Response:
    """Return the refusal with what the certificate says, if the mount is set to. Raises it otherwise."""
    if not state.config.enable_metadata_on_failures:
        raise refusal
    text = refusal.errors[0]
    presented = call.request.client_certificates or ()
    shown = x509.load_der_x509_certificate(presented[0]) if presented else None
    if shown is None or is_authority(shown):
        raise ErrorResponse(f"no client certificate found\n{text}")
    data = {key: _cut(value) for key, value in sorted(_described(shown).items())}
    return Response(status=400, document={"errors": [text], "data": data})


def _described(shown: x509.Certificate) -> dict[str, str]:
    """Return what the metadata of a login says of its certificate."""
    return {
        "common_name": matching.common_name(shown),
        "serial_number": str(shown.serial_number),
        "subject_key_id": _hex(read.parsed(shown).subject_key_id),
        "authority_key_id": _hex(read.parsed(shown).authority_key_id),
    }


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."


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
    refresh(state, call.now())
    requested = [name] if name else sorted(state.roles)
    roles = [
        (name, role, certificates(role.certificate) + certificates(role.ocsp_ca_certificates))
        for name, role in ((name, state.roles.get(name)) for name in requested)
        if role is not None
    ]
    leaves = [one for one in roles if one[2] and not is_authority(one[2][0])]
    authorities = [one for one in roles if one[2] and is_authority(one[2][0])]
    with refusing("failed to verify client's certificate: ", BackendError):
        roots = [held for _, _, trusted in authorities for held in trusted]
        found = chains(presented, roots, datetime.fromtimestamp(call.now(), UTC))
    check = _Check(state, call, presented[0], ocsp.rules_of(role for _, role, _ in roles))
    matched = call.core.product.has(Feature.CERT_MATCHING)
    for name, role, trusted in leaves:
        same = trusted[0] == presented[0]
        known = same or (matched and trusted[0].serial_number == presented[0].serial_number)
        if known and check.accepts(role, list(trusted)):
            if not same:
                raise ErrorResponse("certificate mismatch of a trusted leaf certificate")
            return name, role
    if not found:
        raise check.refusal(_FAILED if matched else _INVALID)
    for name, role, trusted in authorities:
        for chain in found:
            if set(trusted) & set(chain) and check.accepts(role, chain):
                return name, role
    raise check.refusal(_FAILED if matched else _UNFIT)


@dataclass
class _Check:
    """Whether roles accept the certificate of a login; collects why its status by OCSP is not known."""

    state: Cert
    call: Call
    shown: x509.Certificate
    rules: ocsp.OcspRules
    faults: list[str] = field(default_factory=list)

    def accepts(self, role: CertRole, chain: list[x509.Certificate]) -> bool:
        """Return whether a role accepts the certificate with this chain, which begins with it."""
        product = self.call.core.product
        numbers = {str(one.serial_number) for one in chain}
        fits = all(map(numbers.isdisjoint, self.state.crls.values())) and matching.fits(
            self.shown, role, encoded=product.has(Feature.CERT_MATCHING)
        )
        if not role.ocsp_enabled or len(chain) < 2:
            return fits
        opens = product.has(Feature.CERT_OCSP_OPEN)
        good, faults = ocsp.accepted(self.shown, chain[1], self.rules, self.call.now, opens=opens)
        self.faults += [fault for fault in faults if fault not in self.faults]
        return fits and good

    def refusal(self, text: str) -> ErrorResponse:
        """Return the error for a certificate that no role accepts."""
        if self.faults:
            text += f"; additionally got errors during verification: {error_list(self.faults)}"
        return ErrorResponse(text)


def _encoded(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def _hex(content: bytes) -> str:
    return content.hex(":")
