"""The key routes and ``/status`` of the documented contract, in the guide's words or in those of its handler."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from mockkms.rustfs.context import Store
from mockkms.rustfs.contracts.v1.errors import V1Error, access_denied, missing_key_name, not_configured
from mockkms.rustfs.state import KmsKey
from mockkms.rustfs.store import StoreError, new_key_id
from mockkms.world.clock import rfc3339

if TYPE_CHECKING:
    from mockkms.rustfs.context import AdminContext

LIST_LIMIT = 100
"""Most keys that the handler lists for its own store; the guide knows no limit."""


class KeyRoutes:
    """One request's view of the keys."""

    def __init__(self, admin: AdminContext, query: dict[str, str], body: bytes = b"") -> None:
        self.admin, self.query, self.body = admin, query, body
        self.guide = admin.contract_words
        settings = admin.state.settings
        self.in_vault = settings is not None and settings.kms_type == "vault" and not self.guide
        """The handler's answers for a Vault differ from those for its own store."""

    # -- routes ------------------------------------------------------------------------------------------------

    def create(self) -> dict[str, Any]:
        """``POST /key/create``: a key of the name asked for, or of a made-up one."""
        name = self.query.get("keyName", self.query.get("key"))
        store = self.store()
        if name is None:
            name = new_key_id(self.admin.core.entropy)
        with Failures(self, 400):
            key = self.admin.state.keys.get("") if not name else store.get(name)
            if key is None:
                key = store.create(name)
            elif not self.in_vault:
                raise V1Error(
                    400, "KeyAlreadyExists", f"Key '{name}' already exists", "A key with this name already exists"
                )
            shown = self.shown(key)
            del shown["algorithm"]
            return shown

    def status(self) -> dict[str, Any]:
        """``GET /key/status``."""
        name = self.name()
        with Failures(self, 404):
            return self.shown(self.found(self.store(), name, 404))

    def list(self) -> dict[str, Any]:
        """``GET /key/list``."""
        store = self.store()
        with Failures(self, 500):
            keys = [key for key in map(store.get, store.names()) if key is not None]
        if self.in_vault and not keys:
            raise backend_error(500, "no keys")
        if not self.guide and not self.in_vault:
            keys = keys[:LIST_LIMIT]
        return {"keys": [self.shown(key) for key in keys]}

    def enable(self) -> dict[str, Any] | None:
        """``PUT /key/enable``: also a key that waits for its deletion, and one that is enabled already."""
        return self.switch("Enabled")

    def disable(self) -> dict[str, Any] | None:
        """``PUT /key/disable``."""
        return self.switch("Disabled")

    def health(self) -> dict[str, Any]:
        """``GET /status``."""
        store = self.store()
        settings = self.admin.state.settings
        try:
            store.check()
            healthy = True
        except StoreError:
            healthy = False
        if not self.guide:
            return {"status": "OK" if healthy else "Failed", "backend": "Local", "healthy": healthy}
        backend = settings.kms_type if settings else "local"
        return {"status": "Active" if healthy else "Failed", "backend": backend, "healthy": healthy}

    # -- parts -------------------------------------------------------------------------------------------------

    def name(self) -> str:
        """The key asked for; ``keyName`` beats ``key``, and an empty one counts as given."""
        name = self.query.get("keyName", self.query.get("key"))
        if name is None:
            raise missing_key_name()
        return name

    def store(self) -> Store:
        """The keys, where a configuration is in force."""
        if not self.admin.state.configured:
            raise not_configured()
        return self.admin.store()

    def found(self, store: Store, name: str, handler_status: int) -> KmsKey:
        """The key, or the contract's refusal."""
        key = store.get(name)
        if key is None:
            status, code = (404, "KeyNotFound") if self.guide else (handler_status, "NoSuchKey")
            raise V1Error(status, code, f"Key '{name}' not found", "The specified key does not exist")
        return key

    def switch(self, status: str) -> dict[str, Any] | None:
        name = self.name()
        store = self.store()
        with Failures(self, 400):
            if self.in_vault and status == "Disabled":
                raise V1Error(
                    400,
                    "InternalError",
                    "Internal error: Key disable operation is not supported in Transit engine",
                    "Internal KMS error occurred",
                )
            key = self.found(store, name, 400)
        key.status, key.deletion_date = status, None
        return self.shown(key) if self.guide else None

    def shown(self, key: KmsKey) -> dict[str, Any]:
        """A key as the contract shows it."""
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
    """A backend's failure in a key route: 500 in the guide but for a bad name, the route's status in the handler."""

    def __init__(self, routes: KeyRoutes, handler_status: int) -> None:
        self.guide, self.handler_status = routes.guide, handler_status

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, StoreError):
            if self.guide and error.status == 403:
                raise access_denied() from None
            bad_request = error.status in (400, 404, 405)
            status = self.handler_status if bad_request or not self.guide else 500
            raise backend_error(status, error.text) from None


def backend_error(status: int, text: str) -> V1Error:
    """The Vault behind the service failed."""
    return V1Error(status, "BackendError", f"Vault backend error: {text}", "KMS backend operation failed")


def handler_time(moment: float) -> str:
    """RFC 3339 with an offset and 0, 3 or 6 fraction digits, as the handler writes it."""
    text = rfc3339(round(moment, 6))[:-1]
    whole, _, fraction = text.partition(".")
    if not fraction:
        return whole + "+00:00"
    return f"{whole}.{fraction.ljust(3 if len(fraction) <= 3 else 6, '0')}+00:00"
