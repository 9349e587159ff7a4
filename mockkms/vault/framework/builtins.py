"""Mount types that are part of a product but known to this server by name only.

Such a type can be mounted, tuned, moved and disabled as on the real server, and appears in every list. Requests below
its path are answered with 404 ``unsupported path`` and appear in the journal as ``unhandled``.
"""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, unsupported_path
from mockkms.vault.products import PRODUCTS, Product

ALL = frozenset(
    f"{kind}/{plugin_type}"
    for product in PRODUCTS.values()
    for kind in ("auth", "secret")
    for plugin_type in product.builtins.mountable(kind)
)
"""Every type of any product, as ``auth/ldap`` or ``secret/ssh``."""


def lacks(product: Product, kind: str, plugin_type: str) -> bool:
    """Return whether ``product`` lacks this type although another product has it."""
    return f"{kind}/{plugin_type}" in ALL and not product.builtins.has(kind, plugin_type)


def nameplate(name: str) -> Engine:
    """Return the engine of a type that is known by name only (``secret/database``).

    Raises KeyError for an unknown one.
    """
    if name not in ALL:
        raise KeyError(name)
    kind, plugin_type = name.split("/")
    engine = Engine(name, kind=kind, new_state=dict, help=f"The type {plugin_type} is known, and not emulated.")
    if kind == "auth":
        # Otherwise a login would be refused for its missing token, as if the method existed and denied it.
        login = engine.path("login[/{rest:all}]", {"rest": Field(Kind.STRING)}, login=True, arbitrary=True)
        login.on(Operation.READ, Operation.UPDATE)(_no_login)
    return engine


def _no_login(_state: object, call: Call) -> None:
    call.request.trace.unhandled = True
    raise unsupported_path()
