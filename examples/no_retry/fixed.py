"""Encrypts orders. Temporary failures are repeated: to encrypt twice does no harm."""

import time

import hvac
import requests

ATTEMPTS = 4
TEMPORARY = (
    requests.RequestException,  # no whole answer
    hvac.exceptions.RateLimitExceeded,
    hvac.exceptions.InternalServerError,
    hvac.exceptions.BadGateway,
    hvac.exceptions.VaultDown,
)


def encrypt(client: hvac.Client, plaintext: str) -> str:
    """Return the ciphertext of a text in base64."""
    for attempt in range(ATTEMPTS):
        try:
            return client.secrets.transit.encrypt_data("orders", plaintext)["data"]["ciphertext"]
        except TEMPORARY as error:
            if attempt == ATTEMPTS - 1:
                raise
            # hvac does not tell Retry-After; Vault asks for a second or two.
            time.sleep(1 if isinstance(error, hvac.exceptions.RateLimitExceeded) else 0.05 * 2**attempt)
    raise AssertionError("unreachable")
