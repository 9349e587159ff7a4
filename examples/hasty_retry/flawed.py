"""Decrypts orders. Flaw: it tries again at once, even if Vault asks for a pause, and makes an overload worse."""

import requests
from vault import Vault, temporary


def decrypt(vault: Vault, ciphertext: str) -> str:
    """Return the plaintext in base64."""
    for _ in range(3):
        try:
            return vault.send("POST", "transit/decrypt/orders", {"ciphertext": ciphertext})["data"]["plaintext"]
        except requests.RequestException as error:
            if not temporary(error):
                raise
    raise RuntimeError("Vault is overloaded")
