"""What rules inspect: a request as seen from outside, and a response.

The gateway passes a ``View`` that looks up mount, key and token only when a rule needs them. Journal entries have the
same attributes, so the same matchers work on both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


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
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(slots=True)
class Product:
    """What a response made on the server's behalf needs to know about the server."""

    name: str = "Vault"
    """The name in messages, as in ``Vault is sealed``."""
    version: str = ""
    vault: bool = True
    """Whether health documents and bad-token errors have HashiCorp's format."""
    build_date: str = ""
    """As ``sys/seal-status`` reports it."""
    cluster_name: str = ""
    cluster_id: str = ""
    now: float = 0.0
    """Seconds since the epoch."""


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


class View:
    """One request. ``path`` is relative to ``/v1/`` or the admin API's base; ``target`` is the raw path and query.

    ``operation``, ``facts`` and ``product`` are values, or functions called once, on first use. ``headers`` has names
    in lower case.
    """

    __slots__ = ("_facts", "_operation", "_product", "body", "headers", "method", "path", "service", "target")

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
        product: Product | Callable[[], Product] | None = None,
    ) -> None:
        self.service, self.method, self.path = service, method, path
        self.target = target or f"/v1/{path}"
        self.headers: Mapping[str, str] = headers or {}
        self.body = body
        self._operation, self._facts, self._product = operation, facts or Facts(), product or Product()

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
    def product(self) -> Product:
        """The server as its responses describe it."""
        if callable(self._product):
            self._product = self._product()
        return self._product

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
        decoded = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return decoded if isinstance(decoded, dict) else {}


def go_json(value: object) -> bytes:
    """Encode JSON as the real server does: compact, ``<>&`` escaped, with a trailing newline."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode("utf-8", "surrogatepass") + b"\n"
