"""The matcher algebra: which requests a rule is about. Matchers combine with ``& | ~`` and, in data, all / any / not.

A matcher is one small class; defining it registers its ``word``. The same matchers choose fault rules, script steps and
journal entries.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from mockkms.faults.view import Seen
from mockkms.faults.words import FaultError, normal, shown, unknown

Test = Callable[[Any], bool]
MATCHERS: dict[str, type[Word]] = {}
_TEXT_FORMS = ("glob", "regex", "exact", "not")


class Matcher(ABC):
    """A yes or no about a request."""

    @abstractmethod
    def __call__(self, seen: Seen) -> bool:
        """Whether ``seen`` fits."""

    def __and__(self, other: Matcher) -> Matcher:
        return All((self, other))

    def __or__(self, other: Matcher) -> Matcher:
        return Any_((self, other))

    def __invert__(self) -> Matcher:
        return Not(self)

    def misses(self, seen: Seen) -> list[str]:
        """The words that do not fit ``seen``; for near-miss texts."""
        return [] if self(seen) else [type(self).__name__.lower().strip("_")]


class All(Matcher):
    """Every part fits."""

    def __init__(self, parts: tuple[Matcher, ...]) -> None:
        self.parts = parts

    def __call__(self, seen: Seen) -> bool:
        return all(part(seen) for part in self.parts)

    def misses(self, seen: Seen) -> list[str]:
        return [word for part in self.parts for word in part.misses(seen)]


class Any_(Matcher):
    """At least one part fits."""

    def __init__(self, parts: tuple[Matcher, ...]) -> None:
        self.parts = parts

    def __call__(self, seen: Seen) -> bool:
        return any(part(seen) for part in self.parts)


class Not(Matcher):
    """The part does not fit."""

    def __init__(self, part: Matcher) -> None:
        self.part = part

    def __call__(self, seen: Seen) -> bool:
        return not self.part(seen)


class Word(Matcher):
    """A matcher with a word of its own; subclasses register themselves."""

    word: ClassVar[str]
    help: ClassVar[str]

    def __init_subclass__(cls) -> None:
        if cls.word in MATCHERS:
            raise TypeError(f"two matchers for the word {cls.word!r}")
        MATCHERS[cls.word] = cls

    def __init__(self, value: Any) -> None:
        self.test = text_test(value)

    def misses(self, seen: Seen) -> list[str]:
        return [] if self(seen) else [self.word]


# -- how one text is tested --------------------------------------------------------------------------------------


def glob(pattern: str) -> re.Pattern[str]:
    """A pattern as policies write it: ``*`` is anything, slashes too; a whole segment ``+`` is one segment."""
    segments = pattern.split("/")
    parts = ["[^/]+" if part == "+" else ".*".join(map(re.escape, part.split("*"))) for part in segments]
    return re.compile("/".join(parts), re.DOTALL)


def text_test(value: Any) -> Test:
    """A test from ``"a*b"``, ``{regex: …}``, ``{exact: …}``, ``{not: …}``, a list, true (given), false (not given)."""
    if isinstance(value, bool):
        return (lambda got: got not in (None, "")) if value else (lambda got: got in (None, ""))
    if isinstance(value, (list, tuple)):
        tests = [text_test(item) for item in value]
        return lambda got: any(test(got) for test in tests)
    if isinstance(value, re.Pattern):
        return lambda got: isinstance(got, str) and value.search(got) is not None
    if isinstance(value, Mapping):
        return _formed(value)
    if isinstance(value, str):
        if "*" not in value and "+" not in value.split("/"):
            return lambda got: got == value or _same(got, value)
        full = glob(value).fullmatch
        return lambda got: isinstance(got, str) and full(got) is not None
    if value is None or isinstance(value, (int, float)):
        return lambda got: got == value and not isinstance(got, bool)
    raise FaultError(f"expected a text or a pattern, got {shown(value)}")


def _same(got: Any, value: str) -> bool:
    """A JSON number or boolean against the text of it, as a query string gives it."""
    if not isinstance(got, (bool, int, float)):
        return False
    return (str(got).lower() if isinstance(got, bool) else str(got)) == value


def _formed(value: Mapping[Any, Any]) -> Test:
    if len(value) != 1:
        raise FaultError(f"expected one of {', '.join(_TEXT_FORMS)}, got {shown(dict(value))}")
    ((form, inner),) = value.items()
    if form == "not":
        test = text_test(inner)
        return lambda got: not test(got)
    if form not in _TEXT_FORMS:
        raise unknown(str(form), _TEXT_FORMS, "form of a text")
    if form == "exact":
        return lambda got: bool(got == inner)
    if not isinstance(inner, str):
        raise FaultError(f"expected a text, got {shown(inner)}", str(form))
    if form == "glob":
        return text_test(inner)
    try:
        search = re.compile(inner).search
    except (re.error, OverflowError, RecursionError) as error:
        raise FaultError(f"no regular expression: {error}", "regex") from None
    return lambda got: isinstance(got, str) and search(got) is not None


# -- the words -----------------------------------------------------------------------------------------------------


class Service(Word):
    """``vault`` or ``rustfs``."""

    word, help = "service", "vault or rustfs"

    def __init__(self, value: Any) -> None:
        names = value if isinstance(value, (list, tuple)) else [value]
        for name in names:
            if name not in ("vault", "rustfs"):
                raise unknown(str(name), ("vault", "rustfs"), "service")
        self.names = frozenset(names)

    def __call__(self, seen: Seen) -> bool:
        return seen.service in self.names


class Method(Word):
    """The HTTP method, upper or lower case."""

    word, help = "method", "HTTP method: GET, POST, PUT, LIST, …"

    def __init__(self, value: Any) -> None:
        names = value if isinstance(value, (list, tuple)) else [value]
        self.names = frozenset(str(name).upper() for name in names)

    def __call__(self, seen: Seen) -> bool:
        return seen.method in self.names


_OPERATIONS = ("read", "create", "update", "patch", "delete", "list", "scan", "help", "header", "internal", "write")


class Operation(Word):
    """What is asked in the words of policies; ``write`` is create, update or patch."""

    word, help = "operation", "read, create, update, patch, delete, list; write is any of create, update, patch"

    def __init__(self, value: Any) -> None:
        names = value if isinstance(value, (list, tuple)) else [value]
        chosen: set[str] = set()
        for name in names:
            if name not in _OPERATIONS:
                raise unknown(str(name), _OPERATIONS, "operation")
            chosen |= {"create", "update", "patch"} if name == "write" else {str(name)}
        self.names = frozenset(chosen)

    def __call__(self, seen: Seen) -> bool:
        return seen.operation in self.names


class Path(Word):
    """The path below ``/v1/`` or the admin base; a pattern that starts with ``/`` means the path on the wire."""

    word, help = "path", "glob (* anything, + one segment) or {regex: …}; starting with / it is the path on the wire"

    def __init__(self, value: Any) -> None:
        patterns = value if isinstance(value, (list, tuple)) else [value]
        self.tests = [(text_test(_below(pattern)), _on_wire(pattern)) for pattern in patterns]

    def __call__(self, seen: Seen) -> bool:
        return any(test(seen.target.partition("?")[0] if wire else seen.path) for test, wire in self.tests)


def _on_wire(pattern: Any) -> bool:
    if isinstance(pattern, Mapping):
        return any(isinstance(inner, str) and inner.lstrip("^").startswith("/") for inner in pattern.values())
    return str(pattern).startswith("/")


def _below(pattern: Any) -> Any:
    """Clients list with a slash at the end, and paths are seen without it: a pattern may have it or not."""
    if isinstance(pattern, str) and not pattern.startswith("/"):
        return pattern.rstrip("/")
    return pattern


class MountWord(Word):
    """The mount's path, with or without its slash."""

    word, help = "mount", "path of the mount: transit/, secret/, auth/approle/"

    def __call__(self, seen: Seen) -> bool:
        mount = seen.mount
        return self.test(mount) or self.test(mount.rstrip("/"))


