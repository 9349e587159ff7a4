"""Okta: logins with the password that an Okta organization knows; its groups bring policies."""

from mockkms.vault.auth.okta import config, entries, login
from mockkms.vault.auth.okta.model import Okta, engine

__all__ = ["Okta", "config", "engine", "entries", "login"]
