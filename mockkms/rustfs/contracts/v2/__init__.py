"""The current contract of the admin KMS API: 35 routes, each with its IAM action, key and handler."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mockkms.rustfs.contracts.v2 import backup, keys, legacy, rekey, requests, service
from mockkms.rustfs.contracts.v2.requests import AdminCall
from mockkms.rustfs.errors import AdminError, s3_error
from mockkms.rustfs.message import AdminReply, AdminRequest

if TYPE_CHECKING:
    from mockkms.rustfs.context import AdminContext


@dataclass(frozen=True)
class KmsRoute:
    """One route: the IAM action it requires, its handler, and a function that returns the key of a request."""

    action: str
    handler: Callable[[AdminCall], AdminReply]
    key: Callable[[AdminCall], str] | None = None
    """None for a route that does not concern a single key."""


def body_key(call: AdminCall) -> str:
    """Return the key that the body names, without a body ``keyId`` of the query; empty for a body that is not JSON."""
    if not call.body:
        return call.query.get("keyId", "")
    with suppress(AdminError):
        return requests.read(call.body, requests.NAMED_KEY).key_id
    return ""


def data_key(call: AdminCall) -> str:
    """Return the key of a valid body of ``/generate-data-key``, empty for any other."""
    with suppress(AdminError):
        return requests.read(call.body, requests.DATA_KEY).key_id
    return ""


def query_key(call: AdminCall) -> str:
    """Return the key that the query of an older route names."""
    return legacy.key_id_of(call.query) or ""


def path_key(call: AdminCall) -> str:
    """Return the key that the path names."""
    return call.key_id


DESCRIBE = KmsRoute("kms:DescribeKey", keys.describe, path_key)
ROUTES = {
    ("POST", "/configure"): KmsRoute("kms:Configure", service.configure),
    ("POST", "/reconfigure"): KmsRoute("kms:Configure", service.reconfigure),
    ("POST", "/reload"): KmsRoute("kms:ServiceControl", service.reload),
    ("POST", "/start"): KmsRoute("kms:ServiceControl", service.start),
    ("POST", "/stop"): KmsRoute("kms:ServiceControl", service.stop),
    ("GET", "/service-status"): KmsRoute("kms:ServiceControl", service.service_status),
    ("GET", "/status"): KmsRoute("kms:ServiceControl", service.status),
    ("POST", "/status"): KmsRoute("kms:ServiceControl", service.status),
    ("GET", "/config"): KmsRoute("kms:Configure", service.config),
    ("POST", "/clear-cache"): KmsRoute("kms:ClearCache", service.clear_cache),
    ("POST", "/keys"): KmsRoute("kms:Configure", keys.create),
    ("GET", "/keys"): KmsRoute("kms:ListKeys", keys.list_keys),
    ("GET", "/keys/{key_id}"): DESCRIBE,
    ("DELETE", "/keys/delete"): KmsRoute("kms:DeleteKey", keys.delete, body_key),
    ("POST", "/keys/cancel-deletion"): KmsRoute("kms:DeleteKey", keys.cancel_deletion, body_key),
    ("POST", "/keys/enable"): KmsRoute("kms:EnableKey", keys.enable, body_key),
    ("POST", "/keys/disable"): KmsRoute("kms:DisableKey", keys.disable, body_key),
    ("POST", "/keys/rotate"): KmsRoute("kms:RotateKey", keys.rotate, body_key),
    ("POST", "/keys/update-description"): KmsRoute("kms:UpdateKeyDescription", keys.update_description, body_key),
    ("POST", "/keys/tag"): KmsRoute("kms:TagResource", keys.tag, body_key),
    ("POST", "/keys/untag"): KmsRoute("kms:UntagResource", keys.untag, body_key),
    ("POST", "/keys/rekey"): KmsRoute("kms:Rekey", rekey.rekey),
    ("POST", "/keys/rekey/cancel"): KmsRoute("kms:Rekey", rekey.status),
    ("GET", "/keys/rekey/status"): KmsRoute("kms:Rekey", rekey.status),
    ("POST", "/create-key"): KmsRoute("kms:Configure", legacy.create),
    ("POST", "/key/create"): KmsRoute("kms:Configure", legacy.create),
    ("GET", "/describe-key"): KmsRoute("kms:DescribeKey", legacy.describe, query_key),
    ("GET", "/key/status"): KmsRoute("kms:DescribeKey", legacy.describe, query_key),
    ("GET", "/list-keys"): KmsRoute("kms:ListKeys", legacy.list_keys),
    ("POST", "/generate-data-key"): KmsRoute("kms:GenerateDataKey", legacy.generate_data_key, data_key),
    ("GET", "/backup"): KmsRoute("kms:Backup", backup.show),
    ("POST", "/backup"): KmsRoute("kms:Backup", backup.export),
    ("POST", "/restore/dry-run"): KmsRoute("kms:Restore", backup.dry_run),
    ("POST", "/restore"): KmsRoute("kms:Restore", backup.restore),
    ("POST", "/restore/abort"): KmsRoute("kms:Restore", backup.abort),
}
"""Method and path below the KMS prefix."""


def find(method: str, path: str) -> tuple[KmsRoute, str] | None:
    """Return the route of a request, and the key that its path names (not percent-decoded)."""
    route = ROUTES.get((method, path))
    if route is not None and route is not DESCRIBE:
        return route, ""
    key_id = path.removeprefix("/keys/")
    if method == "GET" and key_id != path and key_id and "/" not in key_id:
        return DESCRIBE, key_id
    return None


def handle(admin: AdminContext, request: AdminRequest, found: tuple[KmsRoute, str], access_key: str) -> AdminReply:
    """Return the response of a route; ``access_key`` is the signer's, empty without signatures. Raises AdminError."""
    route, key_id = found
    call = AdminCall(admin, request, key_id)
    if not admin.may(access_key, route.action, route.key(call) if route.key else ""):
        raise s3_error(403, "AccessDenied", "Access Denied")
    return route.handler(call)
