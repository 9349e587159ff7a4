"""TLS certificates of clients: configuration, trusted certificates, logins with them."""

from mockkms.vault.auth.cert import config, crls, login, roles
from mockkms.vault.auth.cert.model import Cert, engine

__all__ = ["Cert", "config", "crls", "engine", "login", "roles"]
