"""The documented contract of the admin KMS API: seven routes, JSON errors. ``ROUTES`` is all of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mockkms.rustfs.message import AdminReply, AdminRequest, json_reply, query_pairs
from mockkms.rustfs.v1.configure import configure
from mockkms.rustfs.v1.errors import V1Error
from mockkms.rustfs.v1.keys import KeyRoutes

if TYPE_CHECKING:
    from mockkms.rustfs.admin import RustfsAdmin

ROUTES: dict[tuple[str, str], Callable[[KeyRoutes], dict[str, Any] | None] | None] = {
    ("POST", "/configure"): None,
    ("POST", "/key/create"): KeyRoutes.create,
    ("GET", "/key/status"): KeyRoutes.status,
    ("GET", "/key/list"): KeyRoutes.list,
    ("PUT", "/key/enable"): KeyRoutes.enable,
    ("PUT", "/key/disable"): KeyRoutes.disable,
    ("GET", "/status"): KeyRoutes.health,
}
"""Method and path below the KMS prefix; None is the one route that is about no key."""


def handle(admin: RustfsAdmin, request: AdminRequest, path: str) -> AdminReply:
    """Answer a request for one of ``ROUTES``."""
    route = ROUTES[request.method, path]
    typed = admin.contract_words
    try:
        if route is None:
            answer: dict[str, Any] | None = configure(admin, request.body)
        else:
            answer = route(KeyRoutes(admin, query_pairs(request.query_string)))
    except V1Error as error:
        return json_reply(error.status, error.body(), typed=typed)
    return AdminReply(200) if answer is None else json_reply(200, answer, typed=typed)
