"""The products that a server can be: what ``flavor`` takes everywhere."""

from __future__ import annotations

from mockkms.vault.products import DEFAULT, PRODUCTS, unknown_product

FLAVORS: tuple[str, ...] = tuple(PRODUCTS)
"""Their names; the first one is the default."""

DEFAULT_FLAVOR = DEFAULT


def wrong_flavor(name: object) -> str:
    """Return what is wrong with ``name`` as a flavor, with the nearest name that is one; nothing where it is one."""
    return "" if isinstance(name, str) and name in FLAVORS else unknown_product(name)
