"""Matchers: predicates over requests, those that combine others, and one class for each key of a match.

Defining a subclass of ``Word`` registers it under its ``word``. The same matchers select fault rules, script steps and
journal entries.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar
from urllib.parse import parse_qs

from mockkms.faults.parsing import Errors, FaultError, shown, unknown
from mockkms.faults.path_patterns import check_path, is_fixed
from mockkms.faults.request_view import Seen
from mockkms.faults.text_matching import Test, text_test
from mockkms.vault.framework import message

MATCHERS: dict[str, type[Word]] = {}


class Matcher(ABC):
    """A predicate over requests."""

    word: str
    """The key of a match that makes it."""

    @abstractmethod
    def __call__(self, seen: Seen) -> bool:
        """Return whether ``seen`` matches."""

    def misses(self, seen: Seen) -> list[str]:
        """Return the match keys that do not match ``seen``, for the report of near misses."""
        return [] if self(seen) else [self.word]


class All(Matcher):
    """Match when every part matches."""

    word = "all"

    def __init__(self, parts: tuple[Matcher, ...]) -> None:
        self.parts = parts

    def __call__(self, seen: Seen) -> bool:
        return all(part(seen) for part in self.parts)

    def misses(self, seen: Seen) -> list[str]:
        return [word for part in self.parts for word in part.misses(seen)]


class AnyOf(Matcher):
    """Match when at least one part matches."""

    word = "any"

    def __init__(self, parts: tuple[Matcher, ...]) -> None:
        self.parts = parts

    def __call__(self, seen: Seen) -> bool:
        return any(part(seen) for part in self.parts)


class Not(Matcher):
    """Match when the part does not."""

    word = "not"

    def __init__(self, part: Matcher) -> None:
        self.part = part

    def __call__(self, seen: Seen) -> bool:
        return not self.part(seen)


class Word(Matcher):
    """Base class of matchers that a key names; subclasses register themselves."""

    help: ClassVar[str]

    def __init_subclass__(cls) -> None:
        if cls.word in MATCHERS:
            raise TypeError(f"two classes of matchers for {cls.word!r}")
        MATCHERS[cls.word] = cls

    def __init__(self, value: object) -> None:
        self.test = text_test(_given(value))


def _given(value: object) -> object:
    """Return a value that may be in a request. Raises FaultError for None: what is absent is an empty text."""
    if value is None:
        raise FaultError(f"expected a string or a pattern, got {shown(value)}")
    return value


class ServiceWord(Word):
    """``vault`` or ``rustfs``."""

    word, help = "service", "vault or rustfs"

    def __init__(self, value: object) -> None:
        self.names = frozenset(_named(value, ("vault", "rustfs"), "service"))

    def __call__(self, seen: Seen) -> bool:
        return seen.service in self.names


def _named(value: object, known: tuple[str, ...], what: str, given: list[object] | None = None) -> list[str]:
    """Return a name, or a list of names, as a list. Raises FaultError for those that are not ``known``.

    ``given`` has the names as the user wrote them.
    """
    names = value if isinstance(value, (list, tuple)) else [value]
    if not names:
        raise FaultError(f"an empty list fits no request: expected at least one {what}")
    errors = Errors()
    for name, written in zip(names, given or names, strict=True):
        if name not in known:
            errors.add(unknown(str(written), known, what))
    errors.raise_all()
    return [str(name) for name in names]


_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "LIST", "SCAN", "OPTIONS", "CONNECT", "TRACE")


class MethodWord(Word):
    """The HTTP method, upper or lower case."""

    word, help = "method", "HTTP method: GET, POST, PUT, LIST, …"

    def __init__(self, value: object) -> None:
        names = [*value] if isinstance(value, (list, tuple)) else [value]
        self.names = frozenset(_named([str(name).upper() for name in names], _METHODS, "method", given=names))

    def __call__(self, seen: Seen) -> bool:
        return seen.method in self.names


_WRITE = "write"
_OPERATIONS = (*map(str, message.Operation), _WRITE)


class OperationWord(Word):
    """The operation, named as in policies; ``write`` is create, update or patch."""

    word, help = (
        "operation",
        "read, create, update, patch, delete, list, header; write is create, update or patch",
    )

    def __init__(self, value: object) -> None:
        names = _named(value, _OPERATIONS, "operation")
        chosen = {*map(str, message.WRITES)} if _WRITE in names else set()
        self.names = frozenset(chosen | {name for name in names if name != _WRITE})

    def __call__(self, seen: Seen) -> bool:
        return seen.operation in self.names


class PathWord(Word):
    """The path below ``/v1/`` or the admin API; a pattern that starts with ``/`` matches the raw request path."""

    word, help = (
        "path",
        "glob (* anything, + one segment) or {regex: …}; with a leading / it matches the raw request path",
    )

    def __init__(self, value: object) -> None:
        patterns = value if isinstance(value, (list, tuple)) else [value]
        if not patterns:
            raise FaultError("an empty list fits no request: expected at least one path")
        self.tests = []
        self.fixed = [str(one) for one in patterns if is_fixed(one)]
        """The patterns that fit one path alone."""
        errors = Errors()
        for place, pattern in enumerate(patterns):
            with errors.at(*([place] if patterns is value else [])):
                check_path(_given(pattern))
                self.tests.append((text_test(_below(pattern)), _on_wire(pattern)))
        errors.raise_all()

    def excludes(self, other: PathWord) -> bool:
        """Return whether all paths of this condition are fixed, and ``other`` fits none of them."""
        if len(self.fixed) < len(self.tests) or any(wire for _, wire in other.tests):
            return False
        return not any(test(path.rstrip("/")) for path in self.fixed for test, _ in other.tests)

    def __call__(self, seen: Seen) -> bool:
        return any(test(seen.target.partition("?")[0] if wire else seen.path) for test, wire in self.tests)


def _on_wire(pattern: object) -> bool:
    if isinstance(pattern, Mapping):
        return any(isinstance(inner, str) and inner.lstrip("^").startswith("/") for inner in pattern.values())
    return str(pattern).startswith("/")


def _below(pattern: object) -> object:
    """Strip the trailing slash, which clients send with a list and the matched path does not have."""
    if isinstance(pattern, str) and not pattern.startswith("/"):
        return pattern.rstrip("/")
    return pattern


class MountWord(Word):
    """The mount's path, with or without its slash."""

    word, help = "mount", "path of the mount: transit/, secret/, auth/approle/"

    def __call__(self, seen: Seen) -> bool:
        mount = seen.mount
        return self.test(mount) or self.test(mount.removesuffix("/"))


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
        return self.test(namespace) or self.test(namespace.removesuffix("/"))


