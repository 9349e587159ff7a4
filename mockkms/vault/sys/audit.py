"""``sys/audit`` and ``sys/audit-hash``: audit devices."""

from __future__ import annotations

from mockkms.vault.audit import device as audit
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.mounts.shapes import sanitized

table = engine.path("audit", help="All audit devices.", sudo=True)
one = engine.path(
    "audit/{path:some}",
    fields={
        "path": Field(Kind.STRING, help="Name of the device."),
        "type": Field(Kind.STRING, help="`file`."),
        "description": Field(Kind.STRING, help="Description for users."),
        "options": Field(Kind.KV_PAIRS, help="`file_path`, `mode`, `log_raw`, `hmac_accessor` and so on."),
        "local": Field(Kind.BOOL, help="Whether the device is local to the cluster."),
    },
    help="Enable or disable an audit device.",
    sudo=True,
    go_errors=True,
)
hash_input = engine.path(
    "audit-hash/{path:some}",
    fields={
        "path": Field(Kind.STRING, help="Name of the device."),
        "input": Field(Kind.STRING, help="The value to hash."),
    },
    help="The hash of a value in a device's log.",
)


@table.on(Operation.READ)
def list_devices(_state: object, call: Call) -> Response:
    """Return all devices by their path."""
    data = {
        device.path: {
            "description": device.description,
            "local": device.local,
            "options": dict(device.options),
            "path": device.path,
            "type": device.type,
        }
        for device in audit.devices(call.core).values()
    }
    return Response(data=data, flat=True)


@one.on(Operation.UPDATE)
def enable_device(
    _state: object, call: Call, *, path: str, description: str, local: bool, options: dict[str, str]
) -> None:
    """Enable a device, if the product supports that by API."""
    if not call.core.product.has(Feature.API_AUDIT):
        raise ErrorResponse(
            "cannot enable audit device via API; use declarative, config-based audit device management instead"
        )
    audit.enable(
        call.core,
        sanitized(path),
        call["type"],
        options=dict(options),
        description=description,
        local=local,
    )


@one.on(Operation.DELETE)
def disable_device(_state: object, call: Call, *, path: str) -> None:
    """Disable a device, if it exists."""
    audit.disable(call.core, sanitized(path))


@hash_input.on(Operation.UPDATE)
def hash_value(_state: object, call: Call) -> Response:
    """Return the salted hash that a device logs instead of a value."""
    if not call["input"]:
        raise ErrorResponse('the "input" parameter is empty')
    path = sanitized(call["path"])
    device = audit.devices(call.core).get(path)
    if device is None:
        raise ErrorResponse(f"unknown audit backend {quote(path)}")
    return Response(data={"hash": audit.hashed(device, call["input"])}, flat=True)
