"""The door of a proxy: rules, journal and control API are ours, the answers a real server's."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from mockkms.faults import View
from mockkms.faults.view import json_object
from mockkms.http import codec
from mockkms.http.codec import HttpReply, HttpRequest
from mockkms.http.door import Door
from mockkms.http.fault_layer import FaultLayer, unasked
from mockkms.http.guess import asks_for_a_token, view_from_outside
from mockkms.http.upstream import UPSTREAM_HEADER, Upstream
from mockkms.vault.message import Request
from mockkms.world import World

DECIDED = "decided upstream"
"""In the journal, in the place of the policy rule that let a token do something, or not."""
_TOKENS = 10_000


class Tokens:
    """Accessors and policies of the tokens that answers told of. The oldest are forgotten first."""

    def __init__(self) -> None:
        self._known: OrderedDict[str, tuple[str, tuple[str, ...]]] = OrderedDict()

    def learn(self, token: str, path: str, body: bytes) -> None:
        """Look into the answer that ``token`` got at ``path``: a login, a new token, a look at one."""
        if b'"accessor"' not in body:
            return
        document = json_object(body)
        auth, data = document.get("auth"), document.get("data")
        if isinstance(auth, dict):
            self._keep(auth.get("client_token"), auth)
        elif isinstance(data, dict) and path.endswith("auth/token/lookup-self"):
            self._keep(token, data)
        elif isinstance(data, dict) and path.endswith("auth/token/lookup"):
            self._keep(data.get("id"), data)

    def _keep(self, token: Any, told: dict[str, Any]) -> None:
        accessor, policies = told.get("accessor"), told.get("policies")
        if isinstance(token, str) and token and isinstance(accessor, str):
            listed = policies if isinstance(policies, list) else []
            self._known[token] = (accessor, tuple(name for name in listed if isinstance(name, str)))
            self._known.move_to_end(token)
            if len(self._known) > _TOKENS:
                self._known.popitem(last=False)

    def of(self, token: str) -> tuple[str, tuple[str, ...]]:
        """Accessor and policies; nothing where no answer told of the token."""
        return self._known.get(token, ("", ()))


class ProxyDoor(Door):
    """Passes every request on, but for the control API's and those that rules answer."""

    def __init__(self, world: World, upstream: Upstream, tokens: Tokens | None = None) -> None:
        super().__init__(world)
        self.upstream = upstream
        self._tokens = Tokens() if tokens is None else tokens
        self.layer = FaultLayer(world, self.ask, self, self.look)

    def of(self, world: World) -> Door:
        """A door to another world in front of the same server."""
        return ProxyDoor(world, self.upstream, self._tokens)

    async def close(self) -> None:
        """Let go the connections to the server."""
        await self.upstream.close()

    async def ask(self, http: HttpRequest) -> HttpReply:
        """The real server's answer, with what the journal is to know of it."""
        reply = await self.upstream.ask(http)
        view = self.look(self.world, http)
        self._tokens.learn(codec.token_of(http.headers), view.path, reply.body)
        reply.request = self._told(view, reply)
        return reply

    def look(self, world: World, http: HttpRequest) -> View:
        """A request as the rules see it."""
        return view_from_outside(world, http, self._tokens.of)

    def _told(self, view: View, reply: HttpReply) -> Request | None:
        request = unasked(view)
        if request is None or UPSTREAM_HEADER in reply.headers:
            return request
        trace = request.trace
        if view.token and view.target.startswith("/v1/") and asks_for_a_token(self.world, view.mount, view.path):
            trace.rule = DECIDED
            # A token that is not known is refused in other words.
            trace.denied = reply.status == 403 and b"1 error occurred" in reply.body
        waits = [text for name, text in reply.headers.items() if name.lower() == "retry-after"]
        if waits:
            trace.headers = {"Retry-After": waits[0]}
        return request
