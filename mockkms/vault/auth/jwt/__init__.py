"""JWT: logins with tokens of an outside issuer whose keys are known."""

from mockkms.vault.auth.jwt import cel_login, cel_roles, config, login, oidc, roles
from mockkms.vault.auth.jwt.model import JWT, engine

__all__ = ["JWT", "cel_login", "cel_roles", "config", "engine", "login", "oidc", "roles"]
