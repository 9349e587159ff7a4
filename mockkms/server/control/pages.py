"""The inspector at ``/_mockkms/ui/``: the files of a page that uses the control API, and nothing from elsewhere."""

from __future__ import annotations

from importlib import resources

from mockkms.server import web
from mockkms.server.control.routing import CONTROL_PREFIX, ControlError

_TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": _POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def is_page(target: str) -> bool:
    """Return whether a path of the control API is one of the inspector's."""
    below = target.partition(CONTROL_PREFIX)[2]
    return below == "ui" or below.startswith("ui/")


def page(target: str) -> web.Response:
    """Return the response for a path of the inspector. Raises ControlError (404) for an unknown file."""
    name = target.partition(CONTROL_PREFIX + "ui")[2]
    if not name:
        # Without the slash, a browser would look for the page's files one folder above.
        return web.Response(status=307, headers={"Location": "ui/", **_HEADERS})
    name = name[1:] or "index.html"
    kind = _TYPES.get(name.rpartition(".")[2])
    found = resources.files("mockkms.inspector").joinpath(name)
    if kind is None or "/" in name or not found.is_file():
        raise ControlError(404, f"{CONTROL_PREFIX}ui/{name} not found; the inspector is at {CONTROL_PREFIX}ui/")
    return web.Response(text=found.read_text(encoding="utf-8"), content_type=kind, charset="utf-8", headers=_HEADERS)
