"""One recorded request with its answer, as data without secrets, and its form in the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_TRUE = ("1", "t", "T", "TRUE", "true", "True")


@dataclass(frozen=True)
class Body:
    """The body of a request or an answer."""

    kind: str = "none"
    """``json``, ``form`` (of a request, fields by name), ``text``, ``base64`` (public binary data), ``none``, or
    ``left out``."""
    value: object = None
    """JSON, or text."""
    end: str = ""
    """What follows the JSON: a line break, or nothing."""

    def data(self) -> dict[str, object]:
        """Return the members of the recorded message that describe it."""
        if self.kind == "none":
            return {}
        if self.kind == "left out":
            return {"body": "left out"}
        return {self.kind: self.value, **({"end": self.end} if self.end else {})}


@dataclass(frozen=True)
class RecordedRequest:
    """A normalized request: two requests are the same if all of these are equal, but for placeholders."""

    method: str
    """``LIST`` and ``SCAN`` also for GET with ``?list=true`` and ``?scan=true``; ``POST`` also for PUT."""
    path: str
    """As sent; without its last slash if it lists."""
    query: tuple[tuple[str, str], ...] = ()
    """Decoded, sorted."""
    namespace: str = ""
    token: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Those that change the answer: for wrapping, and the media type of a patch."""
    body: Body = field(default_factory=Body)

    @property
    def line(self) -> str:
        """Method, path and query, as shown in messages."""
        query = "&".join(f"{name}={value}" for name, value in self.query)
        return f"{self.method} {self.path}{'?' + query if query else ''}"

    def data(self) -> dict[str, object]:
        """Return its members in the file."""
        query = [list(pair) for pair in self.query]
        members = {"query": query, "namespace": self.namespace, "token": self.token, "headers": dict(self.headers)}
        shown = {name: value for name, value in members.items() if value}
        return {"method": self.method, "path": self.path, **shown, **self.body.data()}


@dataclass(frozen=True)
class RecordedAnswer:
    """The answer to a request."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = field(default_factory=Body)

    def data(self) -> dict[str, object]:
        """Return its members in the file."""
        return {"status": self.status, "headers": [list(pair) for pair in self.headers], **self.body.data()}


@dataclass(frozen=True)
class Exchange:
    """A request with its answer."""

    request: RecordedRequest
    answer: RecordedAnswer
    mount: str = ""
    endpoint: str = ""
    at: float = 0.0
    """Seconds since the start of the recording."""
    took: float = 0.0
    """Seconds until the answer."""
    left_out: tuple[str, ...] = ()
    """The parts that are not in the recording, each with the reason."""

    def data(self) -> dict[str, object]:
        """Return its line in the file, as JSON data."""
        facts = {"mount": self.mount, "endpoint": self.endpoint}
        members: dict[str, object] = {"at": round(self.at, 6), "took": round(self.took, 6)}
        members["request"] = {**self.request.data(), **{name: text for name, text in facts.items() if text}}
        members["answer"] = self.answer.data()
        return {**members, "left_out": list(self.left_out)} if self.left_out else members


def normalized(method: str, path: str, query: list[tuple[str, str]]) -> tuple[str, str, tuple[tuple[str, str], ...]]:
    """Return method, path and query as ``RecordedRequest`` has them."""
    method = "POST" if method == "PUT" else method
    for word in ("list", "scan"):
        if method == "GET" and any(name == word and value in _TRUE for name, value in query):
            method = word.upper()
        if method == word.upper():
            query = [pair for pair in query if pair[0] != word]
            path = path.rstrip("/")
    return method, path, tuple(sorted(query))


# -- reading ------------------------------------------------------------------------------------------------------


def read_exchange(line: Mapping[str, object]) -> Exchange:
    """Return the exchange of a line. Raises ValueError."""
    request, answer = _object(line, "request"), _object(line, "answer")
    headers = {str(name): str(value) for name, value in _object(request, "headers", {}).items()}
    query = tuple((name, value) for name, value in _pairs(request, "query"))
    status = answer.get("status")
    if not isinstance(status, int) or not 100 <= status <= 999:
        raise ValueError("answer: status is not a number of three digits")
    return Exchange(
        RecordedRequest(
            _text(request, "method"), _text(request, "path"), query, _text(request, "namespace", ""),
            _text(request, "token", ""), headers, _body(request, "request"),
        ),
        RecordedAnswer(status, tuple(_pairs(answer, "headers")), _body(answer, "answer")),
        _text(request, "mount", ""),
        _text(request, "endpoint", ""),
        _seconds(line, "at"),
        _seconds(line, "took"),
        tuple(str(one) for one in _list(line, "left_out")),
    )  # fmt: skip


def _object(line: Mapping[str, object], name: str, default: dict[str, object] | None = None) -> Mapping[str, object]:
    found = line.get(name, default)
    if not isinstance(found, Mapping):
        raise ValueError(f"{name} is not an object")
    return found


def _text(line: Mapping[str, object], name: str, default: str | None = None) -> str:
    found = line.get(name, default)
    if not isinstance(found, str):
        raise ValueError(f"{name} is not a text")
    return found


def _list(line: Mapping[str, object], name: str) -> list[object]:
    found = line.get(name, [])
    if not isinstance(found, list):
        raise ValueError(f"{name} is not a list")
    return found


def _pairs(line: Mapping[str, object], name: str) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for one in _list(line, name):
        if not isinstance(one, list) or len(one) != 2 or not all(isinstance(text, str) for text in one):
            raise ValueError(f"{name} is not a list of pairs of texts")
        pairs.append((one[0], one[1]))
    return pairs


def _seconds(line: Mapping[str, object], name: str) -> float:
    found = line.get(name, 0.0)
    try:
        return float(str(found))
    except ValueError:
        raise ValueError(f"{name} is not a number of seconds") from None


def _body(message: Mapping[str, object], where: str) -> Body:
    if message.get("body") == "left out":
        return Body("left out")
    kinds = [kind for kind in ("json", "form", "text", "base64") if kind in message]
    if len(kinds) > 1:
        raise ValueError(f"{where}: both {kinds[0]} and {kinds[1]}")
    if not kinds:
        return Body()
    value = message[kinds[0]]
    if kinds[0] in ("text", "base64") and not isinstance(value, str):
        raise ValueError(f"{where}: {kinds[0]} is not a text")
    if kinds[0] == "form" and not isinstance(value, dict):
        raise ValueError(f"{where}: form is not an object")
    return Body(kinds[0], value, _text(message, "end", ""))
