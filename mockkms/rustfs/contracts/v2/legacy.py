"""The older key routes of the current contract, whose errors are in the S3 format."""

from __future__ import annotations

import base64

from mockkms.rustfs.contracts.v2 import listing, requests
from mockkms.rustfs.contracts.v2.keyring import Keyring
from mockkms.rustfs.contracts.v2.keys import ring
from mockkms.rustfs.contracts.v2.requests import MISSING_KEY_ID, AdminCall, not_initialized, s3_failures
from mockkms.rustfs.contracts.v2.shapes import metadata
from mockkms.rustfs.errors import s3_error
from mockkms.rustfs.message import AdminReply, json_reply

NOT_INITIALIZED = "kms service is not initialized"


def key_id_of(query: dict[str, str]) -> str | None:
    """Return the first of ``keyId``, ``key-id`` and ``key`` that is not empty."""
    return next((query[name] for name in ("keyId", "key-id", "key") if query.get(name)), None)


def needed(call: AdminCall, text: str = NOT_INITIALIZED) -> Keyring:
    """Return the keys. Raises AdminError (500) if the service is not running."""
    keys = ring(call)
    if keys is None:
        raise not_initialized(text)
    return keys


def create(call: AdminCall) -> AdminReply:
    """``POST /create-key`` and ``POST /key/create``: the name in the query or in ``tags.name``."""
    body = requests.read(call.body or b"{}", requests.CREATE_LEGACY)
    keys = needed(call)
    tags = body.tags or {}
    asked, name = key_id_of(call.query), tags.get("name")
    if asked is not None and name is not None and asked != name:
        text = f"key name in the query ({asked}) and in tags.name ({name}) differ"
        raise s3_error(400, "InvalidRequest", text)
    with s3_failures("failed to create key"):
        key = keys.create(asked if name is None else name, body.key_usage or "EncryptDecrypt", body.description, tags)
    return json_reply(200, {"key_id": key.name, "key_metadata": metadata(key, keys.backend)})


def describe(call: AdminCall) -> AdminReply:
    """``GET /describe-key`` and ``GET /key/status``."""
    key_id = key_id_of(call.query)
    if key_id is None:
        raise s3_error(400, "InvalidRequest", MISSING_KEY_ID)
    keys = needed(call)
    with s3_failures("failed to describe key"):
        return json_reply(200, {"key_metadata": keys.describe(key_id)})


def list_keys(call: AdminCall) -> AdminReply:
    """``GET /list-keys``."""
    try:
        wanted = listing.read(call.query)
    except ValueError as error:
        raise s3_error(400, "InvalidArgument", str(error)) from None
    keys = needed(call)
    with s3_failures("failed to list keys"):
        return json_reply(200, listing.page(keys, wanted))


def generate_data_key(call: AdminCall) -> AdminReply:
    """``POST /generate-data-key``."""
    body = requests.read(call.body, requests.DATA_KEY)
    keys = needed(call, "KMS service not initialized")
    with s3_failures("failed to generate data key"):
        plaintext, blob = keys.data_key(body.key_id, body.key_spec, body.encryption_context or {})
    return json_reply(
        200,
        {
            "key_id": body.key_id,
            "plaintext_key": base64.b64encode(plaintext).decode(),
            "ciphertext_blob": base64.b64encode(blob).decode(),
        },
    )
