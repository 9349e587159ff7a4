"""The products that can be emulated, one file each: what a product has and its texts.

Code asks a product for a feature or a text, never for its name. A product is described by its differences from another
one; ``CONTRIBUTING.md`` shows how to add the next version.
"""

from __future__ import annotations

from difflib import get_close_matches

from mockkms.vault.products.features import Feature
from mockkms.vault.products.openbao import OPENBAO
from mockkms.vault.products.product import Product, ProductTexts
from mockkms.vault.products.vault import VAULT
from mockkms.vault.products.vault_1_21 import VAULT_1_21

PRODUCTS: dict[str, Product] = {product.name: product for product in (VAULT, VAULT_1_21, OPENBAO)}
"""By the name that ``flavor`` takes; the first one is the default."""

DEFAULT = VAULT.name


class UnknownProductError(ValueError):
    """No product has this name; the message names the nearest one."""


def product_named(name: str) -> Product:
    """Return the product called ``name``. Raises UnknownProductError."""
    try:
        return PRODUCTS[name]
    except (KeyError, TypeError):
        raise UnknownProductError(unknown_product(name)) from None


def unknown_product(name: object) -> str:
    """Return the message for a flavor that does not exist, with the nearest name where there is one."""
    close = get_close_matches(str(name), PRODUCTS, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"known flavors: {', '.join(PRODUCTS)}"
    return f"unknown flavor {name!r}; {hint}"


__all__ = [
    "DEFAULT",
    "OPENBAO",
    "PRODUCTS",
    "VAULT",
    "VAULT_1_21",
    "Feature",
    "Product",
    "ProductTexts",
    "UnknownProductError",
    "product_named",
    "unknown_product",
]
