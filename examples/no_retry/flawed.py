"""Encrypts orders. Flaw: one failed request, and the order is lost."""

import hvac


def encrypt(client: hvac.Client, plaintext: str) -> str:
    """Return the ciphertext of a text in base64."""
    return client.secrets.transit.encrypt_data("orders", plaintext)["data"]["ciphertext"]
