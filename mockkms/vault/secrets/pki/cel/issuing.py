"""``cel/issue`` and ``cel/sign``: certificates as a program describes them.

Source: OpenBao's ``path_issue_sign.go``, and ``sdk/helper/certutil`` for what it signs.
"""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.crypto import CryptoError
from mockkms.crypto.encoding import pem
from mockkms.crypto.x509 import keys, read
from mockkms.vault.cel.program import CelError, timestamp
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.number import Number
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.cel import requests
from mockkms.vault.secrets.pki.cel.messages import CERTIFICATES
from mockkms.vault.secrets.pki.cel.templates import template_of
from mockkms.vault.secrets.pki.certificates import issuing, signing
from mockkms.vault.secrets.pki.issuers import key_sizes, references, signer
from mockkms.vault.secrets.pki.model import PKI, CelPkiRole, engine, hyphens

_FIELDS = {
    "role": Field(Kind.STRING, help="Name of the CEL role."),
    "not_before": Field(Kind.STRING, help="Beginning of the validity, for the program; UTC, YYYY-MM-ddTHH:MM:SSZ."),
    "not_after": Field(Kind.STRING, help="End of the validity, for the program; UTC, YYYY-MM-ddTHH:MM:SSZ."),
    "ttl": Field(Kind.SECONDS, help="Lifetime, for the program."),
    "not_before_duration": Field(Kind.INT64, default=30, help="Seconds to antedate the certificate, for the program."),
    "remove_roots_from_chain": Field(Kind.BOOL, help="Leave self-signed certificates out of ca_chain."),
    "signature_bits": Field(Kind.INT, help="Size of the hash in bits, for the program."),
    "use_pss": Field(Kind.BOOL, help="PSS signatures with an RSA issuer, for the program."),
}
issue = engine.path(
    "cel/issue/{role}",
    fields={
        **_FIELDS,
        "key_bits": Field(Kind.INT, help="Size of the key in bits, for the program."),
        "key_type": Field(Kind.STRING, help="Type of the key, for the program."),
    },
    help="Generate a key and a certificate, as a program decides.",
    arbitrary=True,
    needs=Feature.CEL_ROLES,
    go_errors=True,
)
sign = engine.path(
    "cel/sign/{role}",
    fields={**_FIELDS, "csr": Field(Kind.STRING, help="The request, PEM.")},
    help="Sign a request, as a program decides.",
    arbitrary=True,
    needs=Feature.CEL_ROLES,
    go_errors=True,
)


@issue.on(Operation.UPDATE)
def issue_certificate(state: PKI, call: Call) -> Response:
    """Generate a key and sign a certificate. Raises BackendError."""
    role = _role(state, call)
    output = _decided(call, role, {"use_csr": False})
    ca = _issuer(state, call, output)
    kind = str(output.get("key_type") or "") or "rsa"
    with refusing("invalid cel response for key type, key bits, or signature bits: ", BackendError):
        bits, hash_bits = key_sizes.settle(call, kind, _number(output.get("key_bits")), _hash_bits(output))
    private = signing.new_key(state, call, kind, bits)
    public = keys.public_of(private)
    return _signed(state, call, ca, output, public, keys.key_id(public), hash_bits, private)


@sign.on(Operation.UPDATE)
def sign_request(state: PKI, call: Call, *, csr: str) -> Response:
    """Sign a certificate for the key of a request. Raises BackendError."""
    role = _role(state, call)
    described: object = None
    if "csr" in call:
        with refusing("failed to parse CSR: ", BackendError):
            described = requests.described(csr)
    output = _decided(call, role, {"use_csr": True, "parsed_csr": described})
    ca = _issuer(state, call, output)
    kind, bits = keys.describe(keys.public_of(ca.key.private))
    with refusing(error=BackendError):
        hash_bits = (
            key_sizes.settle_hash(call, kind, _hash_bits(output)) if kind != "ec" else _hash_bits(output) or bits
        )
    if pem.decode(csr) is None:
        raise BackendError("csr contains no data")
    with refusing("certificate request could not be parsed: ", BackendError, of=CryptoError):
        request = read.parse_request(csr)
    if not request.signed:
        raise ErrorResponse("request signature invalid")
    described_template = _message(output.get("template"))
    if described_template.get("IsCA") and ca.certificate.path_length == 0:
        raise ErrorResponse(
            "signing certificate has a max path length of zero, and cannot issue further CA certificates"
        )
    key_id = output.get("subject_key_id")
    identifier = bytes(key_id) if isinstance(key_id, bytes) and key_id else keys.key_id(request.public)
    return _signed(state, call, ca, output, request.public, identifier, hash_bits, b"")


