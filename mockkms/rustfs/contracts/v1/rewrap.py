"""Later routes of the documented contract that rewrap ciphertexts with the newest version of their key."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from mockkms.rustfs.contracts.v1.errors import guide_error, internal_error
from mockkms.rustfs.contracts.v1.keys import Failures, KeyRoutes
from mockkms.rustfs.errors import AdminError
from mockkms.rustfs.keystore import KeyStore
from mockkms.rustfs.typed import boolean, mapping, option, read_body, string, struct, unsigned


@dataclass(frozen=True)
class RewrapBody:
    """The body of ``/rewrap``."""

    ciphertext_b64: Annotated[str, string]
    context: Annotated[dict[str, str] | None, option(mapping(string))] = None


@dataclass(frozen=True)
class RewrapBucketBody:
    """The body of ``/rewrap-bucket``."""

    bucket: Annotated[str, string]
    prefix: Annotated[str | None, option(string)] = None
    recursive: Annotated[bool, boolean] = True
    page_size: Annotated[int, unsigned(64)] = 1000
    max_objects: Annotated[int | None, option(unsigned(64))] = None
    dry_run: Annotated[bool, boolean] = False


BODY = struct("RewrapRequest", RewrapBody, closed=False)
BUCKET = struct("RewrapBucketRequest", RewrapBucketBody, closed=False)


def rewrap(routes: KeyRoutes) -> dict[str, object]:
    """``POST /rewrap``."""
    body = read_body(routes.body, BODY, _invalid_json)
    try:
        sealed = base64.b64decode(body.ciphertext_b64, validate=True)
    except ValueError as error:
        raise guide_error(400, "InvalidBase64", "ciphertext_b64 is invalid", f"Error: {error}") from None
    again = _rewrapper(routes, body.context or {})
    return {"ciphertext_b64": base64.b64encode(again(sealed)).decode()}


def rewrap_bucket(routes: KeyRoutes) -> dict[str, object]:
    """``POST /rewrap-bucket``: rewrap the data keys of a bucket of the world; objects without one are skipped."""
    body = read_body(routes.body, BUCKET, _invalid_json)
    again = _rewrapper(routes, {})
    bucket = routes.admin.state.buckets.get(body.bucket)
    if bucket is None:
        text = f"Bucket '{body.bucket}' not found"
        raise guide_error(400, "NoSuchBucket", text, "The specified bucket does not exist")
    prefix = body.prefix or ""
    chosen = [name for name in sorted(bucket) if name.startswith(prefix)]
    if not body.recursive:
        chosen = [name for name in chosen if "/" not in name[len(prefix) :]]
    counts = {"processed": 0, "rewrapped": 0, "skipped": 0}
    errors = []
    for name in chosen[: body.max_objects]:
        counts["processed"] += 1
        sealed = bucket[name]
        if not sealed:
            counts["skipped"] += 1
            continue
        try:
            fresh = again(base64.b64decode(sealed))
        except AdminError as error:
            errors.append({"key": name, "status": str(error.reply.status), "error": str(error)})
            continue
        counts["rewrapped"] += 1
        if not body.dry_run:
            bucket[name] = base64.b64encode(fresh).decode()
    return {"bucket": body.bucket, "prefix": body.prefix, **counts, "errors": errors}


def _invalid_json(error: str) -> AdminError:
    return guide_error(400, "InvalidJSON", "Invalid JSON format", f"Error: {error}")


def _rewrapper(routes: KeyRoutes, context: dict[str, str]) -> Callable[[bytes], bytes]:
    """Return a function that rewraps a ciphertext. The context is authenticated as sorted JSON, as the server does."""
    store = routes.store()
    settings = routes.admin.state.settings
    if settings is None or settings.kms_type == "local":
        raise internal_error("Internal error: Rewrap operation is not supported by the local KMS")
    bound = json.dumps(context, sort_keys=True, separators=(",", ":")).encode() if context else b""
    return lambda sealed: _again(routes, store, sealed, bound)


def _again(routes: KeyRoutes, store: KeyStore, sealed: bytes, bound: bytes) -> bytes:
    """Rewrap a ciphertext: the length of the key's name in four bytes, the name, and the Vault's ciphertext."""
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
