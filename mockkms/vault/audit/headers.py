"""Request headers that are written to the audit log."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment

_USUAL = ("correlation-id", "user-agent", "x-correlation-id")
"""Headers that are logged by default, if the product logs any."""


def audited_headers(core: Environment) -> dict[str, bool]:
    """Return the logged headers in lower case, and whether their values are hashed. The dict may be changed."""
    found: dict[str, bool] | None = core.state.system.get("audited_headers")
    if found is None:
        kept = _USUAL if core.product.has(Feature.AUDITS_CORRELATION) else ()
        found = core.state.system["audited_headers"] = dict.fromkeys(kept, False)
    return found
