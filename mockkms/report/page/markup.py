"""HTML as Python calls: text is escaped, and only what these functions made is not."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Iterable


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


_VOID = ("meta", "br", "hr", "input")
"""Elements without content."""


def tag(name: str, /, *content: object, **attributes: object) -> Markup:
    """Return an element: ``tag("a", "text", href="#top", class_="link")``.

    Content that is not Markup is escaped; None is left out. Of attributes, underscores become hyphens (a trailing one
    is dropped), True is an attribute without a value, and None and False leave it out.
    """
    words = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        key = key.rstrip("_").replace("_", "-")
        words.append(key if value is True else f'{key}="{html.escape(str(value), quote=True)}"')
    start = f"<{' '.join(words)}>"
    return Markup(start if name in _VOID else f"{start}{joined(content)}</{name}>")


def joined(content: Iterable[object]) -> Markup:
    """Return content in sequence; what is not Markup is escaped, None is left out."""
    present = (one for one in content if one is not None)
    return Markup("".join(one if isinstance(one, Markup) else html.escape(str(one), quote=False) for one in present))


def verbatim(name: str, text: str) -> Markup:
    """Return a ``style`` or ``script`` element. Raises ValueError if the text would end it."""
    if "</" in text:
        raise ValueError(f"a {name} element cannot contain '</'")
    return Markup(f"<{name}>{text}</{name}>")


def source(text: str) -> str:
    """Return the source expression of a Content-Security-Policy that allows exactly this inline text."""
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
