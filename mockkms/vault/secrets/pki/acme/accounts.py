"""``eab/``, ``acme/new-eab`` and ``acme/mgmt/``: what operators do about ACME accounts."""

from __future__ import annotations

import base64
from typing import Any

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.acme.endpoints import BASES, UUID
from mockkms.vault.secrets.pki.model import PKI, engine
from mockkms.vault.secrets.pki.role_fields import PAGE, page
from mockkms.world.clock import rfc3339

_PREFIX = base64.urlsafe_b64decode(b"vault-eab-0-")
"""Keys begin with it, so that none begins with a hyphen."""

listing = engine.path("eab[/]", fields=PAGE, help="Keys for binding ACME accounts that are not used yet.")
one = engine.path(f"eab/{{key_id:{UUID}}}", help="A key for binding an ACME account.")
makers = [engine.path(f"{base}/new-eab", help="A new key for binding an ACME account.") for base in BASES]
accounts = engine.path(
    "acme/mgmt/account/keyid[/]", needs=Feature.ACME_ACCOUNTS, help="The key ids of the ACME accounts."
)
account = engine.path(
    "acme/mgmt/account/keyid/{keyid}",
    fields={"status": Field(Kind.STRING, help="valid or revoked.")},
    needs=Feature.ACME_ACCOUNTS,
    help="An ACME account.",
)


def _described(key: dict[str, Any]) -> dict[str, Any]:
    return {
        "key_type": "hs",
        "acme_directory": f"{key['directory']}/directory",
        "created_on": rfc3339(int(key["created"])),
    }


@listing.on(Operation.LIST)
def list_keys(state: PKI, call: Call) -> dict[str, Any]:
    """Return the ids, with directories and when they were made."""
    ids = page(call, list(state.eab))
    return {"keys": ids, "key_info": {key_id: _described(state.eab[key_id]) for key_id in ids}}


def make(state: PKI, call: Call) -> dict[str, Any]:
    """Return a new key."""
    below = call.request.path[len(call.mount.path) :]
    key_id, secret = call.core.entropy.uuid(), _PREFIX + call.core.entropy.bytes(32)
    text = base64.urlsafe_b64encode(secret).decode().rstrip("=")
    state.eab[key_id] = {"directory": below.removesuffix("/new-eab"), "created": call.now(), "key": text}
    return {"id": key_id, "key": text, **_described(state.eab[key_id])}


for _maker in makers:
    _maker.on(Operation.UPDATE)(make)


@one.on(Operation.DELETE)
def delete(state: PKI, _call: Call, *, key_id: str) -> Response:
    """Delete a key; a warning where there is none."""
    gone = state.eab.pop(key_id, None)
    return Response(warnings=[] if gone else [f"No key id found with id: {key_id}"])


@accounts.on(Operation.LIST)
def list_accounts(_state: PKI, _call: Call) -> dict[str, Any]:
    """Return no account: there is none before ACME is enabled."""
    return {"keys": []}


@account.on(Operation.READ)
def read_account(_state: PKI, _call: Call, *, keyid: str) -> None:
    """Raises ErrorResponse: there is no account before ACME is enabled."""
    raise ErrorResponse(f"ACME key id {keyid} did not exist", status=404)


@account.on(Operation.UPDATE)
def write_account(_state: PKI, call: Call, *, keyid: str) -> None:
    """Raises ErrorResponse: there is no account before ACME is enabled."""
    status = call["status"].strip().lower()
    if status not in ("valid", "revoked"):
        raise ErrorResponse(f"invalid status {quote(status if status == 'deactivated' else call['status'])}")
    raise ErrorResponse(f"ACME key id {quote(keyid)} did not exist", status=404)
