"""Rotates the key of the orders. Flaw: if the answer is lost, the key has been rotated, and is rotated again."""

from vault import Vault, repeated


def rotate(vault: Vault) -> None:
    """Rotate the key."""
    repeated(lambda: vault.send("POST", "transit/keys/orders/rotate"))
