"""``sys/well-known``: redirections below ``/.well-known/``; no engine of the community edition has one."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine

every = engine.path("well-known[/]", help="All redirections.", needs=Feature.WELL_KNOWN)
one = engine.path(
    "well-known/{label:some}",
    fields={"label": Field(Kind.STRING, help="Path below `/.well-known/`.")},
    help="One redirection.",
    needs=Feature.WELL_KNOWN,
)


@every.on(Operation.READ, Operation.LIST)
def list_redirections(_state: object, _call: Call) -> dict[str, object]:
    """Return no redirections."""
    return {}


@one.on(Operation.READ)
def read_redirection(_state: object, _call: Call) -> None:
    """Return None, as engines of the community edition have no redirections."""