class KeyWord(Word):
    """The transit key, secret path, role or KMS key that the request names."""

    word, help = "key", "name of the key, secret or role that the request is about"

    def __call__(self, seen: Seen) -> bool:
        return self.test(seen.key)


class NamespaceWord(Word):
    """The namespace, with or without its slash."""

    word, help = "namespace", "namespace of the request"

    def __call__(self, seen: Seen) -> bool:
        namespace = seen.namespace
        return self.test(namespace) or self.test(namespace.strip("/"))


class TokenWord(Word):
    """The token as sent."""

    word, help = "token", "the token sent (true: any, false: none)"

    def __call__(self, seen: Seen) -> bool:
        return self.test(seen.token)


class AccessorWord(Word):
    """The accessor of the token sent."""

    word, help = "accessor", "accessor of the token sent"

    def __call__(self, seen: Seen) -> bool:
        return self.test(seen.accessor)


class PolicyWord(Word):
    """One of the policies of the token sent."""

    word, help = "policy", "a policy that the token sent has"

    def __call__(self, seen: Seen) -> bool:
        return any(self.test(policy) for policy in seen.policies)


class HeaderWord(Word):
    """Request headers, each by name."""

    word, help = "header", "mapping of header names to texts (true: given, false: not given)"

    def __init__(self, value: Any) -> None:
        if not isinstance(value, Mapping):
            raise FaultError(f"expected a mapping of header names, got {shown(value)}")
        self.tests = [(str(name).lower(), text_test(item)) for name, item in value.items()]

    def __call__(self, seen: Seen) -> bool:
        headers = seen.headers
        return all(test(headers.get(name)) for name, test in self.tests)


