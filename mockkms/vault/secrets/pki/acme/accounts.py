"""``eab/``, ``acme/new-eab`` and ``acme/mgmt/``: management of ACME accounts."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.acme.protocol.directory import BASES, UUID
from mockkms.vault.secrets.pki.acme.state import DEACTIVATED, REVOKED, VALID, AcmeAccount, AcmeOrder
from mockkms.vault.secrets.pki.model import PKI, EabKey, colons, engine
from mockkms.world.clock import rfc3339

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment

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
    ids = page(sorted(state.eab), call["after"], call["limit"])
    return {"keys": ids, "key_info": {key_id: _described(state.eab[key_id]) for key_id in ids}}


def new_key(core: Environment) -> str:
    """Return a new key in base64url."""
    return base64.urlsafe_b64encode(_PREFIX + core.entropy.bytes(32)).decode().rstrip("=")


def make(state: PKI, call: Call) -> dict[str, object]:
    """Create a key and return it."""
    below = call.request.path[len(call.mount.path) :]
    key_id, text = call.core.entropy.uuid(), new_key(call.core)
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
def list_accounts(state: PKI, _call: Call) -> Reply:
    """Return the ids of the accounts of all directories."""
    return {"keys": sorted(state.acme_records.accounts)}


@account.on(Operation.READ)
def read_account(state: PKI, _call: Call, *, keyid: str) -> Reply:
    """Return an account and its orders. Raises ErrorResponse."""
    found = state.acme_records.accounts.get(keyid)
    if found is None:
        raise ErrorResponse(f"ACME key id {keyid} did not exist", status=404)
    return {**_shown(found), "orders": [_order(one) for one in state.acme_records.orders_of(keyid)]}


@account.on(Operation.UPDATE)
def write_account(state: PKI, call: Call, *, keyid: str) -> Reply:
    """Revoke an account, or make it valid again. Raises ErrorResponse."""
    status = call["status"].strip().lower()
    if status not in (VALID, REVOKED):
        raise ErrorResponse(f"invalid status {quote(status if status == DEACTIVATED else call['status'])}")
    found = state.acme_records.accounts.get(keyid)
    if found is None:
        raise ErrorResponse(f"ACME key id {quote(keyid)} did not exist", status=404)
    if found.status != status:
        found.status, found.revoked = status, call.now() if status == REVOKED else 0
    return _shown(found)


def _shown(found: AcmeAccount) -> dict[str, object]:
    bound = found.binding
    return {
        "key_id": found.id,
        "status": found.status,
        "contacts": found.contact or None,
        "created_time": rfc3339(int(found.created)),
        "revoked_time": rfc3339(int(found.revoked)) if found.revoked else "",
        "directory": f"{found.directory}/",
        "eab": {} if bound is None else {
            "eab_id": bound.key_id, "directory": f"{bound.directory}/", "created_time": rfc3339(int(bound.created)),
            "key_type": "hs",
        },
    }  # fmt: skip


def _order(order: AcmeOrder) -> dict[str, object]:
    return {
        "order_id": order.id,
        "status": order.status,
        "identifiers": [one.value for one in order.identifiers],
        "cert_serial_number": colons(order.serial),
        "cert_expiry": rfc3339(int(order.certificate_end)) if order.certificate_end else "",
        "order_expiry": rfc3339(int(order.expires)),
    }
