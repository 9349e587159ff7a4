"""``list_scan_response_keys_filter_path``: which keys of a listing a token may see.

The value is a small text template over ``.path`` (of the listing) and ``.key``: ``{{ .path }}{{ .key }}``. A key stays
when the token may read (for keys that end in ``/``: list) the rendered path. Templates may use ``.path``, ``.key``,
quoted texts and the functions below, alone or in a pipeline.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Collection

from mockkms.error_context import error_context

_TRIM_BEFORE = re.compile(r"-\s")
_TRIM_AFTER = re.compile(r"\s-")
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|`([^`]*)`|(\|)|([^\s|]+)')

_FUNCTIONS: dict[str, tuple[int, Callable[..., str]]] = {
    "lowercase": (1, str.lower),
    "uppercase": (1, str.upper),
    "replace": (3, lambda old, new, text: text.replace(old, new)),
    "truncate": (2, lambda size, text: text[: int(size)]),
    "sha256": (1, lambda text: hashlib.sha256(text.encode()).hexdigest()),
    "base64": (1, lambda text: base64.b64encode(text.encode()).decode()),
    "hex": (1, lambda text: text.encode().hex()),
}


def check_filter(template: str, path: str, capabilities: Collection[str]) -> None:
    """Raise ValueError for a filter that is invalid in a rule for ``path`` with these capabilities."""
    if "list" not in capabilities:
        raise ValueError("list_scan_response_keys_filter_path needs to be used on a path with the list capability")
    with error_context("unable to compile template for list_scan_response_keys_filter_path: "):
        first, second = (render_filter(template, path, key) for key in ("one-key", "other-key"))
    if first == second:
        raise ValueError("list_scan_response_keys_filter_path resulted in same path for two different keys")


def render_filter(template: str, path: str, key: str) -> str:
    """Return the path to check for one key. Raises ValueError for an unsupported template."""
    first, *pieces = template.split("{{")
    out = [first]
    for piece in pieces:
        action, closing, after = piece.partition("}}")
        if not closing:
            raise ValueError("unable to parse template: template: template:1: unclosed action")
        if _TRIM_BEFORE.match(action):
            out[-1] = out[-1].rstrip()
            action = action[2:]
        trim = _TRIM_AFTER.fullmatch(action[-2:]) is not None
        out.append(_evaluate(action[:-2] if trim else action, path, key))
        out.append(after.lstrip() if trim else after)
    return "".join(out)


def _evaluate(action: str, path: str, key: str) -> str:
    stages: list[list[str]] = [[]]
    for quoted, raw, pipe, word in _WORD.findall(action):
        if pipe:
            stages.append([])
        elif word:
            stages[-1].append(word)
        else:
            stages[-1].append('"' + (raw or quoted))
    piped: list[str] = []
    for stage in stages:
        piped = [_stage(stage, piped, path, key)]
    return piped[0]


def _stage(words: list[str], piped: list[str], path: str, key: str) -> str:
    if not words:
        raise ValueError("unable to parse template: template: template:1: missing value for command")
    head, *rest = words
    values = [_operand(word, path, key) for word in rest] + piped
    if head in _FUNCTIONS:
        count, function = _FUNCTIONS[head]
        if len(values) != count:
            raise ValueError(f"wrong number of args for {head}: want {count} got {len(values)}")
        return function(*values)
    if values:
        raise ValueError(f'unable to parse template: template: template:1: function "{head}" not defined')
    return _operand(head, path, key)


def _operand(word: str, path: str, key: str) -> str:
    if word == ".path":
        return path
    if word == ".key":
        return key
    if word.startswith('"'):
        return word[1:]
    if word.startswith("."):
        return "<no value>"
    if re.fullmatch(r"-?\d+", word):
        return word
    raise ValueError(f'unable to parse template: template: template:1: function "{word}" not defined')
