"""The older key routes that the current contract still serves: plain answers, S3 errors."""

from __future__ import annotations

import base64

from mockkms.rustfs.contracts.v2 import bodies, listing
from mockkms.rustfs.contracts.v2.call import AdminCall
from mockkms.rustfs.contracts.v2.errors import KmsError, XmlFault, missing_key_id, not_initialized, xml_fault
from mockkms.rustfs.contracts.v2.keyring import Keyring
from mockkms.rustfs.contracts.v2.keys import ring
from mockkms.rustfs.contracts.v2.shapes import metadata
from mockkms.rustfs.message import AdminReply, json_reply

NOT_INITIALIZED = "kms service is not initialized"


def key_id_of(query: dict[str, str]) -> str | None:
    """The first that is not empty of ``keyId``, ``key-id`` and ``key``."""
    return next((query[name] for name in ("keyId", "key-id", "key") if query.get(name)), None)


def needed(call: AdminCall, text: str = NOT_INITIALIZED) -> Keyring:
    """The keys, or the 500 of a service that does not run."""
    keys = ring(call)
    if keys is None:
        raise not_initialized(text)
    return keys


def create(call: AdminCall) -> AdminReply:
    """``POST /create-key`` and ``POST /key/create``: the name in the query or in ``tags.name``."""
    body = bodies.read(call.body or b"{}", bodies.CREATE_LEGACY)
    tags = body["tags"] or {}
    asked = key_id_of(call.query)
    name = tags.get("name")
    if asked is not None and name is not None and asked != name:
        raise XmlFault(400, "InvalidRequest", "conflicting key identifiers in query and tags.name")
    keys = needed(call)
    try:
        key = keys.create(
            asked if name is None else name, body["key_usage"] or "EncryptDecrypt", body["description"], tags
        )
    except KmsError as error:
        raise xml_fault("failed to create key", error) from None
    return json_reply(200, {"key_id": key.name, "key_metadata": metadata(key, keys.backend)})


def describe(call: AdminCall) -> AdminReply:
    """``GET /describe-key`` and ``GET /key/status``."""
    key_id = key_id_of(call.query)
    if key_id is None:
        raise XmlFault(400, "InvalidRequest", missing_key_id())
    keys = needed(call)
    try:
        return json_reply(200, {"key_metadata": metadata(keys.get(key_id), keys.backend)})
    except KmsError as error:
        raise xml_fault("failed to describe key", error) from None


def list_keys(call: AdminCall) -> AdminReply:
    """``GET /list-keys``."""
    try:
        wanted = listing.read(call.query)
    except ValueError as error:
        raise XmlFault(400, "InvalidArgument", str(error)) from None
    return json_reply(200, listing.page(needed(call), wanted))


def generate_data_key(call: AdminCall) -> AdminReply:
    """``POST /generate-data-key``."""
    body = bodies.read(call.body, bodies.DATA_KEY)
    keys = needed(call, "KMS service not initialized")
    try:
        plaintext, blob = keys.data_key(body["key_id"], body["key_spec"], body["encryption_context"] or {})
    except KmsError as error:
        raise xml_fault("failed to generate data key", error) from None
    return json_reply(
        200,
        {
            "key_id": body["key_id"],
            "plaintext_key": base64.b64encode(plaintext).decode(),
            "ciphertext_blob": base64.b64encode(blob).decode(),
        },
    )
