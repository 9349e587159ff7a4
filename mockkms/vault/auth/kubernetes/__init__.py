"""Kubernetes: service account tokens, as far as they can be judged without an API server to review them."""

from mockkms.vault.auth.kubernetes import config, login, roles
from mockkms.vault.auth.kubernetes.model import Kubernetes, engine

__all__ = ["Kubernetes", "config", "engine", "login", "roles"]
