"""The control API's routes about tenants."""

from __future__ import annotations

from functools import partial

from mockkms.error_context import error_context
from mockkms.faults.parsing import mapping, unknown
from mockkms.server.control.routing import ControlError, ControlRequest, route
from mockkms.server.tenants.tenants import Tenants


@route("GET", "tenants", "Ids of the tenants, the least recently used first")
def list_tenants(request: ControlRequest) -> dict[str, object]:
    """Return the ids, the limit, and how many tenants were dropped because of it."""
    tenants = _tenants(request)
    return {"tenants": tenants.names(), "limit": tenants.limit, "dropped": tenants.dropped}


@route("DELETE", "tenants", "Drop all tenants")
def clear_tenants(request: ControlRequest) -> dict[str, object]:
    """Drop all tenants; each is created again from the baseline at its next use."""
    _tenants(request).clear()
    return {"ok": True}


@route("POST", "tenants/{id}", "Create or replace a tenant", body="{from: baseline | now}")
def make_tenant(request: ControlRequest) -> dict[str, object]:
    """Create a tenant from the server's baseline, or from its current state, clock and rules (``from: now``)."""
    start = mapping(request.data or {}, ("from",)).get("from", "baseline")
    if start not in ("baseline", "now"):
        raise ControlError(400, "from: expected baseline or now")
    tenants, name = _tenants(request), request.names["id"]
    with error_context(raised=partial(ControlError, 400)):
        tenants.forget(name)
        tenants.world(name, now=start == "now")
    return {"ok": True, "id": name}


@route("DELETE", "tenants/{id}", "Drop a tenant")
def forget_tenant(request: ControlRequest) -> dict[str, object]:
    """Drop a tenant. Raises ControlError (404) for an unknown id."""
    tenants, name = _tenants(request), request.names["id"]
    if not tenants.forget(name):
        raise ControlError(404, str(unknown(name, tenants.names(), "tenant")), path="")
    return {"ok": True}


def _tenants(request: ControlRequest) -> Tenants:
    if request.tenants is None:
        raise ControlError(404, "a tenant of a tenant has no tenants")
    return request.tenants
