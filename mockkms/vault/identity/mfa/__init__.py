"""Login MFA: methods, enforcements and validation."""

from mockkms.vault.identity.mfa.model import Enforcement, Method, MfaState, PendingLogin, Secret

__all__ = ["Enforcement", "Method", "MfaState", "PendingLogin", "Secret"]
