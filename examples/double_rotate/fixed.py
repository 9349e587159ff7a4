"""Rotates the key of the orders once: after a failure, it looks whether the key was rotated."""

import requests
from vault import Vault, repeated


def rotate(vault: Vault) -> None:
    """Rotate the key, which nobody else rotates at this time."""
    before = _version(vault)

    def once() -> None:
        try:
            vault.send("POST", "transit/keys/orders/rotate")
        except requests.RequestException:
            if _version(vault) == before:
                raise

    repeated(once)


def _version(vault: Vault) -> int:
    return repeated(lambda: vault.send("GET", "transit/keys/orders")["data"]["latest_version"])
