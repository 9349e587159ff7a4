"""Long texts as responses: the dump of a world may have more than a hundred million characters.

Encoded and handed to the connection at once, such a text would stop all other requests while it is copied.
"""

from __future__ import annotations

from aiohttp.abc import AbstractStreamWriter

from mockkms.server import web

LONG = 1024 * 1024
"""Characters from which on a text is sent in pieces of this length."""


class LongText(web.StreamResponse):
    """A text that is sent in pieces, each when the client has received most of the one before."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._pieces = [text[at : at + LONG].encode("utf-8", "replace") for at in range(0, len(text), LONG)]
        self._bodiless = False
        self.content_type, self.charset = "text/plain", "utf-8"
        self.content_length = sum(map(len, self._pieces))

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write the head. Raises ConnectionResetError if the client has disconnected."""
        self._bodiless = request.method == "HEAD"
        return await super().prepare(request)

    async def write_eof(self, data: bytes = b"") -> None:
        """Write the text; the answer to HEAD has none."""
        if not self._bodiless:
            for piece in self._pieces:
                await self.write(piece)
        await super().write_eof(data)


def text_response(text: str) -> web.StreamResponse:
    """Return the response with a text, which ends with a line break unless it is empty."""
    if text and not text.endswith("\n"):
        text += "\n"
    if len(text) > LONG:
        return LongText(text)
    return web.Response(body=text.encode("utf-8", "replace"), content_type="text/plain", charset="utf-8")
