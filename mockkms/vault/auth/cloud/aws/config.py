"""``config``: access to AWS, data of logins, roles in other accounts, and certificates that sign documents."""

from __future__ import annotations

import re
from contextlib import suppress

from mockkms.crypto.encoding import b64, pem
from mockkms.crypto.x509.certificate_parser import parse_certificate
from mockkms.vault.auth.cloud import metadata
from mockkms.vault.auth.cloud.aws.engine import (
    AwsAccount,
    AwsAuth,
    AwsCertificate,
    AwsClientConfig,
    AwsIdentity,
    engine,
)
from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.golang.fmt import quote

_ALIASES = {
    "iam_alias": ("role_id", "unique_id", "full_arn", "canonical_arn"),
    "ec2_alias": ("role_id", "instance_id", "image_id"),
}
_METADATA = {
    "iam_metadata": (
        "account_id", "auth_type", "canonical_arn", "client_arn", "client_user_id", "inferred_aws_region",
        "inferred_entity_id", "inferred_entity_type", "inferred_hostname",
    ),
    "ec2_metadata": ("account_id", "auth_type", "ami_id", "instance_id", "region"),
}  # fmt: skip
_USUAL = ["account_id", "auth_type"]
client = engine.path(
    "config/client",
    lambda: {**AwsClientConfig.fields(), **automated_rotation.fields()},
    help="How AWS is contacted.",
)
_ACCESS = AwsClientConfig.params().keys() - {"max_retries", "identity_token_audience", "identity_token_ttl"}
_HEADER = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+", re.ASCII)
identity = engine.path("config/identity", AwsIdentity.fields, help="Data of logins for the identity store.")
rotate = engine.path("config/rotate-root", help="Replace the access key for requests to AWS.")


@client.existence
def exists(state: AwsAuth, _call: Call) -> bool:
    """Return whether there is a configuration: a write without one is a create."""
    return state.config is not None


@client.on(Operation.READ)
def read_client(state: AwsAuth, call: Call) -> Reply:
    """Return the settings without the secret."""
    found, product = state.config, call.core.product
    return None if found is None else {**found.shown(product), **found.shown_rotation(product)}


@client.on(Operation.CREATE, Operation.UPDATE)
def write_client(state: AwsAuth, call: Call, *, allowed_sts_header_values: list[str] | None = None) -> None:
    """Change the settings that were sent. Raises ErrorResponse.

    As by the real server, an update is stored only if it changes access to AWS or has ``max_retries``: an
    update of nothing but rotation or the lifetime of tokens is lost, and so is one that only reorders headers.
    """
    kept = state.config
    made = kept.copy() if kept else AwsClientConfig()
    made.update_from(call)
    if allowed_sts_header_values is not None:
        headers = [_canonical(header) for header in allowed_sts_header_values]
        known = kept.allowed_sts_header_values if kept else None
        made.allowed_sts_header_values = headers if known is None or set(known) != set(headers) else known
    with refusing():
        made.parse_rotation(call)
        _check_identity(made)
        made.register_rotation()
    if kept is None or "max_retries" in call or any(getattr(made, name) != getattr(kept, name) for name in _ACCESS):
        state.config = made


def _check_identity(config: AwsClientConfig) -> None:
    """Refuse workload identity, a feature of the enterprise edition. Raises ValueError with the server's text."""
    if not config.identity_token_audience:
        return
    if config.access_key:
        raise ValueError("only one of 'access_key' or 'identity_token_audience' can be set")
    if not config.role_arn:
        raise ValueError("role_arn must be set when identity_token_audience is set")
    raise ValueError("plugin workload identity not supported in Vault community edition")


def _canonical(header: str) -> str:
    """Return a header's name as Go writes it; an invalid name is returned unchanged."""
    return "-".join(word.capitalize() for word in header.split("-")) if _HEADER.fullmatch(header) else header


@client.on(Operation.DELETE)
def delete_client(state: AwsAuth, _call: Call) -> None:
    """Delete the settings."""
    state.config = None


@identity.on(Operation.READ)
def read_identity(state: AwsAuth, call: Call) -> Reply:
    """Return the settings, defaults included."""
    return state.identity.shown(call.core.product)


@identity.on(Operation.UPDATE)
def write_identity(state: AwsAuth, call: Call) -> None:
    """Change the settings that were sent. Raises ErrorResponse."""
    made = state.identity.copy()
    made.update_from(call)
    for name, requested in (("iam_alias", made.iam_alias), ("ec2_alias", made.ec2_alias)):
        if requested not in _ALIASES[name]:
            known = " ".join(_ALIASES[name])
            raise ErrorResponse(f"{name} of {quote(requested)} not in set of allowed values: [{known}]")
    for name in _METADATA:
        if name in call:
            with refusing():
                setattr(made, name, metadata.chosen(call[name], _USUAL, _METADATA[name]))
    state.identity = made


@rotate.on(Operation.UPDATE)
def rotate_root(state: AwsAuth, call: Call) -> Reply:
    """Return the access key that replaces the present one. Raises ErrorResponse without a configured key."""
    config = state.config
    if config is None:
        raise ErrorResponse("can't update client config because it's unset")
    for name in ("access_key", "secret_key"):
        if not getattr(config, name):
            raise ErrorResponse(f"can't update {name} because it's unset")
    entropy = call.core.entropy
    config.access_key, config.secret_key = "AKIA" + entropy.hex(8).upper(), entropy.hex(20)
    return {"access_key": config.access_key}


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
    go_errors=True,
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
    state: AwsAuth, call: Call, cert_name: str, certificate: AwsCertificate, *, aws_public_cert: str | None = None
) -> None:
    """Create or replace a certificate. Raises ErrorResponse and BackendError for invalid ones."""
    certificate.update_from(call, "type")
    certificate.type = certificate.type.lower()
    if certificate.type not in ("pkcs7", "identity"):
        raise ErrorResponse(f"invalid certificate type {quote(certificate.type)}")
    if aws_public_cert is None:
        raise ErrorResponse("missing aws_public_cert")
    text = aws_public_cert
    with suppress(ValueError):
        text = b64.decode(text).decode("utf-8", "replace")
    if not text:
        raise ErrorResponse("invalid aws_public_cert")
    block = pem.decode(text)
    if block is None or block.rest:
        raise BackendError("invalid certificate; should be one PEM block only")
    with refusing(error=BackendError):
        parse_certificate(block.der)
    certificate.aws_public_cert = text