class TokenWord(Word):
    """The token that the request carries."""

    word, help = "token", "token of the request (true: any, false: none)"

    def __call__(self, seen: Seen) -> bool:
        return self.test(seen.token)


class AccessorWord(Word):
    """The accessor of the request's token."""

    word, help = "accessor", "accessor of the request's token"

    def __call__(self, seen: Seen) -> bool:
        return self.test(seen.accessor)


class PolicyWord(Word):
    """Any of the policies of the request's token."""

    word, help = "policy", "any policy of the request's token"

    def __call__(self, seen: Seen) -> bool:
        return any(self.test(policy) for policy in seen.policies)


class HeaderWord(Word):
    """Request headers, each by name."""

    word, help = "header", "mapping of header names to values (true: present, false: absent)"

    def __init__(self, value: object) -> None:
        if not isinstance(value, Mapping):
            raise FaultError(f"expected a mapping of header names, got {shown(value)}")
        self.tests = [(name.lower(), test) for name, test in _named_tests(value)]

    def __call__(self, seen: Seen) -> bool:
        headers = seen.headers
        return all(test(headers.get(name)) for name, test in self.tests)


class BodyWord(Word):
    """Fields of the JSON body, each by its dotted path."""

    word, help = "body", "mapping of JSON body fields (dotted: options.cas, batch_input.0.context) to values"

    def __init__(self, value: object) -> None:
        if not isinstance(value, Mapping):
            raise FaultError(f"expected a mapping of body fields, got {shown(value)}")
        self.tests = [(name.split("."), test) for name, test in _named_tests(value)]

    def __call__(self, seen: Seen) -> bool:
        fields = seen.fields
        return all(test(dig(fields, steps)) for steps, test in self.tests)


class QueryWord(Word):
    """Parameters of the query string, each by name."""

    word, help = "query", "mapping of query parameters to values (true: present, false: absent)"

    def __init__(self, value: object) -> None:
        if not isinstance(value, Mapping):
            raise FaultError(f"expected a mapping of query parameters, got {shown(value)}")
        self.tests = _named_tests(value)

    def __call__(self, seen: Seen) -> bool:
        given = parse_qs(seen.target.partition("?")[2], keep_blank_values=True)
        return all(test(given[name][-1] if name in given else None) for name, test in self.tests)


def _named_tests(value: Mapping[object, object]) -> list[tuple[str, Test]]:
    """Return the tests of a mapping of names to patterns. Raises FaultError."""
    tests = []
    errors = Errors()
    for name, item in value.items():
        with errors.at(str(name)):
            tests.append((str(name), text_test(item)))
    errors.raise_all()
    return tests


def _is_index(step: str) -> bool:
    return re.fullmatch(r"-?\d{1,9}", step) is not None


def dig(data: object, steps: list[str]) -> object:
    """Return the value at a dotted path of a JSON value, or None."""
    for step in steps:
        if isinstance(data, Mapping):
            data = data.get(step)
        elif isinstance(data, list) and _is_index(step) and -len(data) <= int(step) < len(data):
            data = data[int(step)]
        else:
            return None
    return data
