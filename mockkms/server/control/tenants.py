"""The control API's routes about tenants."""

from __future__ import annotations

from functools import partial

from mockkms.error_context import error_context
from mockkms.faults.parsing import mapping
from mockkms.server.control.routing import ControlError, ControlRequest, route
from mockkms.server.tenants.tenants import Tenants


@route("GET", "tenants", "Ids of the tenants, the least recently used first")
def list_tenants(request: ControlRequest) -> dict[str, object]:
    """Below ``/t/<id>/_mockkms/`` each has this whole API, except for these routes."""
    tenants = _tenants(request)
    return {"tenants": tenants.names(), "limit": tenants.limit, "dropped": tenants.dropped}


@route("DELETE", "tenants", "Drop all tenants")
def clear_tenants(request: ControlRequest) -> dict[str, object]:
    """Each is created again from the baseline when it is next used."""
    _tenants(request).clear()
    return {"ok": True}


@route("POST", "tenants/{id}", "Create or replace a tenant", body="{from: baseline | now}")
def make_tenant(request: ControlRequest) -> dict[str, object]:
    """From the server's baseline (the default), or from its present: state, clock and rules."""
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
    """404 for an unknown id."""
    if not _tenants(request).forget(request.names["id"]):
        raise ControlError(404, f"tenant {request.names['id']!r} not found")
    return {"ok": True}


def _tenants(request: ControlRequest) -> Tenants:
    if request.tenants is None:
        raise ControlError(404, "a tenant of a tenant has no tenants")
    return request.tenants
