"""Cross-origin requests from browsers, as ``sys/config/cors`` has them: before the request, and on its answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable

from mockkms.server.gateway.exchange import HttpReply, HttpRequest, base_headers, error_reply
from mockkms.vault.kernel.core import Core
from mockkms.vault.sys.config.cors import decide

_PREFLIGHT = ("Cache-Control",)
"""What an answer to a preflight request keeps of the usual headers."""


Answer = HttpReply | Awaitable[HttpReply]


def guarded(core: Core, http: HttpRequest, answer: Callable[[HttpRequest], Answer]) -> Answer:
    """The answer with what CORS adds to it, or CORS's own where it refuses or the request is a preflight one."""
    if "cors" not in core.state.system:
        return answer(http)
    method = http.headers.get("Access-Control-Request-Method", "")
    decision = decide(core, http.method, http.headers.get("Origin", ""), method)
    if decision.status == 403:
        return error_reply(403, "origin not allowed")
    if decision.status:
        kept = {name: text for name, text in base_headers().items() if name in _PREFLIGHT}
        return HttpReply(decision.status, b"", {**kept, **dict(decision.headers)})
    reply = answer(http)
    if not isinstance(reply, HttpReply):
        return _later(reply, decision.headers)
    reply.headers.update(decision.headers)
    return reply


async def _later(reply: Awaitable[HttpReply], headers: Iterable[tuple[str, str]]) -> HttpReply:
    whole = await reply
    whole.headers.update(headers)
    return whole
