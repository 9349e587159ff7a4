"""JWT: logins with tokens of an outside issuer whose keys are known."""

from mockkms.vault.auth.jwt import config, login, oidc, roles
from mockkms.vault.auth.jwt.model import JWT, engine

__all__ = ["JWT", "config", "engine", "login", "oidc", "roles"]
