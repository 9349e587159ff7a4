"""Decrypts orders. Between attempts it waits, at least as long as Vault asks for."""

from vault import Vault, repeated


def decrypt(vault: Vault, ciphertext: str) -> str:
    """Return the plaintext in base64."""
    data = {"ciphertext": ciphertext}
    return repeated(lambda: vault.send("POST", "transit/decrypt/orders", data))["data"]["plaintext"]
