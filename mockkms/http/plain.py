"""An answer with just the headers it was given: aiohttp adds a ``Content-Type`` where a route sends none."""

from __future__ import annotations

from aiohttp import hdrs, web


class PlainResponse(web.Response):
    """A response without a made-up ``Content-Type``."""

    async def _prepare_headers(self) -> None:
        given = hdrs.CONTENT_TYPE in self.headers
        await super()._prepare_headers()
        if not given:
            self.headers.pop(hdrs.CONTENT_TYPE, None)
