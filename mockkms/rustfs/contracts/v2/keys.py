"""The modern key routes: JSON answers of their own, refusals included."""

from __future__ import annotations

from typing import Any

from mockkms.rustfs.contracts.v2 import bodies, listing
from mockkms.rustfs.contracts.v2.call import AdminCall
from mockkms.rustfs.contracts.v2.errors import (
    InvalidKey,
    InvalidOperation,
    KeyNotFound,
    KmsError,
    Unsupported,
    ValidationFailed,
    XmlFault,
    missing_key_id,
)
from mockkms.rustfs.contracts.v2.keyring import Keyring
from mockkms.rustfs.contracts.v2.shapes import impact, metadata, zoned
from mockkms.rustfs.message import AdminReply, json_reply
from mockkms.rustfs.state import KmsKey, KmsSettings
from mockkms.rustfs.typed import Reader

NOT_RUNNING = "kms service is not running"
QUERY_RETIRED = (
    "immediate deletion is no longer accepted as a query parameter; send it as a JSON body with force_immediate and "
    "confirm_key_id set to the key id"
)


def ring(call: AdminCall) -> Keyring | None:
    """The keys, where the service runs."""
    state = call.admin.state
    if state.settings is None or not state.running:
        return None
    return Keyring(call.admin, state.settings)


def answer(keys: Keyring | None, status: int, message: str, key_id: str, key: KmsKey | None = None) -> AdminReply:
    """``KeyAnswer``."""
    shown = metadata(key, keys.backend) if keys and key else None
    return json_reply(status, {"success": key is not None, "message": message, "key_id": key_id, "key_metadata": shown})


# -- create, list, describe ------------------------------------------------------------------------------------


def create(call: AdminCall) -> AdminReply:
    """``POST /keys``."""
    body = bodies.read(call.body or b"{}", bodies.CREATE)
    keys = ring(call)
    if keys is None:
        return answer(None, 503, NOT_RUNNING, "")
    tags = body["tags"] or {}
    try:
        key = keys.create(tags.get("name"), body["key_usage"] or "EncryptDecrypt", body["description"], tags)
    except KmsError as error:
        return answer(keys, error.status, f"failed to create key: {error.text}", "")
    return answer(keys, 200, "key created successfully", key.name, key)


def list_keys(call: AdminCall) -> AdminReply:
    """``GET /keys``."""

    def listed(status: int, message: str, page: dict[str, Any]) -> AdminReply:
        return json_reply(status, {"success": status == 200, "message": message, **page})

    try:
        wanted = listing.read(call.query)
    except ValueError as error:
        return listed(400, str(error), listing.EMPTY)
    keys = ring(call)
    if keys is None:
        return listed(503, NOT_RUNNING, listing.EMPTY)
    return listed(200, "keys listed successfully", listing.page(keys, wanted))


def describe(call: AdminCall) -> AdminReply:
    """``GET /keys/{key_id}``."""

    def described(status: int, message: str, key: KmsKey | None = None, report: Any = None) -> AdminReply:
        shown = metadata(key, keys.backend) if keys and key else None
        return json_reply(
            status, {"success": key is not None, "message": message, "key_metadata": shown, "impact": report}
        )

    keys = None
    wanted = call.query.get("impact")
    if wanted not in (None, "true", "false"):
        return described(400, f"invalid value for 'impact': expected 'true' or 'false', got '{wanted}'")
    keys = ring(call)
    if keys is None:
        return described(503, NOT_RUNNING)
    try:
        key = keys.get(call.key_id)
    except KmsError as error:
        status = 404 if isinstance(error, KeyNotFound) else 500
        return described(status, f"Failed to describe key: {error.text}")
    report = impact(key.name, keys.settings.default_key_id) if wanted == "true" else None
    return described(200, "Key described successfully", key, report)


# -- state and metadata ----------------------------------------------------------------------------------------


def _status(error: KmsError) -> int:
    """Of the state and metadata routes, where a bad key id is the server's fault."""
    return 500 if isinstance(error, InvalidKey) else error.status


def _state_change(call: AdminCall, verb: str, past: str) -> AdminReply:
    if call.body:
        key_id = bodies.read(call.body, bodies.LIFECYCLE)["key_id"]
    elif "keyId" in call.query:
        key_id = call.query["keyId"]
    else:
        return answer(None, 400, missing_key_id(), "")
    keys = ring(call)
    if keys is None:
        return answer(None, 503, NOT_RUNNING, key_id)
    try:
        getattr(keys, verb)(key_id)
        return answer(keys, 200, f"key {past} successfully", key_id, keys.get(key_id))
    except KmsError as error:
        return answer(keys, _status(error), f"Failed to {verb} key: {error.text}", key_id)


