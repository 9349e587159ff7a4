"""Saves orders. A write is repeated until it is known to have taken effect, and once only: by check-and-set."""

import requests
from vault import Vault, repeated, status


def save(vault: Vault, order: str, content: dict[str, str]) -> None:
    """Save a new order. Raises ``requests.RequestException`` if it may not be saved."""
    path = f"secret/data/orders/{order}"

    def once() -> None:
        try:
            # With cas 0, Vault refuses to write the order a second time.
            vault.send("POST", path, {"data": content, "options": {"cas": 0}})
        except requests.RequestException as error:
            if status(error) != 400 or repeated(lambda: vault.send("GET", path))["data"]["data"] != content:
                raise

    repeated(once)
