"""Reads settings with a token from AppRole. Flaw: the token is kept for good, also after Vault has refused it."""

import requests
from vault import Vault, repeated, status

_DEFAULT = {"password": ""}


class Settings:
    """The settings of a service; those that it may not read have a default."""

    def __init__(self, vault: Vault, role_id: str, secret_id: str) -> None:
        self._vault = vault
        login = {"role_id": role_id, "secret_id": secret_id}
        vault.token = repeated(lambda: vault.send("POST", "auth/approle/login", login))["auth"]["client_token"]

    def read(self, name: str) -> dict[str, str]:
        """Return one group of settings."""
        try:
            return repeated(lambda: self._vault.send("GET", f"secret/data/app/{name}"))["data"]["data"]
        except requests.RequestException as error:
            if status(error) == 403:
                return _DEFAULT
            raise
