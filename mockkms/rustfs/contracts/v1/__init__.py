"""The documented contract of the admin KMS API: its seven routes, and five that its code got later."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mockkms.rustfs.contracts.v1 import lifecycle, rewrap
from mockkms.rustfs.contracts.v1.configure import configure
from mockkms.rustfs.contracts.v1.keys import KeyRoutes
from mockkms.rustfs.errors import AdminError
from mockkms.rustfs.message import AdminReply, AdminRequest, json_reply, query_pairs

if TYPE_CHECKING:
    from mockkms.rustfs.context import AdminContext

CONFIG = ("GET", "/config")
"""The only later route that is part of the current contract as well."""

ROUTES: dict[tuple[str, str], Callable[[KeyRoutes], object]] = {
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
    """Return the response of one of ``ROUTES``."""
    route = ROUTES[request.method, path]
    try:
        answer = route(KeyRoutes(admin, query_pairs(request.query_string), request.body))
        reply = AdminReply(200) if answer is None else json_reply(200, answer)
    except AdminError as error:
        reply = error.reply
    if not admin.guide_texts:
        reply.headers.pop("Content-Type", None)
    return reply