def enable(call: AdminCall) -> AdminReply:
    """``POST /keys/enable``."""
    return _state_change(call, "enable", "enabled")


def disable(call: AdminCall) -> AdminReply:
    """``POST /keys/disable``."""
    return _state_change(call, "disable", "disabled")


def rotate(call: AdminCall) -> AdminReply:
    """``POST /keys/rotate``."""
    return _state_change(call, "rotate", "rotated")


def _metadata_change(call: AdminCall, reader: Reader, verb: str, method: str, field: str, past: str) -> AdminReply:
    if not call.body:
        raise XmlFault(400, "InvalidRequest", "a request body is required")
    body = bodies.read(call.body, reader)
    key_id = body["key_id"]
    keys = ring(call)
    if keys is None:
        return answer(None, 503, NOT_RUNNING, key_id)
    try:
        getattr(keys, method)(key_id, body[field])
        return answer(keys, 200, past, key_id, keys.get(key_id))
    except KmsError as error:
        return answer(keys, _status(error), f"Failed to {verb}: {error.text}", key_id)


def update_description(call: AdminCall) -> AdminReply:
    """``POST /keys/update-description``."""
    return _metadata_change(
        call, bodies.DESCRIPTION, "update key description", "describe_anew", "description", "key description updated"
    )


def tag(call: AdminCall) -> AdminReply:
    """``POST /keys/tag``."""
    return _metadata_change(call, bodies.TAG, "tag key", "tag", "tags", "key tags updated")


def untag(call: AdminCall) -> AdminReply:
    """``POST /keys/untag``."""
    return _metadata_change(call, bodies.UNTAG, "untag key", "untag", "tag_keys", "key tags removed")


# -- deletion --------------------------------------------------------------------------------------------------


def _deleted(
    status: int, message: str, key_id: str, settings: KmsSettings | None, moment: float | None = None
) -> AdminReply:
    report = impact(key_id, settings.default_key_id) if settings else None
    return json_reply(
        status,
        {
            "success": status == 200,
            "message": message,
            "key_id": key_id,
            "deletion_date": zoned(moment),
            "impact": report,
        },
    )


def delete(call: AdminCall) -> AdminReply:
    """``DELETE /keys/delete``."""
    query = call.query
    if call.body:
        request = bodies.read(call.body, bodies.DELETE)
    elif "keyId" not in query:
        return _deleted(400, missing_key_id(), "", None)
    elif query.get("force_immediate", "false") != "false" or "confirm_key_id" in query:
        return _deleted(400, QUERY_RETIRED, query["keyId"], None)
    else:
        days = query.get("pending_window_in_days", "").removeprefix("+")
        whole = days.isascii() and days.isdigit() and int(days) < 2**32
        request = {
            "key_id": query["keyId"],
            "pending_window_in_days": int(days) if whole else None,
            "force_immediate": None,
            "confirm_key_id": None,
        }
    keys, key_id = ring(call), request["key_id"]
    if keys is None:
        return _deleted(503, NOT_RUNNING, key_id, None)
    try:
        moment = keys.delete(request)
    except KmsError as error:
        known = isinstance(error, KeyNotFound | InvalidOperation | ValidationFailed | Unsupported | InvalidKey)
        status = error.status if known else 500
        return _deleted(status, f"Failed to delete key: {error.text}", key_id, keys.settings)
    return _deleted(200, "key deleted successfully", key_id, keys.settings, moment)


def cancel_deletion(call: AdminCall) -> AdminReply:
    """``POST /keys/cancel-deletion``; every failure of the service is a 500."""
    if call.body:
        key_id = bodies.read(call.body, bodies.CANCEL)["key_id"]
    elif "keyId" in call.query:
        key_id = call.query["keyId"]
    else:
        return answer(None, 400, missing_key_id(), "")
    keys = ring(call)
    if keys is None:
        return answer(None, 503, NOT_RUNNING, key_id)
    try:
        key = keys.cancel(key_id)
    except KmsError as error:
        return answer(keys, 500, f"Failed to cancel key deletion: {error.text}", key_id)
    return answer(keys, 200, "key deletion cancelled successfully", key_id, key)
