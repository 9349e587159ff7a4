"""The control API below ``/_mockkms/``: faults, journal, clock, state and snapshots in JSON, for any language.

It answers loopback peers only, refuses foreign ``Host`` and ``Origin`` headers (a web page must not reach it through a
browser), and requires ``X-Mockkms-Token`` if the server has a control token.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from urllib.parse import parse_qsl, unquote

from mockkms.faults import FaultError
from mockkms.json_reading import read_json
from mockkms.server import web
from mockkms.server.control import stream
from mockkms.server.control.large import text_response
from mockkms.server.control.pages import is_page, page
from mockkms.server.control.routing import CONTROL_PREFIX, ControlError, ControlRequest, Route, all_routes, check_query
from mockkms.server.gateway.actions import Host
from mockkms.server.gateway.browsers import BrowserGuard, host_name, is_loopback, netloc
from mockkms.server.gateway.exchange import HttpRequest
from mockkms.server.gateway.threads import Threads
from mockkms.server.tenants.tenants import Tenants
from mockkms.world.world import NoState, World

TOKEN_HEADER = "X-Mockkms-Token"


_LOCK_SECONDS = 0.005
"""Seconds between two attempts to take the world's lock."""


class Control:
    """The control API of one world."""

    def __init__(self, world: World, host: Host, tenants: Tenants | None = None, *, token: str = "") -> None:
        self.world = world
        self.host = host
        self.tenants = tenants
        self.token = token
        """Required value of ``X-Mockkms-Token``; empty: no token required."""
        self.browsers = BrowserGuard()
        """Decides which host names belong to this server."""
        self.served = 0
        """Number of requests answered that can have changed the world."""
        self._streams: set[stream.JournalStream] = set()
        self.threads: Threads | None = None
        """Where routes that are slow run; None: here, as all others."""
        self.anywhere = False
        """Whether peers and host names that are not local are answered too."""

    async def serve(self, http: HttpRequest) -> web.StreamResponse:
        """Answer one request of the control API."""
        self.served += http.method not in ("GET", "HEAD")
        try:
            self._guard(http)
            if is_page(http.target) and http.method in ("GET", "HEAD"):
                # A browser cannot send the token when it opens a page: the page itself asks for it.
                return page(http.target)
            self._ask_token(http)
            if http.target == CONTROL_PREFIX + stream.PATH and http.method == "GET":
                return self._stream(http)
            known, request = self._route(http)
            if len(http.body) >= known.slow_from and self.threads is not None:
                return await self.threads.run(lambda: _slowly(known, request))
            while not self.world.lock.acquire(blocking=False):
                await asyncio.sleep(_LOCK_SECONDS)  # A thread computes, and the loop has others to serve.
            try:
                return _answered(known.handler(request))
            finally:
                self.world.lock.release()
        except ControlError as error:
            return _json(error.status, {"ok": False, "message": error.message, **error.more})
        except FaultError as error:
            return _json(400, _described(error))
        except NoState as error:
            return _json(400, {"ok": False, "mode": "proxy", "message": str(error)})
        except AssertionError as error:
            return _json(409, {"ok": False, "failed": True, "message": str(error)})

    def _stream(self, http: HttpRequest) -> web.StreamResponse:
        after = dict(parse_qsl(http.query)).get("after", "0")
        if not after.isdecimal() or len(after) > 18:
            raise ControlError(400, "after: expected the number of an entry")
        if len(self._streams) >= stream.MOST_STREAMS:
            raise ControlError(503, f"the limit of {stream.MOST_STREAMS} streams is reached; close an inspector")
        return stream.JournalStream(self.world.journal, int(after), self._streams)

    def _guard(self, http: HttpRequest) -> None:
        if not self.anywhere:
            if http.remote_address and not is_loopback(http.remote_address):
                raise ControlError(403, "the control API answers loopback peers only")
            name = host_name(http.headers.get("Host", ""))
            if not self.browsers.is_local(name):
                raise ControlError(403, f"the control API does not answer the host name {name!r}")
        origin = http.headers.get("Origin")
        if origin is not None and netloc(origin).lower() != http.headers.get("Host", "").lower():
            raise ControlError(403, f"the control API does not answer pages of {origin}")

    def _ask_token(self, http: HttpRequest) -> None:
        # Header bytes that are not UTF-8 are decoded to surrogates.
        given = http.headers.get(TOKEN_HEADER, "").encode("utf-8", "surrogatepass")
        if self.token and not hmac.compare_digest(given, self.token.encode("utf-8", "surrogatepass")):
            raise ControlError(401, f"the control API requires a token in {TOKEN_HEADER}")

    def _route(self, http: HttpRequest) -> tuple[Route, ControlRequest]:
        """Return the route of a request, and the request for its handler. Raises ControlError."""
        path = http.target[len(CONTROL_PREFIX) :].rstrip("/")
        method = "GET" if http.method == "HEAD" else http.method
        if method == "DELETE" and http.target.endswith("/"):
            # An empty name would otherwise delete all.
            text = f"{CONTROL_PREFIX}{path}/: a name is missing after the slash; without the slash, all are meant"
            raise ControlError(404, text)
        allowed = set()
        for known in all_routes():
            found = known.pattern.fullmatch(path)
            if found is None:
                continue
            allowed.add(known.method)
            if known.method == method or (method == "PUT" and known.method == "POST"):
                query = dict(parse_qsl(http.query, keep_blank_values=True))
                check_query(known, query)
                names = {name: unquote(value) for name, value in found.groupdict().items()}
                data = _decode(http.body, text=known.text)
                return known, ControlRequest(self.world, self.host, names, query, data, self.tenants)
        if allowed:
            raise ControlError(
                405, f"{CONTROL_PREFIX}{path} does not allow {http.method}; allowed: {', '.join(sorted(allowed))}"
            )
        raise ControlError(404, f"{CONTROL_PREFIX}{path} not found; see {CONTROL_PREFIX}openapi.json")


def _slowly(known: Route, request: ControlRequest) -> web.StreamResponse:
    with request.world.lock:
        result = known.handler(request)
    return _answered(result)


def _answered(result: dict[str, object] | str) -> web.StreamResponse:
    return text_response(result) if isinstance(result, str) else _json(200, result)


def _decode(body: bytes, *, text: bool = False) -> object:
    if not body.strip():
        return None
    try:
        data: object = read_json(body)
    except ValueError as error:
        if not text:
            raise ControlError(400, f"the body is not valid JSON: {error}") from None
        return body.decode("utf-8", "surrogateescape")
    return data


def _described(error: FaultError) -> dict[str, object]:
    """Return the body of a refusal: the path of the first error, the messages of all, and each error by itself."""
    first, *others = error.each()
    each = [{"path": one.path, "message": one.message} for one in (first, *others)]
    message = "\n".join([first.message, *(one.line for one in others)])
    return {"ok": False, "message": message, "path": first.path, "errors": each}


def _json(status: int, value: dict[str, object]) -> web.Response:
    text = json.dumps(value, default=str, ensure_ascii=True, separators=(",", ":")) + "\n"
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)
