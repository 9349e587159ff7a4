"""``revoke-cert``: revocation by the account that got the certificate, or by the certificate's key (section 7.6)."""

from __future__ import annotations

from mockkms.crypto.x509 import keys, read
from mockkms.vault.framework.message import VaultError
from mockkms.vault.secrets.pki.acme.problems import (
    ALREADY_REVOKED,
    BAD_REVOCATION_REASON,
    MALFORMED,
    SERVER_INTERNAL,
    AcmeProblem,
    after,
    within,
)
from mockkms.vault.secrets.pki.acme.protocol import signed
from mockkms.vault.secrets.pki.acme.protocol.directory import AcmeDirectory, AcmeReply, resource
from mockkms.vault.secrets.pki.acme.protocol.values import kind_of
from mockkms.vault.secrets.pki.model import hyphens
from mockkms.vault.secrets.pki.revocation import revoke

_FRONT = "unable to revoke certificate"


def _revoke(found: AcmeDirectory) -> AcmeReply:
    """Revoke a certificate of the mount that has not expired."""
    data, call = found.data or {}, found.call
    certificate = _certificate(data)
    reason = data.get("reason", 0)
    if isinstance(reason, bool) or not isinstance(reason, (int, float)):
        fault = f"invalid type ({kind_of(reason)}; expected float64) for field 'reason'"
        raise after(MALFORMED, fault)
    if int(reason):
        product = call.core.product.texts.product
        fault = f"{product} does not support revocation reasons (got {int(reason)}; expected omitted or 0/unspecified)"
        raise after(BAD_REVOCATION_REASON, fault)
    if certificate.not_after < call.now():
        raise after(MALFORMED, "refusing to revoke expired certificate")
    serial = hyphens(certificate.serial_text)
    known = found.state.certificates.get(serial)
    if known is None:
        raise after(SERVER_INTERNAL, f"{_FRONT}: no global cert entry found")
    if known != certificate.der:
        raise after(MALFORMED, f"{_FRONT}: supplied certificate does not match CA's stored value")
    if serial in found.state.revoked:
        raise after(ALREADY_REVOKED, _FRONT)
    if found.account_id:
        _check_account(found, serial)
    else:
        _check_key(found, certificate)
    try:
        response = revoke.revoke(found.state, call, certificate)
    except VaultError as fault:
        raise AcmeProblem(SERVER_INTERNAL, fault.errors[0]) from None
    return AcmeReply(response.data or {})


def _certificate(data: dict[str, object]) -> read.Certificate:
    if "certificate" not in data:
        raise after(MALFORMED, "bad request was lacking required field 'certificate'")
    given = data["certificate"]
    if not isinstance(given, str):
        fault = f"invalid type ({kind_of(given)}; expected string) for field 'certificate'"
        raise after(MALFORMED, fault)
    der = signed.decoded(given, "failed to base64 decode certificate")
    try:
        return read.load(der)
    except ValueError as error:
        raise after(MALFORMED, f"failed to parse certificate: {error}") from None


def _check_account(found: AcmeDirectory, serial: str) -> None:
    """Raise AcmeProblem unless a valid account signed the request, and got the certificate."""
    try:
        found.valid_account()
    except AcmeProblem as problem:
        raise within("failed to lookup account", problem) from None
    if found.records.owners.get(serial) != found.account_id:
        raise after(MALFORMED, f"{_FRONT}: no certificate with this serial was issued for this account")


def _check_key(found: AcmeDirectory, certificate: read.Certificate) -> None:
    """Raise AcmeProblem unless the certificate's key signed the request."""
    given = signed.public_bytes(found.signer())
    fault = "provided private key does not match certificate's public key"
    if keys.describe(given)[0] != keys.describe(certificate.public)[0]:
        fault = "provided private key type does not match certificate's public key type"
    if given != certificate.public:
        front = f"{_FRONT}: unable to verify proof of possession of private key provided by proxy"
        raise after(MALFORMED, f"{front}: {fault}")


revocations = resource("revoke-cert", _revoke, "revoke a certificate.")
