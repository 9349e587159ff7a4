"""The documented contract of the admin KMS API, JSON errors: seven routes, and five that its code got later."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mockkms.rustfs.contracts.v1 import lifecycle, rewrap
from mockkms.rustfs.contracts.v1.configure import configure
from mockkms.rustfs.contracts.v1.errors import V1Error
from mockkms.rustfs.contracts.v1.keys import KeyRoutes
from mockkms.rustfs.message import AdminReply, AdminRequest, json_reply, query_pairs

if TYPE_CHECKING:
    from mockkms.rustfs.context import AdminContext

CONFIG = ("GET", "/config")
"""The one later route that the current contract has too."""

ROUTES: dict[tuple[str, str], Callable[[KeyRoutes], Any]] = {
    ("POST", "/configure"): lambda routes: configure(routes.admin, routes.body),
    ("POST", "/key/create"): KeyRoutes.create,
    ("GET", "/key/status"): KeyRoutes.status,
    ("GET", "/key/list"): KeyRoutes.list,
    ("PUT", "/key/enable"): KeyRoutes.enable,
    ("PUT", "/key/disable"): KeyRoutes.disable,
    ("GET", "/status"): KeyRoutes.health,
    CONFIG: lifecycle.config,
    ("POST", "/key/rotate"): lifecycle.rotate,
    ("DELETE", "/key/delete"): lifecycle.delete,
    ("POST", "/rewrap"): rewrap.rewrap,
    ("POST", "/rewrap-bucket"): rewrap.rewrap_bucket,
}
"""Method and path below the KMS prefix."""


def handle(admin: AdminContext, request: AdminRequest, path: str) -> AdminReply:
    """Answer a request for one of ``ROUTES``."""
    route = ROUTES[request.method, path]
    typed = admin.contract_words
    try:
        answer = route(KeyRoutes(admin, query_pairs(request.query_string), request.body))
    except V1Error as error:
        return json_reply(error.status, error.body(), typed=typed)
    return AdminReply(200) if answer is None else json_reply(200, answer, typed=typed)
