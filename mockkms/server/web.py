"""What the server uses of ``aiohttp.web``: the same classes, without its router, applications and static files.

Importing ``aiohttp.web`` as a whole takes 1.3 MiB and several milliseconds more, at each start of a server.
"""

from __future__ import annotations

from aiohttp.web_exceptions import HTTPException
from aiohttp.web_protocol import PayloadAccessError, RequestPayloadError
from aiohttp.web_request import BaseRequest
from aiohttp.web_response import Response, StreamResponse, json_response
from aiohttp.web_server import Server

__all__ = [
    "BaseRequest",
    "HTTPException",
    "PayloadAccessError",
    "RequestPayloadError",
    "Response",
    "Server",
    "StreamResponse",
    "json_response",
]
