"""Mount types that come with a product and are known to this server by name only.

Such a type can be mounted, tuned, moved and disabled as on the real server, and shows in every list; below its path
nothing is there yet: 404 ``unsupported path``, and the journal says ``unhandled``.
"""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Engine, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, unsupported_path
from mockkms.vault.products import PRODUCTS, Product

ALL = frozenset(
    f"{kind}/{type}"
    for product in PRODUCTS.values()
    for kind in ("auth", "secret")
    for type in product.builtins.mountable(kind)
)
"""Every type of any product, as ``auth/ldap`` or ``secret/ssh``."""


def lacks(product: Product, kind: str, type: str) -> bool:
    """Return whether another product has this type and ``product`` has not."""
    return f"{kind}/{type}" in ALL and not product.builtins.has(kind, type)


def nameplate(name: str) -> Engine:
    """The engine of a type that is known by name only (``secret/database``). Raises KeyError for an unknown one."""
    if name not in ALL:
        raise KeyError(name)
    kind, type = name.split("/")
    engine = Engine(name, kind=kind, new_state=dict, help=f"The type {type} is known, and not emulated.")
    if kind == "auth":
        # Without this a login would be refused for its missing token, as if the method were there and said no.
        login = engine.path("login[/{rest:all}]", {"rest": Field(Kind.STRING)}, login=True, arbitrary=True)
        login.on(Operation.READ, Operation.UPDATE)(_no_login)
    return engine


def _no_login(_state: object, call: Call) -> None:
    call.request.trace.unhandled = True
    raise unsupported_path()
