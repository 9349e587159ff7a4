"""Normalising, comparing and matching lists of policy names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mockkms.vault.framework.message import BackendError
from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy.globs import matches
from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from mockkms.vault.products import Product


def sanitize(names: Iterable[str], *, add_default: bool = False) -> list[str]:
    """Return the names in lower case, trimmed, sorted, without duplicates; ``root`` replaces all others.

    ``add_default`` adds ``default``, except to ``root``.
    """
    clean = distinct(names)
    if "root" in clean:
        return ["root"]
    return sorted({*clean, "default"}) if add_default else clean


def distinct(names: Iterable[str]) -> list[str]:
    """Return the names trimmed, in lower case, sorted and without duplicates."""
    return sorted({name.strip().lower() for name in names if name.strip()})


def equivalent(product: Product, mine: Iterable[str] | None, others: Sequence[str]) -> bool:
    """Return whether two lists name the same policies, ignoring ``default``.

    None, policies that were never set, are equivalent to none or, in a product that compares names exactly, to
    ``default`` alone: there a login without any policy is not renewed.
    """
    if product.has(Feature.POLICIES_COMPARED_LOWER):
        return _lower(mine or ()) == _lower(others)
    if mine is None:
        return list(others) == ["default"]
    return set(mine) - {"default"} == set(others) - {"default"}


def _lower(names: Iterable[str]) -> set[str]:
    return {name.lower() for name in names} - {"default"}


def check_unchanged(product: Product, configured: Iterable[str] | None, of_login: Sequence[str]) -> None:
    """Raise BackendError, which refuses a renewal, unless the policies of a login are still those configured."""
    if not equivalent(product, configured, of_login):
        raise BackendError("policies have changed, not renewing")


def appended(configured: list[str] | None, more: Sequence[str]) -> list[str] | None:
    """Return configured policies and those of a user; None if there are none of either, and none were ever set."""
    return [*(configured or ()), *more] if more else configured


def matches_glob(globs: Iterable[str], name: str) -> bool:
    """Return whether one of the globs (``*`` is the only wildcard) matches the name."""
    return any(matches(glob, name) for glob in globs)


def quoted(names: Iterable[str]) -> str:
    """Return the list as Go prints it with ``%q``: ``["a" "b"]``."""
    return "[" + " ".join(map(quote, names)) + "]"
