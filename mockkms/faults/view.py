"""What a rule looks at: one request as it is seen from outside, and one answer.

The HTTP room hands in a subclass of ``View`` that looks up mount, key and token only when a rule asks for them; the
journal's entries have the same face, so the same matchers read both.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


class Seen(Protocol):
    """The face that matchers read."""

    @property
    def service(self) -> str: ...
    @property
    def method(self) -> str: ...
    @property
    def operation(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def target(self) -> str: ...
    @property
    def mount(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def namespace(self) -> str: ...
    @property
    def token(self) -> str: ...
    @property
    def accessor(self) -> str: ...
    @property
    def policies(self) -> Sequence[str]: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def fields(self) -> Mapping[str, Any]: ...


@dataclass(slots=True)
class Reply:
    """One HTTP answer as bytes."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> Any:
        """The body decoded, or None where it is no JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(slots=True)
class Product:
    """What an answer in the server's name must know about the server."""

    name: str = "Vault"
    """As it stands in texts: ``Vault is sealed``."""
    version: str = ""
    vault: bool = True
    """Health documents and bad-token texts in HashiCorp's form."""
    cluster_name: str = ""
    cluster_id: str = ""
    now: float = 0.0
    """Seconds since the epoch."""


@dataclass
class View:
    """One request. ``path`` is below ``/v1/`` or the admin API's base; ``target`` is path and query on the wire."""

    service: str = "vault"
    method: str = "GET"
    operation: str = "read"
    path: str = ""
    target: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    mount: str = ""
    key: str = ""
    namespace: str = ""
    token: str = ""
    accessor: str = ""
    policies: Sequence[str] = ()
    product: Product = field(default_factory=Product)

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body's JSON object; empty where it is none."""
        return json_object(self.body)


def json_object(body: bytes) -> dict[str, Any]:
    """``body`` as a JSON object; empty for anything else."""
    if not body[:64].lstrip().startswith(b"{"):
        return {}
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def go_json(value: Any) -> bytes:
    """JSON as the real server writes it: compact, ``<>&`` escaped, a newline at the end."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode("utf-8", "surrogatepass") + b"\n"
