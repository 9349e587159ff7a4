"""Entries of the journal: a request with its response. Properties are computed on access."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from urllib.parse import parse_qsl, unquote

from mockkms.faults.addresses import REDACTED, SHORTEST_TOKEN, TOKEN, TOKEN_FORM, is_secret_name
from mockkms.faults.request_view import json_object, named_in
from mockkms.vault.framework.message import Operation, Request, Trace, operation_of_method
from mockkms.world.clock import parse_rfc3339, rfc3339

_SECRET_HEADERS = ("x-vault-mfa", "x-vault-inline-auth-parameter-")
"""Beginnings of headers with secrets whose names do not say so."""
_KEYS = re.compile(r"(?:key|auth)\Z|session|signature")
"""In the name of a header whose value may be a secret."""
_NO_TRACE = Trace()
_ADMIN_BASES = ("/rustfs/admin/v3/kms/", "/minio/admin/v3/kms/")


def secret_header(name: str) -> bool:
    """Return whether the value of a header, its name in lower case, may be a secret."""
    return name.startswith(_SECRET_HEADERS) or is_secret_name(name) or _KEYS.search(name) is not None


def shown_header(name: str, text: str) -> str:
    """Return the value of a header, its name in lower case, without tokens and other secrets."""
    return REDACTED if secret_header(name) else TOKEN_FORM.sub(TOKEN, text)


def short_path(service: str, target: str) -> str:
    """Return the path as in rules: below ``/v1/`` or the admin API's base, decoded, without query and last slash."""
    path = target.partition("?")[0]
    if service == "rustfs":
        for base in _ADMIN_BASES:
            path = path.removeprefix(base)
    elif path.startswith("/v1/"):
        path = path[4:]
    path = unquote(path) if "%" in path else path
    return path[:-1] if path.endswith("/") else path


def admin_key(target: str, body: bytes) -> str:
    """Return the KMS key that a request of the admin API names, in its query or its body."""
    names = ("keyName", "key", "keyId", "key-id", "key_id", "key_name")
    given = dict(parse_qsl(target.partition("?")[2], keep_blank_values=True))
    fields = json_object(body)
    for name in names:
        value = given.get(name, fields.get(name))
        if isinstance(value, str):
            return value
    return ""


