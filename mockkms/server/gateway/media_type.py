"""A ``Content-Type`` as Go's ``mime.ParseMediaType`` reads it."""

from __future__ import annotations

import re

_TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]"
_TYPE = re.compile(rf"({_TOKEN}*)(?:(/)({_TOKEN}*))?")
_PARAMETER = re.compile(rf'\s*;\s*({_TOKEN}+)\s*=\s*({_TOKEN}+|"((?:[^"\\\r\n]|\\.)*)")')


def parse_media_type(text: str) -> str:
    """Return the type without its parameters, in lower case. Raises ValueError with Go's text."""
    base = text.partition(";")[0]
    media = base.strip().lower()
    kind, slash, subtype, rest = _parts(media)
    if not kind:
        raise ValueError("mime: no media type")
    if not slash and rest:
        raise ValueError("mime: expected slash after first token")
    if slash and not subtype:
        raise ValueError("mime: expected token after slash")
    if rest:
        raise ValueError("mime: unexpected content after media subtype")
    _check_parameters(text[len(base) :])
    return media


def _parts(media: str) -> tuple[str, str, str, str]:
    match = _TYPE.match(media)
    kind, slash, subtype = match.groups("") if match else ("", "", "")
    return kind, slash, subtype, media[match.end() :] if match else media


def _check_parameters(rest: str) -> None:
    given: dict[str, str] = {}
    while rest.strip():
        match = _PARAMETER.match(rest)
        if match is None:
            if rest.strip() == ";":
                return
            raise ValueError("mime: invalid media parameter")
        name, value = match.group(1).lower(), match.group(2) if match.group(3) is None else match.group(3)
        if given.setdefault(name, value) != value:
            raise ValueError("mime: duplicate parameter name")
        rest = rest[match.end() :]
