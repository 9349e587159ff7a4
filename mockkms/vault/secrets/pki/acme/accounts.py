"""``eab/``, ``acme/new-eab`` and ``acme/mgmt/``: management of ACME accounts."""

from __future__ import annotations

import base64

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.acme.endpoints import BASES, UUID
from mockkms.vault.secrets.pki.model import PKI, EabKey, engine
from mockkms.vault.secrets.pki.role_fields import PAGE, page
from mockkms.world.clock import rfc3339

_PREFIX = base64.urlsafe_b64decode(b"vault-eab-0-")
"""The first bytes of keys, so that no key starts with a hyphen in base64."""

listing = engine.path("eab[/]", fields=PAGE, help="Unused keys for binding ACME accounts.")
one = engine.path(f"eab/{{key_id:{UUID}}}", help="A key for binding an ACME account.")
makers = [engine.path(f"{base}/new-eab", help="Create a key for binding an ACME account.") for base in BASES]
accounts = engine.path(
    "acme/mgmt/account/keyid[/]", needs=Feature.ACME_ACCOUNTS, help="The key ids of the ACME accounts."
)
account = engine.path(
    "acme/mgmt/account/keyid/{keyid}",
    fields={"status": Field(Kind.STRING, help="valid or revoked.")},
    needs=Feature.ACME_ACCOUNTS,
    help="An ACME account.",
)


def _described(key: EabKey) -> dict[str, object]:
    return {
        "key_type": "hs",
        "acme_directory": f"{key.directory}/directory",
        "created_on": rfc3339(int(key.created)),
    }


@listing.on(Operation.LIST)
def list_keys(state: PKI, call: Call) -> Reply:
    """Return the ids, with directory and creation time of each key."""
    ids = page(call, list(state.eab))
    return {"keys": ids, "key_info": {key_id: _described(state.eab[key_id]) for key_id in ids}}


def make(state: PKI, call: Call) -> dict[str, object]:
    """Create a key and return it."""
    below = call.request.path[len(call.mount.path) :]
    key_id, secret = call.core.entropy.uuid(), _PREFIX + call.core.entropy.bytes(32)
    text = base64.urlsafe_b64encode(secret).decode().rstrip("=")
    state.eab[key_id] = EabKey(below.removesuffix("/new-eab"), call.now(), text)
    return {"id": key_id, "key": text, **_described(state.eab[key_id])}


for _maker in makers:
    _maker.on(Operation.UPDATE)(make)


@one.on(Operation.DELETE)
def delete(state: PKI, _call: Call, *, key_id: str) -> Response:
    """Delete a key; a warning if it does not exist."""
    gone = state.eab.pop(key_id, None)
    return Response(warnings=[] if gone else [f"No key id found with id: {key_id}"])


@accounts.on(Operation.LIST)
def list_accounts(_state: PKI, _call: Call) -> Reply:
    """Return an empty list: accounts require ACME, which is never enabled."""
    return {"keys": []}


@account.on(Operation.READ)
def read_account(_state: PKI, _call: Call, *, keyid: str) -> None:
    """Raise ErrorResponse: accounts require ACME, which is never enabled."""
    raise ErrorResponse(f"ACME key id {keyid} did not exist", status=404)


@account.on(Operation.UPDATE)
def write_account(_state: PKI, call: Call, *, keyid: str) -> None:
    """Raise ErrorResponse: accounts require ACME, which is never enabled."""
    status = call["status"].strip().lower()
    if status not in ("valid", "revoked"):
        raise ErrorResponse(f"invalid status {quote(status if status == 'deactivated' else call['status'])}")
    raise ErrorResponse(f"ACME key id {quote(keyid)} did not exist", status=404)
