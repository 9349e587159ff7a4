"""Certificates, requests and revocation lists, told by what they say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.parity.scrub import PEM

Document = x509.Certificate | x509.CertificateSigningRequest | x509.CertificateRevocationList

_PEM_LOADERS: dict[str, Callable[[bytes], Document]] = {
    "CERTIFICATE": x509.load_pem_x509_certificate,
    "CERTIFICATE REQUEST": x509.load_pem_x509_csr,
    "X509 CRL": x509.load_pem_x509_crl,
}
_USAGES = (
    "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
    "key_cert_sign", "crl_sign",
)  # fmt: skip


def describe_pem(text: str) -> Any:
    """The facts of every PEM block in ``text``; of a single one without a list around them."""
    told: list[Any] = []
    for block in PEM.finditer(text):
        loader = _PEM_LOADERS.get(block.group(1))
        told.append(f"<pem:{block.group(1)}>" if loader is None else _facts(loader(block.group().encode())))
    return told[0] if len(told) == 1 else told


def describe_der(raw: bytes) -> Any:
    """The facts of one DER body."""
    for loader in (x509.load_der_x509_certificate, x509.load_der_x509_crl):
        try:
            return _facts(loader(raw))
        except ValueError:
            continue
    return "<binary:unknown>" if raw else "<binary:empty>"


def _facts(document: Document) -> dict[str, Any]:
    facts: dict[str, Any] = {"signature": document.signature_algorithm_oid._name}
    facts["extensions"] = dict(sorted(_extension(extension) for extension in document.extensions))
    if isinstance(document, x509.CertificateRevocationList):
        facts |= {"kind": "crl", "issuer": document.issuer.rfc4514_string(), "revoked": len(document)}
        assert document.next_update_utc is not None
        return facts | {"lifetime": _lifetime(document.next_update_utc - document.last_update_utc)}
    facts |= {"subject": document.subject.rfc4514_string(), "key": _key(document.public_key())}
    if isinstance(document, x509.CertificateSigningRequest):
        return facts | {"kind": "request"}
    return facts | {
        "kind": "certificate",
        "issuer": document.issuer.rfc4514_string(),
        "self_issued": document.subject == document.issuer,
        "lifetime": _lifetime(document.not_valid_after_utc - document.not_valid_before_utc),
    }


def _lifetime(span: Any) -> str:
    # Its two ends are read from the clock one after the other.
    return f"about {round(span.total_seconds() / 10) * 10}s"


def _key(key: Any) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return f"rsa-{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.curve.name
    return type(key).__name__.lstrip("_").replace("PublicKey", "").lower()


def _extension(extension: x509.Extension[Any]) -> tuple[str, str]:
    name = extension.oid._name
    text = _said(extension.value)
    return (
        extension.oid.dotted_string if name == "Unknown OID" else name,
        f"{text} (critical)" if extension.critical else text,
    )


def _said(value: x509.ExtensionType) -> str:
    if isinstance(value, x509.BasicConstraints):
        return f"ca={value.ca} pathlen={value.path_length}"
    if isinstance(value, x509.KeyUsage):
        return " ".join(usage for usage in _USAGES if getattr(value, usage))
    if isinstance(value, x509.ExtendedKeyUsage):
        return " ".join(oid.dotted_string for oid in value)
    if isinstance(value, x509.SubjectAlternativeName):
        return " ".join(f"{type(name).__name__}:{_name(name)}" for name in value)
    if isinstance(value, x509.CertificatePolicies):
        return " ".join(policy.policy_identifier.dotted_string for policy in value)
    if isinstance(value, x509.AuthorityInformationAccess):
        return " ".join(f"{access.access_method._name}={access.access_location.value}" for access in value)
    if isinstance(value, x509.CRLDistributionPoints):
        return " ".join(name.value for point in value for name in point.full_name or [])
    if isinstance(value, x509.NameConstraints):
        sides = (("permit", value.permitted_subtrees), ("exclude", value.excluded_subtrees))
        return " ".join(f"{side}={name.value}" for side, names in sides for name in names or [])
    return "present"


def _name(name: x509.GeneralName) -> Any:
    return name.type_id.dotted_string if isinstance(name, x509.OtherName) else name.value
