"""Reads settings with a token from AppRole. A token that is refused is replaced once, then the refusal counts."""

import requests
from vault import Vault, repeated, status

_DEFAULT = {"password": ""}


class Settings:
    """The settings of a service; those that it may not read have a default."""

    def __init__(self, vault: Vault, role_id: str, secret_id: str) -> None:
        self._vault = vault
        self._login = {"role_id": role_id, "secret_id": secret_id}
        self._log_in()

    def _log_in(self) -> None:
        self._vault.token = ""
        answer = repeated(lambda: self._vault.send("POST", "auth/approle/login", self._login))
        self._vault.token = answer["auth"]["client_token"]

    def read(self, name: str) -> dict[str, str]:
        """Return one group of settings."""
        for fresh in (False, True):
            try:
                return repeated(lambda: self._vault.send("GET", f"secret/data/app/{name}"))["data"]["data"]
            except requests.RequestException as error:
                if status(error) != 403:
                    raise
                if not fresh:
                    # Vault answers the same for a token that has ended and for one that may not read this.
                    self._log_in()
        return _DEFAULT
