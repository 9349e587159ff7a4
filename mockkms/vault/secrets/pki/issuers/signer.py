"""An issuer with what signing needs: certificate, key, addresses and chain."""

from __future__ import annotations

from dataclasses import dataclass

from mockkms.crypto.encoding import pem
from mockkms.crypto.x509 import read
from mockkms.crypto.x509.read import Certificate
from mockkms.vault.framework.message import BackendError, refusing
from mockkms.vault.secrets.pki.certificates import urls
from mockkms.vault.secrets.pki.issuers import references
from mockkms.vault.secrets.pki.model import PKI, PkiIssuer, PkiKey
from mockkms.vault.secrets.pki.settings import PkiUrls


@dataclass
class Signer:
    """An issuer with what signing needs."""

    issuer: PkiIssuer
    certificate: Certificate
    key: PkiKey
    urls: PkiUrls
    chain: list[bytes]
    """DER from the issuer's own certificate up."""


def load(state: PKI, issuer: PkiIssuer, usage: str) -> Signer:
    """Return the issuer for a ``usage``. Raises BackendError without a key, or if the usage is not allowed."""
    check_usage(issuer, usage)
    key = key_of(state, issuer)
    with refusing("unable to fetch AIA URL information: ", BackendError):
        found = urls.of_issuer(state, issuer)
    return Signer(issuer, read.load(issuer.certificate), key, found, chain_of(state, issuer))


def check_usage(issuer: PkiIssuer, usage: str) -> None:
    """Raise BackendError if an issuer must not be used for ``usage``."""
    if usage not in issuer.usage:
        label = f"id:{issuer.id}" + (f" / name:{issuer.name}" if issuer.name else "")
        raise BackendError(
            f"error while attempting to use issuer {issuer.id}: requested usage {usage} for issuer [{label}] but only "
            f"had usage {','.join(issuer.shown_usage)}"
        )


def key_of(state: PKI, issuer: PkiIssuer) -> PkiKey:
    """Return the key of an issuer. Raises BackendError if the mount does not have it."""
    key = state.keys.get(issuer.key_id)
    if key is None:
        raise BackendError(
            f"unable to fetch corresponding key for issuer {issuer.id}; unable to use this issuer for signing"
        )
    return key


def chain_of(state: PKI, issuer: PkiIssuer) -> list[bytes]:
    """Return the certificates (DER) from an issuer up to its root."""
    chain = [state.issuers[issuer_id].certificate for issuer_id in issuer.chain if issuer_id in state.issuers]
    return chain if chain[:1] == [issuer.certificate] else [issuer.certificate, *chain]


def for_issuing(state: PKI, reference: str) -> Signer:
    """Return the issuer that signs certificates. Raises BackendError with the text of those endpoints."""
    unset = refusing("could not fetch the CA certificate (was one set?): ", BackendError, of=BackendError)
    failed = refusing("error fetching CA certificate: ", BackendError, of=BackendError)
    usage = "issuing-certificates"
    with unset:
        issuer = references.issuer(state, reference)
    with failed:
        check_usage(issuer, usage)
    with unset:
        key_of(state, issuer)
    with failed:
        return load(state, issuer, usage)


def text(der: bytes) -> str:
    """Return a certificate in PEM without the last line break."""
    return pem.encode("CERTIFICATE", der).strip()
