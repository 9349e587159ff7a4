"""The key routes of the current contract, whose responses are JSON, errors included."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from mockkms.rustfs.contracts.v2 import listing, requests
from mockkms.rustfs.contracts.v2.keyring import Keyring
from mockkms.rustfs.contracts.v2.requests import MISSING_KEY_ID, AdminCall, DeleteBody, unsigned_number
from mockkms.rustfs.contracts.v2.shapes import impact, metadata
from mockkms.rustfs.errors import KmsError, KmsFailure, s3_error
from mockkms.rustfs.message import AdminReply, json_reply
from mockkms.rustfs.records import zoned
from mockkms.rustfs.state import KmsSettings

NOT_RUNNING = "kms service is not running"
QUERY_RETIRED = (
    "immediate deletion is no longer accepted as a query parameter; send it as a JSON body with force_immediate and "
    "confirm_key_id set to the key id"
)


def ring(call: AdminCall) -> Keyring | None:
    """Return the keys; None if the service is not running."""
    state = call.admin.state
    if state.settings is None or not state.running:
        return None
    return Keyring(call.admin, state.settings)


def answer(status: int, message: str, key_id: str, description: dict[str, object] | None = None) -> AdminReply:
    """Return a response of type ``KeyAnswer``."""
    found = {"success": status == 200, "message": message, "key_id": key_id, "key_metadata": description}
    return json_reply(status, found)


def described(keys: Keyring, key_id: str) -> dict[str, object] | None:
    """Return the description of a key after a change; None, not an error, if the Vault no longer responds."""
    with suppress(KmsError):
        return keys.describe(key_id)
    return None


# -- create, list, describe ------------------------------------------------------------------------------------


def create(call: AdminCall) -> AdminReply:
    """``POST /keys``."""
    body = requests.read(call.body or b"{}", requests.CREATE)
    keys = ring(call)
    if keys is None:
        return answer(503, NOT_RUNNING, "")
    tags = body.tags or {}
    try:
        key = keys.create(tags.get("name"), body.key_usage or "EncryptDecrypt", body.description, tags)
    except KmsError as error:
        return answer(error.status, f"failed to create key: {error.text}", "")
    return answer(200, "key created successfully", key.name, metadata(key, keys.backend))


def list_keys(call: AdminCall) -> AdminReply:
    """``GET /keys``."""

    def listed(status: int, message: str, page: dict[str, object]) -> AdminReply:
        return json_reply(status, {"success": status == 200, "message": message, **page})

    try:
        wanted = listing.read(call.query)
    except ValueError as error:
        return listed(400, str(error), listing.EMPTY)
    keys = ring(call)
    if keys is None:
        return listed(503, NOT_RUNNING, listing.EMPTY)
    try:
        page = listing.page(keys, wanted)
    except KmsError as error:
        return listed(500, f"failed to list keys: {error.text}", listing.EMPTY)
    return listed(200, "keys listed successfully", page)


def describe(call: AdminCall) -> AdminReply:
    """``GET /keys/{key_id}``."""

    def reply(
        status: int, message: str, shown: dict[str, object] | None = None, report: dict[str, object] | None = None
    ) -> AdminReply:
        return json_reply(
            status, {"success": status == 200, "message": message, "key_metadata": shown, "impact": report}
        )

    wanted = call.query.get("impact")
    if wanted not in (None, "true", "false"):
        return reply(400, f"invalid value for 'impact': expected 'true' or 'false', got '{wanted}'")
    keys = ring(call)
    if keys is None:
        return reply(503, NOT_RUNNING)
    try:
        shown = keys.describe(call.key_id)
    except KmsError as error:
        status = 404 if error.kind is KmsFailure.KEY_NOT_FOUND else 500
        return reply(status, f"Failed to describe key: {error.text}")
    report = impact(call.key_id, keys.settings.default_key_id) if wanted == "true" else None
    return reply(200, "Key described successfully", shown, report)


# -- state and metadata ----------------------------------------------------------------------------------------


def _status(error: KmsError) -> int:
    """Return the status in the routes for state and metadata, which report an invalid key id as 500."""
    return 500 if error.kind is KmsFailure.INVALID_KEY else error.status


def _asked(call: AdminCall, read: Callable[[bytes], str]) -> tuple[Keyring, str] | AdminReply:
    """Return the keys, and the id that the body or the query names; a reply if one of them is missing."""
    if call.body:
        key_id = read(call.body)
    elif "keyId" in call.query:
        key_id = call.query["keyId"]
    else:
        return answer(400, MISSING_KEY_ID, "")
    keys = ring(call)
    return answer(503, NOT_RUNNING, key_id) if keys is None else (keys, key_id)


def _state_change(call: AdminCall, verb: str, change: Callable[[Keyring, str], None]) -> AdminReply:
    found = _asked(call, lambda body: requests.read(body, requests.LIFECYCLE).key_id)
    if isinstance(found, AdminReply):
        return found
    keys, key_id = found
    try:
        change(keys, key_id)
    except KmsError as error:
        return answer(_status(error), f"Failed to {verb} key: {error.text}", key_id)
    return answer(200, f"key {verb}d successfully", key_id, described(keys, key_id))


def enable(call: AdminCall) -> AdminReply:
    """``POST /keys/enable``."""
    return _state_change(call, "enable", Keyring.enable)


def disable(call: AdminCall) -> AdminReply:
    """``POST /keys/disable``."""
    return _state_change(call, "disable", Keyring.disable)


def rotate(call: AdminCall) -> AdminReply:
    """``POST /keys/rotate``."""
    return _state_change(call, "rotate", Keyring.rotate)


def _metadata_change(
    call: AdminCall, key_id: str, doing: str, past: str, change: Callable[[Keyring], None]
) -> AdminReply:
    keys = ring(call)
    if keys is None:
        return answer(503, NOT_RUNNING, key_id)
    try:
        change(keys)
    except KmsError as error:
        return answer(_status(error), f"Failed to {doing}: {error.text}", key_id)
    return answer(200, past, key_id, described(keys, key_id))


def _required_body(call: AdminCall) -> bytes:
    if not call.body:
        raise s3_error(400, "InvalidRequest", "a request body is required")
    return call.body


def update_description(call: AdminCall) -> AdminReply:
    """``POST /keys/update-description``."""
    body = requests.read(_required_body(call), requests.DESCRIPTION)

    def change(keys: Keyring) -> None:
        keys.set_description(body.key_id, body.description)

    return _metadata_change(call, body.key_id, "update key description", "key description updated", change)


def tag(call: AdminCall) -> AdminReply:
    """``POST /keys/tag``."""
    body = requests.read(_required_body(call), requests.TAG)
    return _metadata_change(
        call, body.key_id, "tag key", "key tags updated", lambda keys: keys.tag(body.key_id, body.tags)
    )


def untag(call: AdminCall) -> AdminReply:
    """``POST /keys/untag``."""
    body = requests.read(_required_body(call), requests.UNTAG)
    return _metadata_change(
        call, body.key_id, "untag key", "key tags removed", lambda keys: keys.untag(body.key_id, body.tag_keys)
    )


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
        request = requests.read(call.body, requests.DELETE)
    elif "keyId" not in query:
        return _deleted(400, MISSING_KEY_ID, "", None)
    elif query.get("force_immediate", "false") != "false" or "confirm_key_id" in query:
        return _deleted(400, QUERY_RETIRED, query["keyId"], None)
    else:
        request = DeleteBody(query["keyId"], unsigned_number(query.get("pending_window_in_days", ""), 32))
    keys, key_id = ring(call), request.key_id
    if keys is None:
        return _deleted(503, NOT_RUNNING, key_id, None)
    try:
        moment = keys.delete(request)
    except KmsError as error:
        return _deleted(error.status, f"Failed to delete key: {error.text}", key_id, keys.settings)
    return _deleted(200, "key deleted successfully", key_id, keys.settings, moment)


def cancel_deletion(call: AdminCall) -> AdminReply:
    """``POST /keys/cancel-deletion``; every failure of the service is 500."""
    found = _asked(call, lambda body: requests.read(body, requests.CANCEL).key_id)
    if isinstance(found, AdminReply):
        return found
    keys, key_id = found
    try:
        shown = keys.cancel(key_id)
    except KmsError as error:
        return answer(500, f"Failed to cancel key deletion: {error.text}", key_id)
    return answer(200, "key deletion cancelled successfully", key_id, shown)
