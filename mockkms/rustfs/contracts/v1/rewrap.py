"""Routes that the guide's code got later: wrap a ciphertext, or a bucket's, with the newest version of its key."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

from mockkms.rustfs.context import Store
from mockkms.rustfs.contracts.v1.errors import V1Error, internal_error
from mockkms.rustfs.contracts.v1.keys import Failures, KeyRoutes
from mockkms.rustfs.serde import SerdeError
from mockkms.rustfs.typed import REQUIRED, Reader, boolean, mapping, option, read_body, string, struct, unsigned

BODY = struct(
    "RewrapRequest",
    {"ciphertext_b64": (string, REQUIRED), "context": (option(mapping(string)), None)},
    closed=False,
)
BUCKET = struct(
    "RewrapBucketRequest",
    {
        "bucket": (string, REQUIRED),
        "prefix": (option(string), None),
        "recursive": (boolean, True),
        "page_size": (unsigned(64), 1000),
        "max_objects": (option(unsigned(64)), None),
        "dry_run": (boolean, False),
    },
    closed=False,
)


def rewrap(routes: KeyRoutes) -> dict[str, Any]:
    """``POST /rewrap``."""
    body = _read(routes.body, BODY)
    try:
        sealed = base64.b64decode(body["ciphertext_b64"], validate=True)
    except ValueError as error:
        raise V1Error(400, "InvalidBase64", "ciphertext_b64 is invalid", f"Error: {error}") from None
    again = _rewrapper(routes, body["context"] or {})
    return {"ciphertext_b64": base64.b64encode(again(sealed)).decode()}


def rewrap_bucket(routes: KeyRoutes) -> dict[str, Any]:
    """``POST /rewrap-bucket``: the buckets are those of the world; an object without a ciphertext is skipped."""
    body = _read(routes.body, BUCKET)
    again = _rewrapper(routes, {})
    bucket = routes.admin.state.buckets.get(body["bucket"])
    if bucket is None:
        text = f"Bucket '{body['bucket']}' not found"
        raise V1Error(400, "NoSuchBucket", text, "The specified bucket does not exist")
    prefix = body["prefix"] or ""
    chosen = [name for name in sorted(bucket) if name.startswith(prefix)]
    if not body["recursive"]:
        chosen = [name for name in chosen if "/" not in name[len(prefix) :]]
    counts = {"processed": 0, "rewrapped": 0, "skipped": 0}
    errors = []
    for name in chosen[: body["max_objects"]]:
        counts["processed"] += 1
        sealed = bucket[name]
        if not sealed:
            counts["skipped"] += 1
            continue
        try:
            fresh = again(base64.b64decode(sealed))
        except V1Error as error:
            errors.append({"key": name, "status": str(error.status), "error": str(error)})
            continue
        counts["rewrapped"] += 1
        if not body["dry_run"]:
            bucket[name] = base64.b64encode(fresh).decode()
    return {"bucket": body["bucket"], "prefix": body["prefix"], **counts, "errors": errors}


def _read(body: bytes, reader: Reader) -> dict[str, Any]:
    try:
        found: dict[str, Any] = read_body(body, reader)
    except SerdeError as error:
        raise V1Error(400, "InvalidJSON", "Invalid JSON format", f"Error: {error.located(body)}") from None
    return found


def _rewrapper(routes: KeyRoutes, context: dict[str, str]) -> Callable[[bytes], bytes]:
    """What wraps one ciphertext again. A context is bound to it as the current server binds one: sorted JSON."""
    store = routes.store()
    settings = routes.admin.state.settings
    if settings is None or settings.kms_type == "local":
        raise internal_error("Internal error: Rewrap operation is not supported by the local KMS")
    bound = json.dumps(context, sort_keys=True, separators=(",", ":")).encode() if context else b""
    return lambda sealed: _again(routes, store, sealed, bound)


def _again(routes: KeyRoutes, store: Store, sealed: bytes, bound: bytes) -> bytes:
    """One ciphertext: length of the key's name in four bytes, the name, the Vault's own text."""
    size = int.from_bytes(sealed[:4], "big")
    try:
        name, text = sealed[4 : 4 + size].decode(), sealed[4 + size :].decode()
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise internal_error("Invalid input: the ciphertext names no key")
    with Failures(routes, 400):
        fresh = store.rewrap(routes.found(store, name, 400), text, bound)
    return sealed[: 4 + size] + fresh.encode()
