"""``list_scan_response_keys_filter_path``: which keys of a listing a token may see.

The value is a template in Go's language over ``.path`` (of the listing) and ``.key``: ``{{ .path }}{{ .key }}``. A key
stays when the token may read (for keys that end in ``/``: list) the rendered path.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from mockkms.error_context import error_context
from mockkms.world.entropy import Entropy

if TYPE_CHECKING:
    from mockkms.vault.golang.template.executing import GoTemplate

_NAME = "list_scan_response_keys_filter_path"
_KEYS = ("QxW3fJ0cR8uLmZ5tNa7Yk2DvHs9EpG1b", "dK4nV6rTg0XqBhy1Oz8MiSe5UwCj2AfP")
"""Two keys that have nothing in common: the real server compares the paths of two random ones."""


def check_filter(template: str, path: str, capabilities: Collection[str]) -> None:
    """Raise ValueError for a filter that is invalid in a rule for ``path`` with these capabilities."""
    if "list" not in capabilities:
        raise ValueError(f"{_NAME} needs to be used on a path with the list capability")
    with error_context(f"unable to compile template for {_NAME}: "):
        # What the template draws here is thrown away: the world's source is left alone.
        compiled = compile_filter(template, Entropy(), 0)
    with error_context(f"failed to validate {_NAME}: "):
        first, second = (render_filter(compiled, path, key) for key in _KEYS)
    if first == second:
        raise ValueError(f"{_NAME} resulted in same path for two different keys")


def compile_filter(template: str, entropy: Entropy, now: float) -> GoTemplate:
    """Return a filter, at the time ``now``, seconds since the epoch. Raises ValueError with the server's text."""
    from mockkms.vault.golang.template.executing import GoTemplate
    from mockkms.vault.golang.template.naming import naming_functions

    return GoTemplate(template, naming_functions(entropy, now, decoding=True))


def render_filter(template: GoTemplate, path: str, key: str) -> str:
    """Return the path to check for one key. Raises ValueError."""
    return template.generate({"key": key, "path": path})
