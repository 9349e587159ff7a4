"""GitHub: logins with a personal access token of a member of an organization."""

from mockkms.vault.auth.github import config, login, maps
from mockkms.vault.auth.github.model import Github, engine

__all__ = ["Github", "config", "engine", "login", "maps"]