class Entry:
    """A request with its response and what was decided about it. Costly attributes are computed on access."""

    __slots__ = (
        "answer", "asked", "body", "cut", "given_retry_after", "headers", "hidden", "method", "number", "phase",
        "rules", "seconds", "service", "shortened", "shown_target", "size", "status", "target", "time", "trace",
        "unexpected", "words",
    )  # fmt: skip

    def __init__(
        self,
        time: float,
        service: str,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        request: Request | None,
        status: int,
        answer: bytes,
        seconds: float,
        rules: Sequence[str] = (),
        words: Sequence[str] = (),
        cut: str = "",
        unexpected: str = "",
        retry_after: str = "",
        number: int = 0,
        phase: str = "",
    ) -> None:
        self.number = number
        """Counted from 1 by the journal that keeps it."""
        self.time = time
        """Time of arrival by the world's clock, in seconds since the epoch."""
        self.service = service
        """``vault`` or ``rustfs``."""
        self.method = method
        """The HTTP method."""
        self.target = target
        """Path and query as on the wire."""
        self.headers = headers
        """The headers of the request; their names are in lower case."""
        self.body = body
        """The body of the request, in bytes."""
        self.shown_target = target
        """``target`` without tokens and other secrets."""
        # Thousands of entries are kept: they refer to parts of a Vault request, not to the request itself.
        self.asked = (request.operation, request.token) if request is not None else None
        """Operation and token of a Vault request; None for others."""
        self.trace = request.trace if request is not None else _NO_TRACE
        """What the core determined; empty if the request did not reach it."""
        self.status = status
        """The HTTP status; 0 if no response was sent."""
        self.answer = answer
        """The body of the response, in bytes."""
        self.seconds = seconds
        """Duration in seconds; by the world's clock if it is frozen."""
        self.rules = rules
        """Ids of the rules that fired."""
        self.words = words
        """Fault kinds of the rules that fired."""
        self.phase = phase
        """Plan of chaos and its phase, as in ``leader-election/election``; empty without one."""
        self.cut = cut
        """``close``, ``reset``, ``hang``, ``left`` (the client gave up), or empty."""
        self.unexpected = unexpected
        self.given_retry_after = retry_after
        self.shortened: tuple[str, ...] = ()
        """The parts that were cut: ``target``, ``headers``, ``body``, ``answer``, …"""
        self.size = 0
        """Approximate bytes of the entry, once it is recorded."""
        self.hidden: int | None = None
        """Of a redacted request: a number that is equal for equal targets and bodies."""

    @property
    def retry_after(self) -> float:
        """Seconds of the response's ``Retry-After``; 0 without."""
        given = self.given_retry_after or (self.trace.headers or {}).get("Retry-After", "")
        return float(given) if given.isdecimal() else 0.0

    @property
    def path(self) -> str:
        """The path as rules match it."""
        return short_path(self.service, self.target)

    @property
    def operation(self) -> str:
        """The operation, named as in policies."""
        if self.asked is not None:
            return str(self.asked[0])
        return str(operation_of_method(self.method))

    @property
    def mount(self) -> str:
        """Path of the mount, with its slash."""
        return self.trace.mount

    @property
    def shown_path(self) -> str:
        """``path`` without tokens."""
        return self.path if self.shown_target is self.target else short_path(self.service, self.shown_target)

    @property
    def key(self) -> str:
        """The key, secret path or role that was named."""
        if self.service == "rustfs":
            return admin_key(self.target, self.body)
        return self._named(self.path)

    def _named(self, path: str) -> str:
        below = path.removeprefix(self.namespace).removeprefix(self.mount)
        return named_in(self.trace.endpoint, below) if self.trace.endpoint else ""

    @property
    def namespace(self) -> str:
        """The namespace, ``""`` or ``a/b/``."""
        return self.trace.namespace

    @property
    def token(self) -> str:
        """The token as sent; never shown by ``table`` or ``data``."""
        return self.asked[1] if self.asked is not None else self.headers.get("x-vault-token", "")

    @property
    def accessor(self) -> str:
        """The accessor of the token."""
        return self.trace.accessor

    @property
    def policies(self) -> Sequence[str]:
        """The policies of the token."""
        return self.trace.policies

    @property
    def fields(self) -> Mapping[str, object]:
        """The JSON object of the request body; empty for other bodies."""
        return json_object(self.body)

    @property
    def body_key(self) -> bytes | int:
        """A value that is equal for equal bodies; in a redacting journal, for equal targets and bodies."""
        return self.body if self.hidden is None else self.hidden

    @property
    def unhandled(self) -> bool:
        """Whether no endpoint is emulated for the request."""
        return self.trace.unhandled

    @property
    def hint(self) -> str:
        """What the world lacks for a successful response; usually empty."""
        return self.trace.hint

    @property
    def denied(self) -> bool:
        """Whether the policies denied the request."""
        return self.trace.denied

    @property
    def line(self) -> str:
        """``METHOD /path?query`` as on the wire."""
        return f"{self.method} {self.target}"

    @property
    def shown_line(self) -> str:
        """``line`` without tokens and other secrets."""
        line = f"{self.method} {self.shown_target}"
        return line.replace(self.token, TOKEN) if len(self.token) >= SHORTEST_TOKEN else line

    def data(self, *, bodies: bool = True) -> dict[str, object]:
        """Return the entry as plain data without tokens; ``bodies=False`` leaves the bodies out too."""
        headers = {n: shown_header(n.lower(), v) for n, v in self.headers.items()} if bodies else {}
        path = self.shown_path
        out: dict[str, object] = {
            "number": self.number, "time": rfc3339(self.time), "service": self.service, "method": self.method,
            "target": self.shown_target, "path": path, "operation": self.operation, "mount": self.mount,
            "key": self._named(path) if self.service == "vault" else self.key, "namespace": self.namespace,
            "accessor": self.accessor, "policies": [*self.policies], "rule": self.trace.rule, "denied": self.denied,
            "unhandled": self.unhandled, "hint": self.hint, "faults": [*self.rules], "actions": [*self.words],
            "phase": self.phase,
            "cut": self.cut, "unexpected": self.unexpected, "status": self.status, "seconds": round(self.seconds, 6),
            "endpoint": self.trace.endpoint, "retry_after": self.retry_after, "shortened": [*self.shortened],
        }  # fmt: skip
        if bodies:
            body, answer = self.body.decode("utf-8", "replace"), self.answer.decode("utf-8", "replace")
            out |= {"headers": headers, "body": body, "answer": answer}
        return out

    def __str__(self) -> str:
        outcome = self.cut + " " if self.cut else ""
        outcome += str(self.status) if self.status else "no answer"
        parts = [f"{self.number:>4}", f"{outcome:<12}", f"{self.operation:<7}", self.shown_line]
        if self.rules:
            parts.append(f"[fault {', '.join(self.rules)}: {', '.join(self.words)}]")
        elif self.phase:
            parts.append(f"[chaos {self.phase}]")
        if self.unexpected:
            parts.append(f"[unexpected: {self.unexpected}]")
        if self.denied:
            parts.append(f"[denied: policies {', '.join(self.policies) or 'none'}; {self.trace.rule or 'no rule'}]")
        if self.unhandled:
            parts.append("[unhandled]")
        if self.shortened:
            parts.append(f"[shortened: {', '.join(self.shortened)}]")
        if self.trace.hint:
            parts.append(f"[hint: {self.trace.hint}]")
        return " ".join(parts)

    __repr__ = __str__


def entry_of(data: Mapping[str, object]) -> Entry:
    """Return the entry that ``Entry.data`` was made from; tokens, and bytes that are not UTF-8, are lost."""
    text, texts = partial(_text, data), partial(_texts, data)
    trace = Trace(
        mount=text("mount"), namespace=text("namespace"), endpoint=text("endpoint"), accessor=text("accessor"),
        policies=texts("policies"), rule=text("rule"), denied=bool(data["denied"]), unhandled=bool(data["unhandled"]),
        hint=text("hint"),
    )  # fmt: skip
    request = None
    if data["service"] == "vault":
        request = Request(Operation(text("operation")), text("path"), namespace=text("namespace"), trace=trace)
    retry_after = _number(data, "retry_after")
    headers = data.get("headers")
    entry = Entry(
        parse_rfc3339(text("time")), text("service"), text("method"), text("target"),
        headers if isinstance(headers, dict) else {}, text("body").encode(), request, int(_number(data, "status")),
        text("answer").encode(), _number(data, "seconds"), texts("faults"), texts("actions"), text("cut"),
        text("unexpected"), f"{retry_after:.0f}" if retry_after else "", int(_number(data, "number")), text("phase"),
    )  # fmt: skip
    entry.shortened = tuple(texts("shortened"))
    return entry


def _text(data: Mapping[str, object], name: str) -> str:
    found = data.get(name, "")
    return found if isinstance(found, str) else ""


def _texts(data: Mapping[str, object], name: str) -> list[str]:
    found = data.get(name)
    return [str(item) for item in found] if isinstance(found, list) else []


def _number(data: Mapping[str, object], name: str) -> float:
    found = data.get(name)
    return found if isinstance(found, int | float) else 0
