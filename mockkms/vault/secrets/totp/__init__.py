"""The TOTP secrets engine: keys of second factors, their codes, and the check of codes (RFC 6238)."""

from mockkms.vault.secrets.totp import endpoints
from mockkms.vault.secrets.totp.model import TOTP, engine

__all__ = ["TOTP", "endpoints", "engine"]
