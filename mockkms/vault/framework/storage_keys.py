"""Names that the real server uses as keys of its storage, which refuses relative paths and bytes that are not UTF-8."""

from __future__ import annotations

from mockkms.vault.framework.message import BackendError, Request
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature

_RELATIVE = frozenset((".", ".."))


def refuse_bytes(request: Request, text: str = "key contains invalid UTF-8 characters") -> None:
    """Raise BackendError for a request that would store something at a path that is not UTF-8."""
    if request.sent_path:
        raise BackendError(text)


def is_relative(product: Product, key: str) -> bool:
    """Return whether the storage of ``product`` takes a key for a relative path."""
    if product.has(Feature.DOUBLE_DOTS_REFUSED):
        return ".." in key
    return "." in key and not _RELATIVE.isdisjoint(key.split("/"))


def refuse_relative(product: Product, key: str, what: str = "", status: int = 400) -> None:
    """Raise BackendError for a key that is a relative path. ``what``: the start of its text."""
    if is_relative(product, key):
        raise BackendError(f"{what}relative paths not supported", status=status)
