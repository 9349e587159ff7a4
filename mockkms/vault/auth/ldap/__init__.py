"""LDAP: logins with a directory's password; its groups have policies."""

from mockkms.vault.auth.ldap import config, entries, login, rotateroot
from mockkms.vault.auth.ldap.model import Ldap, engine

__all__ = ["Ldap", "config", "engine", "entries", "login", "rotateroot"]
