"""Instance identity documents: PKCS#7 messages and signed documents that identify a machine.

Only certificates of ``config/certificate`` are trusted: AWS's own would be of no use, as only AWS can sign with them.
Source: ``path_login.go`` and ``path_config_certificate.go`` of Vault's ``builtin/credential/aws``.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from mockkms.crypto import CryptoError, pkcs7
from mockkms.crypto.encoding import b64, pem
from mockkms.vault.auth.cloud.aws.engine import AwsAuth
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, ErrorResponse, refusing
from mockkms.vault.golang import json

_NOT_PEM = "failed to decode the PEM encoded PKCS#7 signature"


@dataclass(frozen=True)
class IdentityDocument:
    """The machine that an identity document describes; absent members are empty."""

    instance_id: str
    ami_id: str
    account_id: str
    region: str
    pending_time: str
    """RFC 3339."""


def read(state: AwsAuth, call: Call, message: str, identity: str, signature: str) -> IdentityDocument:
    """Return the verified document of a login. Raises ErrorResponse and BackendError."""
    document = _decoded(identity, "failed to base64 decode the instance identity document")
    signed = _decoded(signature, "failed to base64 decode the SHA256 RSA signature of the instance identity document")
    if not message and not document and not signed:
        raise ErrorResponse(
            "either pkcs7 or a tuple containing the instance identity document and its SHA256 RSA signature needs to "
            "be provided"
        )
    if message and document and signed:
        raise ErrorResponse(
            "both pkcs7 and a tuple containing the instance identity document and its SHA256 RSA signature is "
            "supplied; provide only one"
        )
    if not message:
        return _parsed(_signed(state, call, document, signed))
    with refusing(error=BackendError, text=_NOT_PEM):
        data = b64.decode("".join(message.split()))
    if not data:
        raise BackendError(_NOT_PEM)
    with refusing(error=BackendError, of=CryptoError):
        content = pkcs7.verified_content(data, _certificates(state, call, "pkcs7"))
    if not content:
        raise BackendError("instance identity document could not be found in the signature")
    return _parsed(content)


def _decoded(text: str, refusal: str) -> bytes:
    with refusing(text=refusal):
        data = b64.decode(text)
        if text and not data:
            raise ValueError
    return data


def _certificates(state: AwsAuth, call: Call, kind: str) -> list[x509.Certificate]:
    found = [one for one in state.certificates.values() if one.type == kind]
    if not found:
        call.request.trace.hint = f"no certificate of type {kind} is configured (config/certificate)"
    blocks = [pem.decode(one.aws_public_cert) for one in found]
    return [x509.load_der_x509_certificate(block.der) for block in blocks if block is not None]


def _signed(state: AwsAuth, call: Call, document: bytes, signature: bytes) -> bytes:
    """Return a document that one of the certificates has signed. Raises BackendError."""
    if not document:
        raise BackendError("missing instance identity document")
    if not signature:
        raise BackendError("missing SHA256 RSA signature of the instance identity document")
    for certificate in _certificates(state, call, "identity"):
        key = certificate.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            continue
        try:
            key.verify(signature, document, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            continue
        return document
    raise BackendError("instance identity verification using SHA256 RSA signature is unsuccessful")


def _parsed(document: bytes) -> IdentityDocument:
    with refusing(error=BackendError):
        found = json.decode(document)
    members = found if isinstance(found, dict) else {}
    names = ("instanceId", "imageId", "accountId", "region", "pendingTime")
    return IdentityDocument(*(str(members.get(name) or "") for name in names))
