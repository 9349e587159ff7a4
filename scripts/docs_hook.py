"""A hook of MkDocs: links from pages to files outside ``docs/`` become plain text, since a site does not have them."""

from __future__ import annotations

import re
from typing import Any

_OUTSIDE = re.compile(r"\[([^\]]+)\]\((\.\./[^)]+)\)")


def on_page_markdown(markdown: str, page: Any, **_: object) -> str:
    """Return the page's text with such links removed."""
    depth = page.file.src_uri.count("/")

    def text(link: re.Match[str]) -> str:
        above = len(re.match(r"(\.\./)*", link[2])[0]) // 3  # type: ignore[index]
        return link[1] if above > depth else link[0]

    return _OUTSIDE.sub(text, markdown)