def _role(state: PKI, call: Call) -> CelPkiRole:
    found = state.cel_roles.get(call["role"])
    if found is None:
        raise BackendError("CEL role not found")
    return found


def _decided(call: Call, role: CelPkiRole, more: Mapping[str, object]) -> dict[str, object]:
    """Return the ``ValidationOutput`` of the program. Raises BackendError for every other result."""
    with refusing("error evaluating mainProgram: ", BackendError, of=CelError):
        data = {"request": _texts(dict(call.raw)), "now": timestamp(call.now()), **more}
        answer = role.program.evaluate(data, CERTIFICATES)
    kind = type(answer).__name__
    if kind in CERTIFICATES.messages:
        return _message(answer)
    if kind == "BoolType":
        raise BackendError("request denied")
    if isinstance(answer, str):
        raise BackendError(str(answer))
    raise BackendError(f"unexpected mainProgram result type {_GO_TYPES.get(kind, 'structpb.NullValue')}")


_GO_TYPES = {
    "IntType": "int64", "UintType": "uint64", "DoubleType": "float64", "BytesType": "[]uint8",
    "ListType": "[]ref.Val", "MapType": "map[ref.Val]ref.Val", "TimestampType": "time.Time",
    "DurationType": "time.Duration",
}  # fmt: skip


def _texts(value: object) -> object:
    """Return a parameter as programs see it: numbers of the request's JSON are texts."""
    if isinstance(value, dict):
        return {name: _texts(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return str(value) if isinstance(value, int | float | Number) and not isinstance(value, bool) else value


def _issuer(state: PKI, call: Call, output: Mapping[str, object]) -> signer.Signer:
    if "template" not in output:
        raise BackendError("template is nil")
    ca = signer.for_issuing(state, str(output.get("issuer_ref") or "") or references.DEFAULT)
    if call["ttl"] and call["not_after"]:
        raise BackendError(
            "Either ttl or not_after should be provided. Both should not be provided in the same request."
        )
    return ca


def _signed(
    state: PKI, call: Call, ca: signer.Signer, output: Mapping[str, object], public: bytes, key_id: bytes,
    hash_bits: int, private: bytes,
) -> Response:  # fmt: skip
    """Sign the certificate that a program describes, and store it unless the program forbids that."""
    with refusing(error=BackendError):
        template = template_of(_message(output["template"]), signing.serial(call), public, key_id)
    template.authority_key_id = ca.certificate.subject_key_id
    template.issuing, template.crl_points = ca.urls.issuing_certificates, ca.urls.crl_distribution_points
    template.delta_points, template.ocsp = ca.urls.delta_crl_distribution_points, ca.urls.ocsp_servers
    if template.ca and not private and template.path_length is None:
        template.path_length = 0
    name = keys.signature_name(ca.key.private, hash_bits, pss=bool(output.get("use_pss")))
    made = signing.built(template, ca.certificate.subject, ca.key.private, name)
    # The chain of a generated key's certificate is left out below a self-signed issuer, that of a request is not.
    below_root = bool(private) and ca.certificate.authority_key_id in (b"", ca.certificate.subject_key_id)
    chain = [] if below_root else ca.chain
    if call["remove_roots_from_chain"]:
        chain = [der for der in chain if not issuing.is_root(der)]
    data: dict[str, object] = {
        "certificate": signer.text(made.der),
        "not_before": int(made.not_before),
        "expiration": int(made.not_after),
        "serial_number": made.serial_text,
        "issuing_ca": signer.text(ca.certificate.der),
        "private_key": "",
        "private_key_type": "",
        **(issuing.private_parts(private, "pem", pkcs8=False) if private else {}),
        **({"ca_chain": [signer.text(der) for der in chain]} if chain else {}),
    }
    if not output.get("no_store"):
        state.certificates[hyphens(made.serial_text)] = made.der
    lease = None
    if output.get("generate_lease"):
        lease = issuing.certificate_lease(call, made)
    warned = output.get("warnings")
    warnings = [str(one) for one in warned if one] if isinstance(warned, list) else []
    return Response(data=data, lease=lease, warnings=warnings)


def _hash_bits(output: Mapping[str, object]) -> int:
    return _number(output.get("signature_bits"))


def _message(value: object) -> dict[str, object]:
    return {str(name): item for name, item in value.items()} if isinstance(value, dict) else {}


def _number(value: object) -> int:
    return int(value) if isinstance(value, int) else 0
