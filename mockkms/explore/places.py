"""Places: requests by operation and template of their path, and the match of a rule that selects them.

The template is that of the endpoint with its mount, such as ``transit/encrypt/{name}``. Names in paths often differ
from run to run, so a rule selects by a glob of the template, ``transit/encrypt/+``, and by counting.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from mockkms.world.journal.entry import Entry

_WRITES = frozenset(("create", "update", "patch"))
_SPECIAL = re.compile(r"[*+?\[\]]")
_MOST_OPTIONS = 6


@dataclass(frozen=True)
class Place:
    """Where requests go: equal for requests that the same rule selects."""

    service: str
    operation: str
    """As in the match of a rule; ``write`` for create, update and patch."""
    path: str
    """Template for people."""
    glob: str
    """The path in a match."""
    namespace: str = ""
    """The namespace of the header; ``""`` if the path itself names it."""
    server: int = 0

    def match(self) -> dict[str, object]:
        """Return the keys of a match that select requests to this place."""
        found: dict[str, object] = {"path": {"exact": self.glob} if self.exact else self.glob}
        if self.service != "vault":
            found["service"] = self.service
        found["operation"] = self.operation
        if self.namespace:
            found["namespace"] = self.namespace
        return found

    @property
    def exact(self) -> bool:
        """Whether the path is a literal with characters that are special in globs."""
        return self.glob == self.path and _SPECIAL.search(self.glob) is not None

    def __str__(self) -> str:
        server = f"server {self.server}: " if self.server else ""
        return f"{server}{self.operation} {self.path}"


def place_of(entry: Entry, server: int = 0) -> Place:
    """Return the place of a request."""
    operation = "write" if entry.operation in _WRITES else entry.operation
    path, namespace = entry.shown_path, entry.namespace
    inside = namespace if namespace and path.startswith(namespace) else ""
    mount = entry.mount
    template, glob = path, path
    if entry.trace.endpoint and path.startswith(f"{inside}{mount}"[:-1]):
        below = path[len(inside) + len(mount) :]
        shown, pattern = _fitted(entry.trace.endpoint, below)
        template, glob = inside + mount + shown, inside + mount + pattern
    # The path of a match has no slash at its end, and a list need not name its own.
    return Place(entry.service, operation, template.rstrip("/"), glob.rstrip("/"), "" if inside else namespace, server)


@lru_cache(maxsize=1024)
def _fitted(template: str, below: str) -> tuple[str, str]:
    """Return the template that fits a path below its mount, for people and as a glob; the path itself if none does."""
    for parts in _expansions(template):
        expression = "".join(
            re.escape(text) if kind == "literal" else f"(?P<p{place}>{_expression(text)})"
            for place, (kind, text) in enumerate(parts)
        )
        found = re.fullmatch(expression, below, re.DOTALL)
        if found is not None:
            return _written(parts, found)
    return below, below


def _expression(parameter: str) -> str:
    """Return a regular expression for the texts of a parameter, as far as it takes to choose among expansions."""
    form = parameter.partition(":")[2]
    return ".*" if form in ("all", "some") or form.startswith("re(") else "[^/]+"


def _written(parts: list[tuple[str, str]], found: re.Match[str]) -> tuple[str, str]:
    """Return the template of one expansion, for people and as a glob.

    A parameter with a fixed set of texts, ``{list:re(crl|delta-crl)}``, selects an endpoint and is written as sent.
    """
    shown = pattern = ""
    for place, (kind, text) in enumerate(parts):
        name, _, form = text.partition(":")
        if kind == "literal" or "|" in form:
            same = text if kind == "literal" else found[f"p{place}"]
            shown, pattern = shown + same, pattern + same
            continue
        after = parts[place + 1][1] if place + 1 < len(parts) else "/"
        segment = not form.startswith(("all", "some", "re(")) and after.startswith("/") and pattern[-1:] in ("", "/")
        shown, pattern = f"{shown}{{{name}}}", pattern + ("+" if segment else "*")
    return shown, pattern


def _expansions(template: str) -> Iterator[list[tuple[str, str]]]:
    """Yield the template as literals and parameters, with each choice of its optional parts, the longest first."""
    tokens = list(_tokens(template))
    options = [place for place, (kind, _) in enumerate(tokens) if kind == "option"][:_MOST_OPTIONS]
    for chosen in itertools.product((True, False), repeat=len(options)):
        use = dict(zip(options, chosen, strict=True))
        parts: list[tuple[str, str]] = []
        for place, (kind, text) in enumerate(tokens):
            if kind != "option":
                parts.append((kind, text))
            elif use.get(place):
                parts += _tokens(text)
        yield parts


def _tokens(template: str) -> Iterator[tuple[str, str]]:
    """Yield ``literal``, ``parameter`` and ``option`` (the text within square brackets) of a template."""
    literal, place = "", 0
    closing = {"{": "}", "[": "]"}
    while place < len(template):
        opening = template[place]
        if opening not in closing:
            literal, place = literal + opening, place + 1
            continue
        end = _end(template, place, opening, closing[opening])
        if literal:
            yield "literal", literal
        literal = ""
        yield ("parameter" if opening == "{" else "option"), template[place + 1 : end]
        place = end + 1
    if literal:
        yield "literal", literal


def _end(template: str, start: int, opening: str, closing: str) -> int:
    """Return where the bracket at ``start`` closes. Brackets within the expression of a parameter are skipped."""
    depth, place = 0, start
    while place < len(template):
        if template[place] == "\\":
            place += 1
        elif template[place] == opening:
            depth += 1
        elif template[place] == closing:
            depth -= 1
            if depth == 0:
                return place
        place += 1
    return len(template)
