"""Sending the requests of a recording to two servers, and comparing their answers.

The servers must have the data that these requests need. Values that a server generates are used in later requests: a
token in an answer replaces the recorded token in all requests that had it, and so do accessors, role ids, ciphertexts
and other volatile values.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import zip_longest
from urllib.parse import quote, urlencode

from mockkms.comparing.volatile import NAMES, stable
from mockkms.faults.addresses import SHORTEST_TOKEN
from mockkms.recording.bindings import Bindings, issued
from mockkms.recording.exchange import Body, Exchange, RecordedAnswer, RecordedRequest
from mockkms.recording.placeholders import PLACEHOLDER, TIME
from mockkms.recording.reader import Recording
from mockkms.recording.redacting import json_bytes
from mockkms.recording.unify import Found, filled, unify_text
from mockkms.server.gateway.exchange import HttpReply
from mockkms.server.proxy.client import ServerClient, ServerSilent
from mockkms.vault.framework.message import Operation, Request
from mockkms.vault.golang import json as go_json
from mockkms.world.diff import change, difference
from mockkms.world.journal.entry import Entry
from mockkms.world.journal.hiding import Hide, Secret

_MOST = 100_000
"""Values of one server that are remembered for later requests."""
_MOST_SILENT = 5
"""Requests in a row that a server may leave unanswered before the comparison ends."""
_READS = ("GET", "HEAD", "LIST", "SCAN")
_SHORTEST = 8
_SHORTEST_KNOWN = 16
"""Characters from which on a secret is recognized anywhere."""


@dataclass(frozen=True)
class NoAnswer:
    """A request that the server did not answer."""

    reason: str


@dataclass
class Difference:
    """The differences between two answers to one request."""

    number: int
    """Counted from 1 in the recording."""
    request: str
    changes: list[str] = field(default_factory=list)
    """Lines with ``+``, ``-``, ``~`` and, for a missing answer, ``!``; secrets are shown as marks."""
    answered: bool = True
    """Whether both servers answered."""

    def __str__(self) -> str:
        return "\n".join([f"{self.number}. {self.request}", *(f"  {line}" for line in self.changes)])


class RecordedSide:
    """The answers of the recording itself."""

    def answer(self, exchange: Exchange) -> RecordedAnswer:
        """Return the recorded answer."""
        return exchange.answer


class ServerSide:
    """The answers of a running server."""

    def __init__(self, client: ServerClient, recording: Recording, token: str, marks: Marks) -> None:
        self._client, self._token, self._marks = client, token, marks
        self._issued = issued(recording.exchanges)
        self._secrets = Bindings(recording.forms, self._issued)
        self._tokens = {one.request.token for one in recording.exchanges} - self._issued - {""}
        self._values: dict[str, str] = {}
        """The server's values by those of the recording."""
        self._reached = False
        self._silent = 0
        """Requests in a row without an answer."""

    def answer(self, exchange: Exchange) -> RecordedAnswer | NoAnswer:
        """Send the request of an exchange and return the answer, with the placeholders of the recording.

        Raises ServerSilent if the server cannot be reached at all, or leaves too many requests in a row unanswered.
        """
        request = exchange.request
        headers = dict(request.headers)
        if request.namespace:
            headers["X-Vault-Namespace"] = request.namespace
        if request.token:
            headers["X-Vault-Token"] = str(self._secret(request.token))
        query = urlencode([(name, str(self._real(value))) for name, value in request.query])
        path = "/".join(self._segment(part) for part in request.path.split("/"))
        body, media_type = self._body(request)
        if media_type:
            headers.setdefault("Content-Type", media_type)
        try:
            reply = self._client.ask(request.method, path, query, headers, body)
        except ServerSilent as silent:
            return self._unanswered(silent)
        self._reached, self._silent = True, 0
        return self._answered(exchange, reply)

    def _unanswered(self, silent: ServerSilent) -> NoAnswer:
        """Return the failure of one request. Raises ServerSilent if further requests are useless."""
        if silent.unreachable and not self._reached:
            raise silent
        self._reached, self._silent = True, self._silent + 1
        if self._silent == _MOST_SILENT:
            raise ServerSilent(f"{silent}; ended after {_MOST_SILENT} requests in a row without an answer")
        return NoAnswer(str(silent))

    def _segment(self, part: str) -> str:
        changed = "(mockkms:" in part or part in self._values
        return quote(str(self._real(part)), safe="~!$&'()*+,;=:@") if changed else part

    def _body(self, request: RecordedRequest) -> tuple[bytes, str]:
        if request.body.kind == "json":
            return json_bytes(self._filled(request.body.value)), ""
        if request.body.kind == "form":
            fields = self._filled(request.body.value)
            return urlencode(fields if isinstance(fields, dict) else {}).encode(), "application/x-www-form-urlencoded"
        return b"", ""

    def _filled(self, value: object) -> object:
        return _mapped(filled(value, self._secret), self._real)

    def _secret(self, placeholder: str) -> Secret:
        return self._token if self._token and placeholder in self._tokens else self._secrets.value(placeholder)

    def _real(self, text: str) -> Secret:
        if "(mockkms:" in text:
            return PLACEHOLDER.sub(lambda found: str(self._secret(found[0])), text)
        return self._values.get(text, text)

    def _answered(self, exchange: Exchange, reply: HttpReply) -> RecordedAnswer:
        pairs = tuple(reply.headers.items())
        try:
            value = go_json.decode(reply.body, any_number=True, whole=True) if reply.body else None
        except (ValueError, RecursionError):
            return RecordedAnswer(reply.status, pairs, _other_body(reply))
        found: Found = []
        _gather(exchange.answer.body.value, value, "", found, self._remember)
        self._secrets.bind(found)
        recorded, request = exchange.request, _request(exchange)
        entry = Entry(0.0, "vault", recorded.method, recorded.path, {}, b"", request, reply.status, b"", 0.0)
        hide = Hide(entry, self._known, self._show, shortest=SHORTEST_TOKEN)
        aligned = _aligned(exchange.answer.body.value, value)
        body = Body("json", hide.texts(hide.answer(aligned))) if reply.body else Body()
        return RecordedAnswer(reply.status, pairs, body)

    def _known(self, text: str) -> bool:
        return len(text) >= _SHORTEST_KNOWN and not TIME.fullmatch(text) and self._secrets.holder(text) != ""

    def _show(self, secret: Secret, _name: str) -> str:
        if isinstance(secret, str) and PLACEHOLDER.fullmatch(secret):
            return secret
        return self._secrets.holder(secret) or self._marks.of(secret)

    def _remember(self, recorded: str, real: str) -> None:
        if len(self._values) < _MOST:
            self._values[recorded] = real


