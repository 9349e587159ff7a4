"""Answers as PKCS #12 files and Java keystores (``format`` of ``pkcs12_bundle`` or ``jks_bundle``, Vault 2.1)."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from mockkms.crypto.encoding import jks, pkcs12
from mockkms.crypto.x509 import keys
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse

PKCS12, JKS = "pkcs12_bundle", "jks_bundle"
FORMS = (PKCS12, JKS)


def check_encoder(call: Call) -> None:
    """Raise ErrorResponse for an unknown form of PKCS #12 files."""
    encoder = call["pkcs12_encoder"]
    if encoder not in (pkcs12.MODERN_2023, pkcs12.MODERN_2026):
        raise ErrorResponse(
            f'invalid "pkcs12_encoder" parameter: encoder must be "modern2026" or "modern2023"; received: "{encoder}"'
        )


def stored(call: Call, form: str, certificates: Sequence[bytes], private: bytes = b"") -> str:
    """Return a file in base64: of a private key with its certificates (DER), or of trusted certificates alone.

    Args:
        call: The request, for passwords and the key's alias.
        form: ``pkcs12_bundle`` or ``jks_bundle``.
        certificates: The certificate, and its chain.
        private: The private key, if the file contains it.
    """
    random = call.core.entropy.bytes
    key = keys.private_form(private, pkcs8=True)[1] if private else b""
    if form == PKCS12:
        settings = (call["pkcs12_password"], call["pkcs12_encoder"], random)
        if key:
            return _text(pkcs12.key_store(key, certificates, *settings))
        return _text(pkcs12.trust_store(certificates, *settings))
    password, now = call["jks_password"], call.now()
    if not key:
        return _text(jks.trust_store(certificates, password, now=now))
    alias = call["jks_private_key_alias"]
    return _text(jks.key_store(key, certificates, password, alias=alias, now=now, random=random))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
