"""Paths outside the APIs, as the real server's router answers them: its pages, which are not emulated."""

from __future__ import annotations

from urllib.parse import parse_qs

from mockkms.server.gateway.exchange import HttpReply, HttpRequest, base_headers, error_reply, redirect_reply
from mockkms.server.gateway.target import unclean
from mockkms.vault.kernel.core import Core
from mockkms.vault.products.features import Feature

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; connect-src 'self'; img-src 'self' data:; script-src 'self'; style-src 'unsafe-inline' "
        "'self'; form-action  'none'; frame-ancestors 'none'; font-src 'self'"
    ),
    "Service-Worker-Allowed": "/",
    "X-Content-Type-Options": "nosniff",
}
"""What the pages have unless ``sys/config/ui/headers`` sets it."""
_PAGE = b"<!doctype html><title>mockkms</title><p>Vault's own pages are not emulated. The inspector: /_mockkms/ui/\n"


def pages(core: Core, http: HttpRequest) -> HttpReply:
    """Return the response to a request outside the APIs: a page, a redirect to the pages, or 404."""
    target = http.target
    if core.product.has(Feature.UI_REDIRECT) and not target.startswith("/ui/"):
        if target == "/v1":
            return redirect_reply(http.method, http.prefix + "/v1/")
        return unclean(core, http) or redirect_reply(http.method, http.prefix + "/ui/")
    asks_help = http.method == "HELP" or bool(parse_qs(http.query).get("help", [""])[0])
    if asks_help and (target in ("/", "/ui", "/robots.txt") or target.startswith("/ui/")):
        how = f"Use the {core.product.texts.cli} path-help command to retrieve API help for paths"
        return error_reply(404, f"Missing /v1/ prefix in path. {how}")
    if target in ("/", "/ui", "/robots.txt"):
        return redirect_reply(http.method, http.prefix + "/ui/")
    if target.startswith("/ui/"):
        own: dict[str, list[str]] = core.state.system.get("ui_headers", {})
        chosen = {**_HEADERS, **{name: values[0] for name, values in own.items()}}
        return HttpReply(200, _PAGE, {**base_headers("text/html; charset=utf-8"), **chosen})
    return error_reply(404)
