"""One request on its way through a route of the current contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from mockkms.rustfs.message import AdminRequest

if TYPE_CHECKING:
    from mockkms.rustfs.context import AdminContext


@dataclass(slots=True)
class AdminCall:
    """The admin API, the request, and what the path names."""

    admin: AdminContext
    request: AdminRequest
    key_id: str = ""
    """The last segment of ``/keys/{key_id}``, as it is on the wire."""

    @property
    def body(self) -> bytes:
        """The raw body."""
        return self.request.body

    @property
    def query(self) -> dict[str, str]:
        """The query as a form: ``+`` is a space, a name without ``=`` is empty, the last of a repeated name wins."""
        return dict(parse_qsl(self.request.query_string, keep_blank_values=True))
