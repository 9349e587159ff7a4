"""Rekey sweeps, which rewrap the data keys of all objects. Buckets are not emulated, so a sweep completes at once."""

from __future__ import annotations

from mockkms.rustfs.contracts.v2 import requests
from mockkms.rustfs.contracts.v2.keys import ring
from mockkms.rustfs.contracts.v2.requests import AdminCall, not_initialized
from mockkms.rustfs.errors import AdminError, s3_error
from mockkms.rustfs.keystore import new_key_id
from mockkms.rustfs.message import AdminReply, json_reply
from mockkms.rustfs.typed import read_body

NEVER = {"error": "no rekey sweep has run"}
UNSUPPORTED = {"error": "the configured KMS backend does not support rewrapping data-key envelopes"}


def _invalid(error: str) -> AdminError:
    return s3_error(400, "InvalidRequest", f"invalid rekey request body: {error}")


def rekey(call: AdminCall) -> AdminReply:
    """``POST /keys/rekey``: the response reports a running sweep, the next status a completed one."""
    body = read_body(call.body, requests.REKEY, _invalid) if call.body else requests.RekeyBody()
    keys = ring(call)
    if keys is None:
        raise not_initialized("KMS service not running")
    if not keys.backend.can("rewrap"):
        return json_reply(501, UNSUPPORTED)
    job: dict[str, object] = {
        "job_id": new_key_id(call.admin.core.entropy).removeprefix("rustfs-key-"),
        "state": "running",
        "buckets": body.buckets or [],
        "current_bucket": None,
        "scanned": 0,
        "rewrapped": 0,
        "already_current": 0,
        "not_applicable": 0,
        "failed": 0,
    }
    call.admin.state.rekey = {**job, "state": "completed"}
    return json_reply(200, job)


def status(call: AdminCall) -> AdminReply:
    """``GET /keys/rekey/status``, and ``POST /keys/rekey/cancel``, which finds no running sweep."""
    job = call.admin.state.rekey
    return json_reply(200, job) if job else json_reply(404, NEVER)
