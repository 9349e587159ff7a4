"""``sys/config/auditing/request-headers``: the request headers that are logged by audit devices."""

from __future__ import annotations

from mockkms.vault.audit.device import audited_headers
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.sys.engine import engine

every = engine.path("config/auditing/request-headers", help="All headers that are logged.", sudo=True)
one = engine.path(
    "config/auditing/request-headers/{header:some}",
    fields={
        "header": Field(Kind.STRING, help="Name of the header, in any case."),
        "hmac": Field(Kind.BOOL, help="Log only a hash of its values."),
    },
    help="Add, show or remove a logged header.",
    sudo=True,
)


@every.on(Operation.READ)
def list_headers(_state: object, call: Call) -> Response:
    """Return all headers that are logged."""
    headers = audited_headers(call.core)
    return Response(data={"headers": {name: {"hmac": hmac} for name, hmac in sorted(headers.items())}}, flat=True)


@one.on(Operation.READ)
def read_header(_state: object, call: Call, *, header: str) -> Response:
    """Return one header, under the requested spelling of its name."""
    headers = audited_headers(call.core)
    if header.lower() not in headers:
        raise ErrorResponse("Could not find header in config")
    return Response(data={header: {"hmac": headers[header.lower()]}}, flat=True)


@one.on(Operation.UPDATE)
def write_header(_state: object, call: Call, *, hmac: bool, header: str) -> None:
    """Log a header from now on."""
    audited_headers(call.core)[header.lower()] = hmac


@one.on(Operation.DELETE)
def delete_header(_state: object, call: Call, *, header: str) -> None:
    """Stop logging a header."""
    audited_headers(call.core).pop(header.lower(), None)
