"""RADIUS: logins with the password of an authentication server."""

from mockkms.vault.auth.radius import config, login, users
from mockkms.vault.auth.radius.model import Radius, engine

__all__ = ["Radius", "config", "engine", "login", "users"]