class BodyWord(Word):
    """Fields of the JSON body, each by its dotted path."""

    word, help = "body", "mapping of JSON body fields (dotted: options.cas, batch_input.0.context) to texts or values"

    def __init__(self, value: Any) -> None:
        if not isinstance(value, Mapping):
            raise FaultError(f"expected a mapping of body fields, got {shown(value)}")
        self.tests = [(str(name).split("."), text_test(item)) for name, item in value.items()]

    def __call__(self, seen: Seen) -> bool:
        fields = seen.fields
        return all(test(dig(fields, steps)) for steps, test in self.tests)


class QueryWord(Word):
    """Parameters of the query string, each by name."""

    word, help = "query", "mapping of query parameters to texts (true: given, false: not given)"

    def __init__(self, value: Any) -> None:
        if not isinstance(value, Mapping):
            raise FaultError(f"expected a mapping of query parameters, got {shown(value)}")
        self.tests = [(str(name), text_test(item)) for name, item in value.items()]

    def __call__(self, seen: Seen) -> bool:
        from urllib.parse import parse_qs

        given = parse_qs(seen.target.partition("?")[2], keep_blank_values=True)
        return all(test(given[name][-1] if name in given else None) for name, test in self.tests)


def dig(data: Any, steps: list[str]) -> Any:
    """The value at a dotted path of a JSON value, or None."""
    for step in steps:
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and step.lstrip("-").isdecimal() and -len(data) <= int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data


# -- from data -------------------------------------------------------------------------------------------------------

COMBINED = ("all", "any", "not")
_DEPTH = 40


def match_words() -> set[str]:
    """Every word that may stand in a match."""
    return {*MATCHERS, *COMBINED}


def read_match(value: Any, depth: int = 0) -> All:
    """A matcher from data: a mapping of words (all must fit), or a text, which is a path. Raises FaultError."""
    if isinstance(value, Matcher):
        return value if isinstance(value, All) else All((value,))
    if isinstance(value, str):
        value = {"path": value}
    if not isinstance(value, Mapping):
        raise FaultError(f"expected a path or a mapping of {', '.join(sorted(match_words()))}, got {shown(value)}")
    if depth > _DEPTH:
        raise FaultError("nested too deeply")
    parts: list[Matcher] = []
    for raw, item in value.items():
        word = normal(raw)
        try:
            parts.append(_part(word, str(raw), item, depth))
        except FaultError as error:
            raise error.under(word) if word in match_words() else error from None
    # Cheap tests first: service and path decide most requests.
    parts.sort(key=lambda part: 0 if isinstance(part, (Service, Method, Path)) else 1)
    return All(tuple(parts))


def _part(word: str, raw: str, item: Any, depth: int) -> Matcher:
    if word in MATCHERS:
        return MATCHERS[word](item)
    if word == "not":
        return Not(read_match(item, depth + 1))
    if word in COMBINED:
        if not isinstance(item, (list, tuple)):
            raise FaultError(f"expected a list of matches, got {shown(item)}")
        parts = tuple(read_match(one, depth + 1) for one in item)
        return All(parts) if word == "all" else Any_(parts)
    raise unknown(raw, match_words(), "match word")
