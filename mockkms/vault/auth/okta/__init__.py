"""Okta: logins with the password of an Okta organization; its groups have policies."""

from mockkms.vault.auth.okta import config, entries, login
from mockkms.vault.auth.okta.model import Okta, engine

__all__ = ["Okta", "config", "engine", "entries", "login"]
