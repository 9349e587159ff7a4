"""The ``--flavor`` option of every command that starts or describes a server."""

from __future__ import annotations

import argparse

from mockkms.vault.products import PRODUCTS, unknown_product

DESCRIPTION = ", ".join(f"{p.name} ({p.texts.product} {p.version})" for p in PRODUCTS.values())
"""Every flavor with its product and version."""


def flavor(text: str) -> str:
    """Return ``text`` if it names a flavor. Raises argparse.ArgumentTypeError, which names the nearest flavor."""
    if text not in PRODUCTS:
        raise argparse.ArgumentTypeError(unknown_product(text))
    return text
