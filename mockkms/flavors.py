"""The products that can be emulated: the values of ``flavor``."""

from __future__ import annotations

from mockkms.vault.products import PRODUCTS, product_named, unknown_product

FLAVORS: tuple[str, ...] = tuple(PRODUCTS)
"""Names of the products; the first one is the default."""


def known_flavor(name: str | None) -> str | None:
    """Return the name of a product as it is listed; None for None. Raises ValueError with the closest one."""
    return name if name is None else product_named(name).name


def wrong_flavor(name: object) -> str:
    """Return an error message that suggests the closest flavor, or an empty string if ``name`` is a flavor."""
    return "" if isinstance(name, str) and name in FLAVORS else unknown_product(name)
