"""Values that rows of the table use as ``${name}``: certificates, keys, a keytab."""

from __future__ import annotations

import base64
import datetime
import json

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from tests.vault.auth.cloud.clouds import certificate_pem, pem
from tests.vault.auth.kerberos.kdc import keytab

_PINGID = """use_base64_key=bXlzZWNyZXQ=
use_signature=true
token=sometoken
idp_url=https://idpxnyl3m.pingidentity.com/pingid
org_alias=someorg
admin_url=https://idpxnyl3m.pingidentity.com/pingid
authenticator_url=https://authenticator.pingone.com/pingid/ppm
"""
_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _private(key: rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


_GCP = {
    "type": "service_account",
    "project_id": "example",
    "private_key_id": "0123456789abcdef",
    "private_key": _private(_KEY).strip(),
    "client_email": "vault@example.iam.gserviceaccount.com",
    "client_id": "100000000000000000000",
    "auth_uri": "https://accounts.google.com/o/oauth2/auth",
    "token_uri": "https://oauth2.googleapis.com/token",
}


def _authority(name: str) -> str:
    """The self-signed certificate of a CA, in PEM."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    start = datetime.datetime(2025, 12, 1, tzinfo=datetime.UTC)
    usage = dict.fromkeys(("digital_signature", "key_cert_sign", "crl_sign"), True)
    rest = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(_KEY.public_key())
        .serial_number(4711)
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=36500))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.KeyUsage(**usage, **dict.fromkeys(rest, False), encipher_only=False, decipher_only=False),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(_KEY.public_key()), critical=False)
    )
    return certificate_pem(builder.sign(_KEY, hashes.SHA256()))


def _revocation_list(name: str) -> str:
    """A list of the CA with one certificate, in PEM."""
    start = datetime.datetime(2025, 12, 1, tzinfo=datetime.UTC)
    gone = x509.RevokedCertificateBuilder().serial_number(7).revocation_date(start).build()
    made = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
        .last_update(start)
        .next_update(start + datetime.timedelta(days=36500))
        .add_revoked_certificate(gone)
        .sign(_KEY, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM).decode()


VALUES = {
    "certificate": _authority("first").strip(),
    "other_certificate": _authority("second").strip(),
    "private_key": _private(_KEY).strip(),
    "public_key": pem(_KEY).strip(),
    "certificate_base64": base64.b64encode(_authority("first").encode()).decode(),
    "crl": _revocation_list("first"),
    "jwt": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyZXZpZXdlciJ9.c2lnbmF0dXJl",
    "gcp_credentials": json.dumps(_GCP),
    "pingid": base64.b64encode(_PINGID.encode()).decode(),
    "ssh_private_key": _KEY.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    ).decode(),
    "ssh_public_key": _KEY.public_key()
    .public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    .decode(),
    "keytab": keytab(bytes(32), 18),
}
