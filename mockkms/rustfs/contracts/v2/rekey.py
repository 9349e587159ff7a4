"""Sweeps that wrap every object's data key anew. The double has no buckets, so a sweep finds nothing and is done."""

from __future__ import annotations

from mockkms.rustfs.contracts.v2 import bodies
from mockkms.rustfs.contracts.v2.call import AdminCall
from mockkms.rustfs.contracts.v2.errors import Unsupported, not_initialized
from mockkms.rustfs.contracts.v2.keys import ring
from mockkms.rustfs.message import AdminReply, json_reply
from mockkms.rustfs.store import new_key_id

NEVER = {"error": "no rekey sweep has run"}


def rekey(call: AdminCall) -> AdminReply:
    """``POST /keys/rekey``: answered while it runs; the next look finds it completed."""
    body = bodies.read(call.body, bodies.REKEY) if call.body else {"buckets": None, "prefix": None}
    keys = ring(call)
    if keys is None:
        raise not_initialized("KMS service not running")
    if not keys.backend.can("rewrap"):
        error = Unsupported("rewrap_data_key", "backend without versioned key material to rewrap onto")
        return json_reply(501, {"error": error.text})
    job = {
        "job_id": new_key_id(call.admin.core.entropy).removeprefix("rustfs-key-"),
        "state": "running",
        "buckets": body["buckets"] or [],
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
    """``GET /keys/rekey/status`` and, since a sweep is always done, ``POST /keys/rekey/cancel``."""
    job = call.admin.state.rekey
    return json_reply(200, job) if job else json_reply(404, NEVER)