class Marks:
    """Marks that replace secrets that are not in the recording: equal for equal secrets."""

    def __init__(self) -> None:
        self._key = os.urandom(32)

    def of(self, secret: Secret) -> str:
        """Return the mark of a secret."""
        return f"(secret {blake2b(str(secret).encode('utf-8', 'replace'), key=self._key, digest_size=4).hexdigest()})"


Side = RecordedSide | ServerSide


def compare(
    recording: Recording, one: Side, other: Side, *, reads_only: bool = False
) -> Iterator[tuple[int, Difference | None]]:
    """Send the requests of a recording to both sides. Raises ServerSilent.

    Yields the number of each request and its difference, without changes if the answers are the same; None for a
    request that is not sent: a write with ``reads_only``, and one whose body the recording left out.
    """
    for number, exchange in enumerate(recording.exchanges, 1):
        if (reads_only and exchange.request.method not in _READS) or exchange.request.body.kind == "left out":
            yield number, None
            continue
        answers = one.answer(exchange), other.answer(exchange)
        missing = [f"! {answer.reason}" for answer in answers if isinstance(answer, NoAnswer)]
        changes = missing or _changes(*[answer for answer in answers if isinstance(answer, RecordedAnswer)])
        yield number, Difference(number, exchange.request.line, changes, answered=not missing)


