"""Later routes of the documented contract: rotate or delete a key, show the configuration."""

from __future__ import annotations

from mockkms.rustfs.contracts.v1.errors import not_configured
from mockkms.rustfs.contracts.v1.keys import Failures, KeyRoutes
from mockkms.rustfs.state import KmsSettings

WINDOW = (1, 365, 7)
"""Days before a deletion: minimum, maximum, default."""
DAY = 86400


def rotate(routes: KeyRoutes) -> dict[str, object]:
    """``POST /key/rotate``: add a version to a key."""
    name = routes.name()
    store = routes.store()
    with Failures(routes, 400):
        key = routes.found(store, name, 400)
        store.rotate(key)
    return routes.shown(key)


def delete(routes: KeyRoutes) -> str:
    """``DELETE /key/delete``: schedule the deletion of a key; enabling the key cancels it."""
    name = routes.name()
    store = routes.store()
    with Failures(routes, 400):
        key = routes.found(store, name, 400)
    key.status, key.deletion_date = "PendingDeletion", routes.admin.core.clock.now() + _days(routes.query) * DAY
    return "delete success"


def _days(query: dict[str, str]) -> int:
    """Return the days before a deletion: limited to the window; the default if they are not a number."""
    least, most, default = WINDOW
    text = query.get("pendingWindowDays", query.get("days", ""))
    number = text.removeprefix("-").removeprefix("+")
    if not (number.isascii() and number.isdigit()):
        return default
    return least if text.startswith("-") else int(min(max(float(number), least), most))


def config(routes: KeyRoutes) -> dict[str, object]:
    """``GET /config``: the configuration without secrets."""
    settings = routes.admin.state.settings
    if settings is None or not routes.admin.state.configured:
        raise not_configured()
    return {
        "kms_type": settings.kms_type.capitalize(),
        "default_key_id": settings.default_key_id,
        "timeout_secs": settings.timeout_seconds,
        "retry_attempts": settings.retry_attempts,
        "enable_audit": True,
        "audit_log_path": None,
        "backend": _backend(settings),
    }


def _backend(settings: KmsSettings) -> dict[str, object]:
    if settings.kms_type == "local":
        key_dir = settings.key_dir or "/tmp/kms_keys"
        return {"type": "local", "key_dir": key_dir, "encrypt_files": settings.master_key is not None}
    return {
        "type": "vault",
        "address": settings.address,
        "namespace": settings.namespace,
        "mount_path": settings.mount_path,
        "auth_method": settings.auth_method,
    }
