"""Lists that can be read in pages."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.products.features import Feature

PAGE = {
    "after": Field(Kind.STRING, query=True, help="Name after which to start.", needs=Feature.PAGINATION),
    "limit": Field(Kind.INT, query=True, help="Largest number of names to return.", needs=Feature.PAGINATION),
}
"""The parameters of a list that can be read in pages."""


def page(names: list[str], after: str, limit: int) -> list[str]:
    """Return the part of sorted ``names`` after ``after`` (which need not exist), at most ``limit`` if that is > 0."""
    if after:
        names = [name for name in names if name > after]
    return names[:limit] if limit > 0 else names
