"""LDAP: logins with the password that a directory knows; its groups bring policies."""

from mockkms.vault.auth.ldap import config, entries, login, rotateroot
from mockkms.vault.auth.ldap.model import Ldap, engine

__all__ = ["Ldap", "config", "engine", "entries", "login", "rotateroot"]
