"""A second proof at login: methods, who has to give it, and how it is checked."""

from mockkms.vault.identity.mfa.model import Enforcement, Method, MfaState, PendingLogin, Secret

__all__ = ["Enforcement", "Method", "MfaState", "PendingLogin", "Secret"]