def _changes(one: RecordedAnswer, other: RecordedAnswer) -> list[str]:
    lines = [f"~ status: {one.status} -> {other.status}"] if one.status != other.status else []
    if "left out" in (one.body.kind, other.body.kind):
        return lines
    types = [_media_type(side) for side in (one, other)]
    if types[0] != types[1]:
        lines.append(f"~ Content-Type: {types[0]} -> {types[1]}")
    if one.body.kind == other.body.kind == "base64":
        return lines  # Certificates and revocation lists.
    bodies = stable(one.body.value), stable(other.body.value)
    if one.body.kind == other.body.kind and any(
        all(isinstance(body, kind) for body in bodies) for kind in (dict, list)
    ):
        return lines + difference(*bodies, shown=_leaf).splitlines()
    shown = [_whole(side.body, body) for side, body in zip((one, other), bodies, strict=True)]
    return [*lines, f"~ body: {change(*shown)}"] if shown[0] != shown[1] else lines


def _leaf(value: object) -> str:
    """Return a value of a JSON document as text, without control characters."""
    return repr(value) if isinstance(value, str) else go_json.encode(value)


def _whole(body: Body, value: object) -> str:
    """Return a body as text, with its kind if it is not JSON."""
    if body.kind == "none":
        return "empty"
    if body.kind == "base64":
        return f"{len(base64.b64decode(str(body.value)))} bytes"
    if body.kind == "json":
        return _printable(go_json.encode(value))
    return f"text {value!r}"


def _printable(text: str) -> str:
    """Return a text with escapes in place of control characters, which would change the terminal."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def _media_type(side: RecordedAnswer) -> str:
    return next((text for name, text in side.headers if name.lower() == "content-type"), "")


def _other_body(reply: HttpReply) -> Body:
    try:
        return Body("text", reply.body.decode())
    except UnicodeDecodeError:
        return Body("base64", base64.b64encode(reply.body).decode())


def _request(exchange: Exchange) -> Request:
    request = Request(Operation.READ, "")
    request.trace.mount, request.trace.endpoint = exchange.mount, exchange.endpoint
    return request


def _mapped(value: object, real: Callable[[str], Secret]) -> object:
    if isinstance(value, str):
        return real(value)
    if isinstance(value, dict):
        return {name: _mapped(item, real) for name, item in value.items()}
    return [_mapped(item, real) for item in value] if isinstance(value, list) else value


def _aligned(recorded: object, real: object) -> object:
    """Return the answer ``real`` with the placeholders of ``recorded`` in the same places."""
    if isinstance(recorded, dict) and isinstance(real, dict):
        return {name: _aligned(recorded.get(name), item) for name, item in real.items()}
    if isinstance(recorded, list) and isinstance(real, list):
        return [_aligned(one, other) for one, other in zip_longest(recorded[: len(real)], real)]
    scalar = isinstance(real, Secret) and not isinstance(real, bool) and real != ""
    return recorded if scalar and isinstance(recorded, str) and PLACEHOLDER.fullmatch(recorded) else real


def _gather(recorded: object, real: object, name: str, found: Found, remember: Callable[[str, str], None]) -> None:
    """Add to ``found`` what ``real`` has in the places of placeholders and volatile values of ``recorded``."""
    if isinstance(recorded, dict) and isinstance(real, dict):
        for key in recorded.keys() & real.keys():
            _gather(recorded[key], real[key], str(key), found, remember)
    elif isinstance(recorded, list) and isinstance(real, list):
        for one, other in zip(recorded, real, strict=False):
            _gather(one, other, name, found, remember)
    elif isinstance(recorded, str) and isinstance(real, str | int):
        if "(mockkms:" in recorded:
            tried: Found = []
            if PLACEHOLDER.fullmatch(recorded) and not isinstance(real, bool) and real != "":
                found.append((recorded, real))
            elif isinstance(real, str) and unify_text(recorded, real, tried):
                found += tried
        elif isinstance(real, str) and recorded != real and len(recorded) >= _SHORTEST and _alike(recorded, real, name):
            remember(recorded, real)


def _alike(recorded: str, real: str, name: str) -> bool:
    return name in NAMES or stable(recorded) == stable(real)
