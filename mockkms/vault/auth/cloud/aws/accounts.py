"""``config/sts`` and ``config/certificate``: roles in other accounts, and certificates that sign documents."""

from __future__ import annotations

import base64

from cryptography import x509

from mockkms.vault.auth.cloud.aws.engine import AwsAuth, engine
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, refusing

accounts = engine.path("config/sts[/]", help="Accounts whose machines are asked through a role.")
account = engine.path(
    "config/sts/{account_id}",
    {
        "account_id": Field(Kind.STRING, help="Number of the account."),
        "sts_role": Field(Kind.STRING, help="ARN of the role to assume."),
        "external_id": Field(Kind.STRING, help="External id of that role."),
    },
    help="How machines of another account are asked for.",
)
certificates = engine.path("config/certificates[/]", help="Names of the certificates.")
certificate = engine.path(
    "config/certificate/{cert_name}",
    {
        "cert_name": Field(Kind.STRING, help="Name of the certificate."),
        "aws_public_cert": Field(Kind.STRING, help="The certificate: PEM in base64, or PEM."),
        "type": Field(Kind.STRING, default="pkcs7", help="What it signs: `pkcs7` or `identity` documents."),
    },
    help="A certificate that verifies instance identity documents.",
)


@accounts.on(Operation.LIST)
def list_accounts(state: AwsAuth, _call: Call) -> Reply:
    """Return the accounts."""
    return {"keys": sorted(state.accounts)}


@account.existence
def account_exists(state: AwsAuth, call: Call, *, account_id: str) -> bool:
    return account_id in state.accounts


@account.on(Operation.READ)
def read_account(state: AwsAuth, call: Call, *, account_id: str) -> Reply:
    """Return one account."""
    return state.accounts.get(account_id)


@account.on(Operation.CREATE, Operation.UPDATE)
def write_account(state: AwsAuth, call: Call, *, account_id: str) -> None:
    """Keep an account; what is not sent stays. Raises ErrorResponse without a role."""
    made = dict(state.accounts.get(account_id, {"sts_role": "", "external_id": ""}))
    if "sts_role" not in call and not made["sts_role"]:
        raise ErrorResponse("missing sts role")
    made |= {name: call[name] for name in ("sts_role", "external_id") if name in call}
    if not made["sts_role"]:
        raise ErrorResponse("sts role cannot be empty")
    state.accounts[account_id] = made


@account.on(Operation.DELETE)
def delete_account(state: AwsAuth, call: Call, *, account_id: str) -> None:
    """Forget an account; none there is fine too."""
    state.accounts.pop(account_id, None)


@certificates.on(Operation.LIST)
def list_certificates(state: AwsAuth, _call: Call) -> Reply:
    """Return the names."""
    return {"keys": sorted(state.certificates)}


@certificate.existence
def certificate_exists(state: AwsAuth, call: Call, *, cert_name: str) -> bool:
    return cert_name in state.certificates


@certificate.on(Operation.READ)
def read_certificate(state: AwsAuth, call: Call, *, cert_name: str) -> Reply:
    """Return one certificate, in PEM."""
    return state.certificates.get(cert_name)


@certificate.on(Operation.CREATE, Operation.UPDATE)
def write_certificate(state: AwsAuth, call: Call, *, aws_public_cert: str, cert_name: str) -> None:
    """Keep a certificate. Raises ErrorResponse for what is none."""
    if call["type"] not in ("pkcs7", "identity"):
        raise ErrorResponse(f'invalid certificate type "{call["type"]}"')
    text = aws_public_cert
    if not text:
        raise ErrorResponse("missing aws_public_cert")
    if "-----BEGIN" not in text:
        with refusing(text="failed to decode the certificate: neither PEM nor PEM in base64"):
            text = base64.b64decode(text, validate=True).decode()
    with refusing(text="invalid certificate; failed to decode and parse certificate"):
        x509.load_pem_x509_certificate(text.encode())
    state.certificates[cert_name] = {"aws_public_cert": text, "type": call["type"]}


@certificate.on(Operation.DELETE)
def delete_certificate(state: AwsAuth, call: Call, *, cert_name: str) -> None:
    """Forget a certificate; none there is fine too."""
    state.certificates.pop(cert_name, None)
