"""The admin API as a client of the emulated Vault."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.rustfs.errors import KmsError, KmsFailure
from mockkms.vault.framework.message import Operation, Request, Response

if TYPE_CHECKING:
    from mockkms.rustfs.context import Vault


class VaultClient:
    """Sends requests with one token in one namespace."""

    def __init__(self, core: Vault, namespace: str | None, token: str) -> None:
        self.core, self.namespace, self.token = core, namespace or "", token

    def call(
        self,
        doing: str,
        operation: Operation,
        path: str,
        data: Mapping[str, object] | None = None,
        *,
        absent: bool = False,
    ) -> Response | None:
        """Send a request. Raises KmsError of kind BACKEND for an error response.

        Args:
            doing: The beginning of the error message, such as ``Failed to store key in Vault``.
            operation: The operation.
            path: The path below ``/v1/``.
            data: The fields of the body.
            absent: Return None for 404 without an error message, instead of raising.
        """
        response = self.core.handle(
            Request(operation, path, data=dict(data or {}), token=self.token, namespace=self.namespace)
        )
        if response.errors is None:
            return response
        if absent and response.status == 404 and not response.errors:
            return None
        # Of an error, the real server shows the status; it never repeats the Vault's own messages.
        raise KmsError(
            KmsFailure.BACKEND,
            f"{doing}: The Vault server returned an error (status code {response.status})",
            vault_status=response.status,
            vault_text="; ".join(error.strip() for error in response.errors) or f"status {response.status}",
        )

    def is_sealed(self) -> bool:
        """Return whether ``sys/health`` reports a sealed Vault, or an error."""
        response = self.core.handle(Request(Operation.READ, "sys/health"))
        body = response.document or response.data or {}
        return bool(body.get("sealed")) or response.errors is not None

    def login(self, mount: str, role_id: str, secret_id: str) -> None:
        """Log in with an AppRole and use the new token from now on. Raises KmsError."""
        self.token = ""
        response = self.call(
            "Vault AppRole login failed",
            Operation.UPDATE,
            f"auth/{mount.strip('/')}/login",
            {"role_id": role_id, "secret_id": secret_id},
        )
        if response is None or response.auth is None:
            raise KmsError(KmsFailure.BACKEND, "Vault AppRole login failed: the response contains no token")
        self.token = response.auth.client_token
