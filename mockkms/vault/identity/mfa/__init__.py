"""Login MFA: methods, enforcements and validation."""

from mockkms.vault.identity.mfa.model import Enforcement, MfaMethod, MfaState, PendingLogin, Secret

__all__ = ["Enforcement", "MfaMethod", "MfaState", "PendingLogin", "Secret"]
