"""``config/sts`` and ``config/certificate``: roles in other accounts, and certificates that sign documents."""

from __future__ import annotations

import base64

from cryptography import x509

from mockkms.vault.auth.cloud.aws.engine import AwsAccount, AwsAuth, AwsCertificate, engine
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, refusing

accounts = Collection[AwsAuth, AwsAccount](
    engine,
    "config/sts/{account_id}",
    AwsAccount,
    lambda state: state.accounts,
    name=Field(Kind.STRING, help="Number of the account."),
    paged=False,
    empty_list=True,
    help="How machines of another account are looked up.",
    list_help="Accounts whose machines are looked up with a role.",
)
certificates = Collection[AwsAuth, AwsCertificate](
    engine,
    "config/certificate/{cert_name}",
    AwsCertificate,
    lambda state: state.certificates,
    name=Field(Kind.STRING, help="Name of the certificate."),
    lists=("config/certificates[/]",),
    paged=False,
    empty_list=True,
    help="A certificate that verifies instance identity documents.",
    list_help="Names of the certificates.",
)


@accounts.write
def write_account(state: AwsAuth, call: Call, account_id: str, account: AwsAccount) -> None:
    """Create or change an account. Raises ErrorResponse without a role."""
    if "sts_role" not in call and not account.sts_role:
        raise ErrorResponse("missing sts role")
    account.update_from(call)
    if not account.sts_role:
        raise ErrorResponse("sts role cannot be empty")


@certificates.write
def write_certificate(
    state: AwsAuth, call: Call, cert_name: str, certificate: AwsCertificate, *, aws_public_cert: str
) -> None:
    """Create or replace a certificate. Raises ErrorResponse for invalid ones."""
    certificate.replace_from(call)
    if certificate.type not in ("pkcs7", "identity"):
        raise ErrorResponse(f'invalid certificate type "{certificate.type}"')
    text = aws_public_cert
    if not text:
        raise ErrorResponse("missing aws_public_cert")
    if "-----BEGIN" not in text:
        with refusing(text="failed to decode the certificate: neither PEM nor PEM in base64"):
            text = base64.b64decode(text, validate=True).decode()
    with refusing(text="invalid certificate; failed to decode and parse certificate"):
        x509.load_pem_x509_certificate(text.encode())
    certificate.aws_public_cert = text
