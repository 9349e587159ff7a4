"""Call the admin API without a socket, with a frozen clock and a seeded source of randomness."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Mapping
from typing import Any

from mockkms.rustfs import AdminReply, AdminRequest, RustfsAdmin
from mockkms.vault.kernel.core import Core
from mockkms.world.clock import Clock, parse_rfc3339
from mockkms.world.entropy import Entropy

CONFIGURE = {"kms_type": "vault", "vault_address": "https://vault.example.com:8200", "vault_token": "your-vault-token"}
"""The body of the guide's example."""


def frozen() -> Clock:
    """Return a clock frozen at 2026-01-01T00:00:00Z."""
    clock = Clock()
    clock.freeze(parse_rfc3339("2026-01-01T00:00:00Z"))
    return clock


def fresh(**settings: Any) -> RustfsAdmin:
    """Return an admin API without a configuration."""
    return RustfsAdmin(Core(clock=frozen(), entropy=Entropy(1)), **settings)


def configured(**settings: Any) -> RustfsAdmin:
    """Return an admin API configured with the guide's example."""
    admin = fresh(**settings)
    assert call(admin, "POST", "/configure", json=CONFIGURE)[0].status == 200
    return admin


def call(
    admin: RustfsAdmin,
    method: str,
    path: str,
    query: str = "",
    *,
    json: Any = None,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
) -> tuple[AdminReply, Any]:
    """Send a request below the KMS prefix; return the response and its decoded body, None if that is not JSON."""
    raw = jsonlib.dumps(json).encode() if json is not None else body
    reply = admin.handle(AdminRequest(method, "/rustfs/admin/v3/kms" + path, query, headers or {}, raw))
    is_json = reply.body[:1] in (b"{", b"[")
    return reply, jsonlib.loads(reply.body) if is_json else None
