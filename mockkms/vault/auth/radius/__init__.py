"""RADIUS: logins with the password that an authentication server knows."""

from mockkms.vault.auth.radius import config, login, users
from mockkms.vault.auth.radius.model import Radius, engine

__all__ = ["Radius", "config", "engine", "login", "users"]
