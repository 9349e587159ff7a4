"""TLS certificates: configuration and trusted certificates. No login succeeds, as no connection here shows one."""

from mockkms.vault.auth.cert import config, crls, login, roles
from mockkms.vault.auth.cert.model import Cert, engine

__all__ = ["Cert", "config", "crls", "engine", "login", "roles"]
