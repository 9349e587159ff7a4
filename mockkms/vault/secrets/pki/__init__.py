"""The PKI secrets engine: certificate authorities, certificates, revocation lists, OCSP and ACME."""

from __future__ import annotations

from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.secrets.pki.model import engine

load_endpoints(
    __name__, "roles", "cel.roles", "cel.issuing", "certificates.issuing", "issuers.roots", "issuers.intermediates",
    "issuers.importing", "configs", "revocation.revoke", "issuers.keys", "issuers.issuers", "issuers.writing",
    "revocation.resigning", "revocation.tidy", "certificates.fetching", "revocation.ocsp", "acme.config",
    "acme.accounts", "acme.protocol.directory", "acme.protocol.registration", "acme.protocol.orders",
    "acme.protocol.issuance", "acme.protocol.authorizations", "acme.protocol.revocation", "acme.endpoints",
)  # fmt: skip

__all__ = ["engine"]
