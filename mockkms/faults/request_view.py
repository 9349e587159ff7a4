"""What rules inspect: a request as seen from outside, and a response.

The gateway passes a ``View`` that looks up mount, key and token only when a rule needs them. Journal entries have the
same attributes, so the same matchers work on both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from mockkms.json_reading import read_json
from mockkms.vault.golang.json_text import encode

if TYPE_CHECKING:
    from mockkms.vault.kernel.node import NodeStatus


class Seen(Protocol):
    """The attributes that matchers read."""

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
    def fields(self) -> Mapping[str, object]: ...


@dataclass(slots=True)
class Reply:
    """One HTTP response, with its body in bytes."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def json(self) -> object:
        """Return the decoded body, or None if it is not JSON."""
        try:
            return read_json(self.body)
        except ValueError:
            return None


@dataclass(slots=True)
class Facts:
    """What a request refers to, determined only when a rule needs it."""

    mount: str = ""
    key: str = ""
    namespace: str = ""
    token: str = ""
    accessor: str = ""
    policies: Sequence[str] = ()
    endpoint: str = ""
    """Template of the endpoint."""
    mount_type: str = ""
    """Type of the mount, such as ``transit``."""


class View:
    """One request. ``path`` is relative to ``/v1/`` or the admin API's base; ``target`` is the raw path and query.

    ``operation``, ``facts`` and ``server`` are values, or functions called once, on first use. ``headers`` has names
    in lower case.
    """

    __slots__ = ("_facts", "_operation", "_server", "body", "headers", "method", "path", "service", "target")

    def __init__(
        self,
        service: str = "vault",
        method: str = "GET",
        path: str = "",
        target: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        operation: str | Callable[[], str] = "read",
        facts: Facts | Callable[[], Facts] | None = None,
        server: NodeStatus | Callable[[], NodeStatus] | None = None,
    ) -> None:
        self.service, self.method, self.path = service, method, path
        self.target = target or f"/v1/{path}"
        self.headers: Mapping[str, str] = headers or {}
        self.body = body
        self._operation, self._facts, self._server = operation, facts or Facts(), server or _default_server

    @property
    def operation(self) -> str:
        """The operation, named as in policies."""
        if callable(self._operation):
            self._operation = self._operation()
        return self._operation

    @property
    def facts(self) -> Facts:
        """Mount, key, namespace and token."""
        if callable(self._facts):
            self._facts = self._facts()
        return self._facts

    @property
    def server(self) -> NodeStatus:
        """The status of the server that received the request."""
        if callable(self._server):
            self._server = self._server()
        return self._server

    @property
    def mount(self) -> str:
        """Path of the mount, with its trailing slash."""
        return self.facts.mount

    @property
    def key(self) -> str:
        """The transit key, secret path, role or KMS key that the request names."""
        return self.facts.key

    @property
    def namespace(self) -> str:
        """The namespace, ``""`` or ``a/b/``."""
        return self.facts.namespace

    @property
    def token(self) -> str:
        """The token that the request carries."""
        return self.facts.token

    @property
    def accessor(self) -> str:
        """The accessor of the request's token."""
        return self.facts.accessor

    @property
    def policies(self) -> Sequence[str]:
        """The policies of the request's token."""
        return self.facts.policies

    @property
    def fields(self) -> Mapping[str, object]:
        """The body's JSON object; empty for any other body."""
        return json_object(self.body)


def _default_server() -> NodeStatus:
    # The products are not imported with the rules, which clients of a remote server import as well.
    from mockkms.vault.kernel.node import NodeStatus
    from mockkms.vault.products import DEFAULT, product_named

    return NodeStatus(product_named(DEFAULT), 0)


_PARAMETER = re.compile(r"\{(\w+)(?::([a-z]+))?")


def named_in(template: str, below: str) -> str:
    """Return the key, secret path or role that ``below``, a path relative to its mount, names, by the template."""
    segments, given = template.split("["), below.strip("/").split("/")
    for place, segment in enumerate(segments[0].split("/")):
        found = _PARAMETER.match(segment)
        if found is None:
            continue
        if found[2] in ("all", "some"):
            return "/".join(given[place:])
        if found[1] in _SECONDARY and "{" in template[template.index(segment) + len(segment) :]:
            continue
        return given[place] if place < len(given) else ""
    return ""


_SECONDARY = frozenset(("kind", "type", "plaintext", "export_type", "key_type"))
"""Parameters that select a form rather than an object: ``datakey/{plaintext}/{name}``."""


def json_object(body: bytes) -> dict[str, object]:
    """Return ``body`` as a JSON object; empty for anything else."""
    if not body[:64].lstrip().startswith(b"{"):
        return {}
    try:
        decoded = read_json(body)
    except ValueError:
        return {}
    return decoded if isinstance(decoded, dict) else {}


def go_json(value: object) -> bytes:
    """Encode JSON as the real server does, with a newline at its end."""
    return encode(value, ordered=True).encode("utf-8", "surrogatepass") + b"\n"
