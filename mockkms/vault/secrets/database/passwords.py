"""Passwords and keys that are handed out."""

from __future__ import annotations

import string
from typing import Any

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError
from mockkms.vault.policy.passwords import CharsetRule, PasswordPolicy, PasswordPolicyError, parse_password_policy

_USUAL = PasswordPolicy(
    20,
    tuple(CharsetRule(charset, 1) for charset in (string.ascii_lowercase, string.ascii_uppercase, string.digits, "-")),
)
"""What the real server makes passwords by where no policy is named."""


def new_password(call: Call, policy: str) -> str:
    """A password by a named policy, or by the usual rules. Raises BackendError."""
    made = _USUAL
    if policy:
        text = call.core.state.policies.password.get((call.mount.namespace, policy))
        if text is None:
            raise BackendError("failed to generate password: policy does not exist")
        made = parse_password_policy(text)
    try:
        return made.generate(call.core.entropy)
    except PasswordPolicyError as error:
        raise BackendError(f"failed to generate password: {error}") from None


def new_rsa_key(call: Call, config: dict[str, Any]) -> str:
    """An RSA key of ``key_bits`` bits in PKCS #8 PEM."""
    from mockkms.crypto.x509 import keys

    private = keys.generate("rsa", int(config.get("key_bits") or 2048), call.core.entropy)
    return keys.private_pem(private, pkcs8=True) + "\n"
