"""An issuer ready to sign: its certificate, key, addresses and chain."""

from __future__ import annotations

from dataclasses import dataclass

from mockkms.crypto.encoding import pem
from mockkms.crypto.x509 import read
from mockkms.crypto.x509.read import Certificate
from mockkms.vault.framework.message import BackendError
from mockkms.vault.secrets.pki.certificates import urls
from mockkms.vault.secrets.pki.issuers import references
from mockkms.vault.secrets.pki.model import PKI, Issuer, Key, Urls

_USAGE_ORDER = ("read-only", "issuing-certificates", "crl-signing", "ocsp-signing")


@dataclass
class Signer:
    """What signing needs."""

    issuer: Issuer
    certificate: Certificate
    key: Key
    urls: Urls
    chain: list[bytes]
    """DER from the issuer's own certificate up."""


class UserFault(BackendError):
    """What the real server takes for the caller's fault; where it is framed depends on who asks."""


def load(state: PKI, issuer: Issuer, usage: str) -> Signer:
    """The issuer for a ``usage``. Raises UserFault without a key, BackendError where the usage is not allowed."""
    if usage not in issuer.usage:
        label = f"id:{issuer.id}" + (f" / name:{issuer.name}" if issuer.name else "")
        raise BackendError(
            f"error while attempting to use issuer {issuer.id}: requested usage {usage} for issuer [{label}] but only "
            f"had usage {','.join(issuer.usage)}"
        )
    key = state.keys.get(issuer.key_id)
    if key is None:
        raise UserFault(
            f"unable to fetch corresponding key for issuer {issuer.id}; unable to use this issuer for signing"
        )
    try:
        found = urls.of_issuer(state, issuer)
    except urls.TemplateFault as error:
        raise BackendError(f"unable to fetch AIA URL information: {error}") from None
    return Signer(issuer, read.load(issuer.certificate), key, found, chain_of(state, issuer))


def chain_of(state: PKI, issuer: Issuer) -> list[bytes]:
    """The DER certificates from an issuer up to its root."""
    chain = [state.issuers[issuer_id].certificate for issuer_id in issuer.chain if issuer_id in state.issuers]
    return chain if chain[:1] == [issuer.certificate] else [issuer.certificate, *chain]


def for_issuing(state: PKI, reference: str) -> Signer:
    """The issuer that signs certificates. Raises BackendError in the words of those endpoints."""
    try:
        return load(state, references.issuer(state, reference), "issuing-certificates")
    except (references.Unresolved, UserFault) as error:
        raise BackendError(f"could not fetch the CA certificate (was one set?): {error.errors[0]}") from None
    except BackendError as error:
        raise BackendError(f"error fetching CA certificate: {error.errors[0]}") from None


def text(der: bytes) -> str:
    """A certificate in PEM without the last line break."""
    return pem.encode("CERTIFICATE", der).strip()
