"""``new-order``, ``orders`` and ``order/``: orders and their status (RFC 8555, section 7.4)."""

from __future__ import annotations

from mockkms.crypto import jws
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.secrets.pki.acme.problems import MALFORMED, UNAUTHORIZED, AcmeProblem, after, before
from mockkms.vault.secrets.pki.acme.protocol import identifiers
from mockkms.vault.secrets.pki.acme.protocol.directory import UUID, AcmeDirectory, AcmeReply, for_accounts, resource
from mockkms.vault.secrets.pki.acme.protocol.values import moment
from mockkms.vault.secrets.pki.acme.state import (
    DNS_01,
    HTTP_01,
    INVALID,
    IP,
    PENDING,
    PROCESSING,
    READY,
    TLS_ALPN_01,
    VALID,
    AcmeAuthorization,
    AcmeChallenge,
    AcmeIdentifier,
    AcmeOrder,
    AcmeRecords,
)
from mockkms.world.clock import rfc3339

_LIFETIME = 24 * 3600


def _new(found: AcmeDirectory) -> AcmeReply:
    """Create an order, with an authorization for each identifier."""
    data, call = found.data or {}, found.call
    wanted = identifiers.read(data)
    if moment(data, "notBefore") or moment(data, "notAfter"):
        raise before(MALFORMED, "NotBefore and NotAfter are not supported")
    identifiers.check_role(found, wanted)
    created = [_authorization(call, found.account_id, one) for one in wanted]
    found.records.authorizations |= {one.id: one for one in created}
    order = AcmeOrder(
        call.core.entropy.uuid(), found.account_id, wanted, [one.id for one in created], call.now() + _LIFETIME
    )
    found.records.orders[order.id] = order
    reply = shown(found, order, order.status, order.authorizations)
    reply.status = 201
    return reply


def _authorization(call: Call, account: str, identifier: AcmeIdentifier) -> AcmeAuthorization:
    """Return a new authorization. Only DNS proves wildcard names, and only HTTP proves addresses."""
    kinds = (
        (HTTP_01,) if identifier.kind == IP else (DNS_01,) if identifier.wildcard else (HTTP_01, DNS_01, TLS_ALPN_01)
    )
    drawn = call.core.entropy
    challenges = [AcmeChallenge(kind, _token(call)) for kind in kinds]
    return AcmeAuthorization(drawn.uuid(), account, identifier, challenges)


def _token(call: Call) -> str:
    return jws.encode(call.core.entropy.bytes(21))


def _list(found: AcmeDirectory) -> AcmeReply:
    """Return the addresses of the account's orders, without those that were stored as invalid."""
    listed = [one for one in found.records.orders_of(found.account_id) if one.status != INVALID]
    return AcmeReply({"orders": [found.url("order", one.id) for one in listed]})


def _read(found: AcmeDirectory) -> AcmeReply:
    """Return an order; a final one with the valid authorizations only."""
    order = of_request(found)
    status = status_of(found.records, order, found.call.now())
    listed = order.authorizations
    if status in (VALID, INVALID):
        listed = [one for one in listed if authorization(found.records, found.account_id, one).status == VALID]
    return shown(found, order, status, listed)


def of_request(found: AcmeDirectory) -> AcmeOrder:
    """Return the order in the path. Raises AcmeProblem if the account has none with this id."""
    order = found.records.orders.get(str(found.call["order_id"]))
    if order is None or order.account != found.account_id:
        raise after(MALFORMED, "order does not exist")
    return order


def authorization(records: AcmeRecords, account: str, authorization_id: str) -> AcmeAuthorization:
    """Return an authorization of an account. Raises AcmeProblem."""
    found = records.authorizations.get(authorization_id)
    if found is None:
        raise after(MALFORMED, "authorization does not exist")
    if found.account != account:
        raise AcmeProblem(UNAUTHORIZED)
    return found


def status_of(records: AcmeRecords, order: AcmeOrder, now: float) -> str:
    """Return the status of an order, which follows from its authorizations until it is final. Raises AcmeProblem."""
    if order.status in (INVALID, VALID):
        return order.status
    if now > order.expires:
        return INVALID
    if order.status in (READY, PROCESSING):
        return order.status
    states = {authorization(records, order.account, one).status for one in order.authorizations}
    if states - {PENDING, VALID}:
        return INVALID
    return READY if states == {VALID} else PENDING


def shown(found: AcmeDirectory, order: AcmeOrder, status: str, authorizations: list[str]) -> AcmeReply:
    """Return an order as clients see it."""
    location = found.url("order", order.id)
    data: dict[str, object] = {
        "status": status,
        "expires": rfc3339(int(order.expires)),
        "identifiers": [{"type": one.kind, "value": one.original} for one in order.identifiers] or None,
        "authorizations": [found.url("authorization", one) for one in authorizations] or None,
        "finalize": f"{location}/finalize",
    }
    if status == VALID:
        data["certificate"] = f"{location}/cert"
    return AcmeReply(data, location=location)


new_orders = resource("new-order", for_accounts(_new), "order a certificate.")
lists = resource("orders", for_accounts(_list), "the orders of an account.")
orders = resource(f"order/{{order_id:{UUID}}}", for_accounts(_read), "an order.")
