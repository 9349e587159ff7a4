"""The PKI engine. Importing the package declares every endpoint; the order matters where templates overlap."""

from mockkms.vault.engines.pki import roles  # isort: skip
from mockkms.vault.engines.pki import issuing, roots, authorities, importing, configs  # isort: skip
from mockkms.vault.engines.pki import revocation, keys, issuers, issuerwrites, resigning, tidying  # isort: skip
from mockkms.vault.engines.pki import fetching, ocsp  # isort: skip
from mockkms.vault.engines.pki import acmeconfig, acmekeys, acme  # isort: skip
from mockkms.vault.engines.pki.engine import engine

__all__ = [
    "acme", "acmeconfig", "acmekeys", "authorities", "configs", "engine", "fetching", "importing", "issuers",
    "issuerwrites", "issuing", "keys", "ocsp", "resigning", "revocation", "roles", "roots", "tidying",
]  # fmt: skip
