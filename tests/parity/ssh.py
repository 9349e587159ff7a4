"""OpenSSH certificates, told by what they say."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    SSHCertificate,
    load_ssh_public_identity,
)


def describe_ssh(text: str) -> dict[str, Any]:
    """The facts of one certificate in the form of ``authorized_keys``; a key id made of the key's hash is named so."""
    certificate = load_ssh_public_identity(text.strip().encode())
    assert isinstance(certificate, SSHCertificate)
    blob = certificate.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).split()[1]
    own = hashlib.sha256(base64.b64decode(blob)).hexdigest()
    return {
        "type": certificate.type.name.lower(),
        "algorithm": text.split()[0],
        "comment": text.strip().split(" ", 2)[2:],
        "newline": text.endswith("\n"),
        "key_id": certificate.key_id.decode().replace(own, "<sha256 of the key>"),
        "principals": [principal.decode() for principal in certificate.valid_principals],
        "lifetime": f"about {round((certificate.valid_before - certificate.valid_after) / 10) * 10}s",
        "critical_options": {key.decode(): value.decode() for key, value in certificate.critical_options.items()},
        "extensions": {key.decode(): value.decode() for key, value in certificate.extensions.items()},
        "signed_by": type(certificate.signature_key()).__name__.lstrip("_").replace("PublicKey", "").lower(),
    }
