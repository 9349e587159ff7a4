"""The bounds on one call for random bytes, which transit and the tools of ``sys`` share."""

from __future__ import annotations

from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature


def check_size(product: Product, size: int) -> None:
    """Raise ErrorResponse for fewer random bytes than one, or more than ``product`` gives out at once."""
    mark = '"' if product.has(Feature.TRANSIT_REWORDED) else "'"
    if size < 1:
        raise ErrorResponse(f"{mark}bytes{mark} cannot be less than 1")
    if size > product.most_random_bytes:
        raise ErrorResponse(f"{mark}bytes{mark} should be less than {product.most_random_bytes}")
