"""The key routes and ``/status`` of the documented contract, with the texts of the guide or of its code."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mockkms.rustfs.contracts.v1.errors import access_denied, guide_error, missing_key_name, not_configured
from mockkms.rustfs.errors import AdminError, KmsError
from mockkms.rustfs.keystore import KeyStore, new_key_id
from mockkms.rustfs.state import KmsKey
from mockkms.world.clock import rfc3339

if TYPE_CHECKING:
    from mockkms.rustfs.context import AdminContext

LIST_LIMIT = 100
"""Maximum number of keys that the code's list of local keys has; the guide has no limit."""


class KeyRoutes:
    """The routes, for one request."""

    def __init__(self, admin: AdminContext, query: dict[str, str], body: bytes = b"") -> None:
        self.admin, self.query, self.body = admin, query, body
        self.guide = admin.guide_texts
        settings = admin.state.settings
        self.in_vault = settings is not None and settings.kms_type == "vault" and not self.guide
        """Whether the responses are those of the code for a Vault, which differ from those for local keys."""

    # -- routes ------------------------------------------------------------------------------------------------

    def create(self) -> dict[str, object]:
        """``POST /key/create``: create a key with the given name, or a generated one."""
        name = self.query.get("keyName", self.query.get("key"))
        store = self.store()
        if name is None:
            name = new_key_id(self.admin.core.entropy)
        with Failures(self, 400):
            key = self.admin.state.keys.get("") if not name else store.find(name)
            if key is None:
                key = store.create(name)
            elif not self.in_vault:
                raise guide_error(
                    400, "KeyAlreadyExists", f"Key '{name}' already exists", "A key with this name already exists"
                )
            shown = self.shown(key)
            del shown["algorithm"]
            return shown

    def status(self) -> dict[str, object]:
        """``GET /key/status``."""
        name = self.name()
        with Failures(self, 404):
            return self.shown(self.found(self.store(), name, 404))

    def list(self) -> dict[str, object]:
        """``GET /key/list``."""
        store = self.store()
        with Failures(self, 500):
            keys = [key for key in map(store.find, store.names()) if key is not None]
        if self.in_vault and not keys:
            raise backend_error(500, "no keys")
        if not self.guide and not self.in_vault:
            keys = keys[:LIST_LIMIT]
        return {"keys": [self.shown(key) for key in keys]}

    def enable(self) -> dict[str, object] | None:
        """``PUT /key/enable``: enable a key; a scheduled deletion is cancelled."""
        return self.switch("Enabled")

    def disable(self) -> dict[str, object] | None:
        """``PUT /key/disable``."""
        return self.switch("Disabled")

    def health(self) -> dict[str, object]:
        """``GET /status``."""
        store = self.store()
        settings = self.admin.state.settings
        try:
            store.check()
            healthy = True
        except KmsError:
            healthy = False
        if not self.guide:
            return {"status": "OK" if healthy else "Failed", "backend": "Local", "healthy": healthy}
        backend = settings.kms_type if settings else "local"
        return {"status": "Active" if healthy else "Failed", "backend": backend, "healthy": healthy}

    # -- parts -------------------------------------------------------------------------------------------------

    def name(self) -> str:
        """Return the name in the query; ``keyName`` takes precedence over ``key``. Raises AdminError without both."""
        name = self.query.get("keyName", self.query.get("key"))
        if name is None:
            raise missing_key_name()
        return name

    def store(self) -> KeyStore:
        """Return the keys. Raises AdminError if the service is not configured."""
        settings = self.admin.state.settings
        if settings is None or not self.admin.state.configured:
            raise not_configured()
        return KeyStore(self.admin, settings)

    def found(self, store: KeyStore, name: str, handler_status: int) -> KmsKey:
        """Return a key. Raises AdminError if it does not exist."""
        key = store.find(name)
        if key is None:
            status, code = (404, "KeyNotFound") if self.guide else (handler_status, "NoSuchKey")
            raise guide_error(status, code, f"Key '{name}' not found", "The specified key does not exist")
        return key

    def switch(self, status: str) -> dict[str, object] | None:
        """Set the status of the key, and return the key in the documented contract. Raises AdminError."""
        name = self.name()
        store = self.store()
        with Failures(self, 400):
            if self.in_vault and status == "Disabled":
                raise guide_error(
                    400,
                    "InternalError",
                    "Internal error: Key disable operation is not supported in Transit engine",
                    "Internal KMS error occurred",
                )
            key = self.found(store, name, 400)
        key.status, key.deletion_date = status, None
        return self.shown(key) if self.guide else None

    def shown(self, key: KmsKey) -> dict[str, object]:
        """Return a key as responses show it."""
        if self.guide:
            return {
                "keyId": key.key_id,
                "keyName": key.name,
                "status": key.status,
                "createdAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(key.created)),
                "algorithm": key.algorithm,
            }
        status = "Active" if self.in_vault or key.status == "Enabled" else key.status
        return {
            "keyId": key.name,
            "keyName": key.name,
            "status": status,
            "createdAt": handler_time(self.admin.core.clock.now() if self.in_vault else key.created),
            "algorithm": key.algorithm.replace("-", "_") if self.in_vault else key.algorithm,
        }


class Failures:
    """Context manager: a failure of the backend becomes an error response.

    The guide reports 500, except for invalid names; the code reports ``handler_status``.
    """

    def __init__(self, routes: KeyRoutes, handler_status: int) -> None:
        self.guide, self.handler_status = routes.guide, handler_status

    def __enter__(self) -> None:
        """Enter the body."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, KmsError):
            if self.guide and error.vault_status == 403:
                raise access_denied() from None
            bad_request = error.vault_status in (400, 404, 405)
            status = self.handler_status if bad_request or not self.guide else 500
            raise backend_error(status, error.vault_text) from None


def backend_error(status: int, text: str) -> AdminError:
    """Return the error for a failure of the Vault behind the service."""
    return guide_error(status, "BackendError", f"Vault backend error: {text}", "KMS backend operation failed")


def handler_time(moment: float) -> str:
    """Return an epoch time in RFC 3339 with an offset and 0, 3 or 6 fraction digits, as the code writes it."""
    text = rfc3339(round(moment, 6))[:-1]
    whole, _, fraction = text.partition(".")
    if not fraction:
        return whole + "+00:00"
    return f"{whole}.{fraction.ljust(3 if len(fraction) <= 3 else 6, '0')}+00:00"
