"""``sys/config/ui/headers``: headers of the web interface's pages."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.sys.engine import engine

every = engine.path("config/ui/headers/", help="Names of the headers that are set.", sudo=True)
bare = engine.path("config/ui/headers", help="See the same path with a slash.")
one = engine.path(
    "config/ui/headers/{header}",
    fields={
        "header": Field(Kind.STRING, help="Name of the header."),
        "values": Field(Kind.STRING_SLICE, help="Its values."),
        "multivalue": Field(Kind.BOOL, query=True, help="Show all values, not only the first."),
    },
    help="Set, show or remove a header of the web interface.",
    sudo=True,
)


def _headers(call: Call) -> dict[str, list[str]]:
    found: dict[str, list[str]] = call.core.state.system.setdefault("ui_headers", {})
    return found


@every.on(Operation.LIST)
@bare.on(Operation.LIST)
def list_headers(_state: object, call: Call) -> dict[str, object] | None:
    """Return the names of the headers that are set; without any, the answer cannot have warnings."""
    names = sorted(_headers(call))
    return {"keys": names} if names else None


@one.on(Operation.READ)
def read_header(_state: object, call: Call, *, header: str, multivalue: bool) -> dict[str, object] | None:
    """Return the first value of a header, or all."""
    values = _headers(call).get(_canonical(header))
    if not values:
        return None
    return {"values": list(values)} if multivalue else {"value": values[0]}


@one.on(Operation.UPDATE)
def write_header(_state: object, call: Call, *, header: str, values: list[str]) -> Response:
    """Set a header."""
    if not header or not values:
        raise ErrorResponse("header and values must be specified")
    if header.lower().startswith("x-vault-"):
        raise ErrorResponse("X-Vault headers cannot be set")
    _headers(call)[_canonical(header)] = list(values)
    if header.lower() == "content-security-policy":
        warning = "overriding default Content-Security-Policy which is secure by default, proceed with caution"
        return Response(warnings=[warning])
    return Response()


@one.on(Operation.DELETE)
def delete_header(_state: object, call: Call, *, header: str) -> None:
    """Remove a header."""
    _headers(call).pop(_canonical(header), None)


def _canonical(name: str) -> str:
    """Return a header's name as Go writes it: each part capitalised."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))
