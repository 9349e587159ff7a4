"""``config``: settings of a cert mount."""

from __future__ import annotations

from mockkms.vault.auth.cert.model import Cert, CertConfig, engine
from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.products.features import Feature

MAX_CACHE = 100_000

config = engine.path("config", CertConfig.fields, help="Settings of the mount.")


@config.on(Operation.READ)
def read(state: Cert, call: Call) -> Reply:
    """Return the settings, those never set too."""
    return state.config.shown(call.core.product)


@config.on(Operation.UPDATE)
def write(state: Cert, call: Call, *, ocsp_cache_size: int, role_cache_size: int) -> None:
    """Change what was sent. Raises ErrorResponse."""
    if "ocsp_cache_size" in call and not 2 <= ocsp_cache_size <= MAX_CACHE:
        which = "ocsp cache" if call.core.product.has(Feature.CERT_CACHES) else "cache"
        raise ErrorResponse(f"invalid {which} size, must be >= 2 and <= {MAX_CACHE}")
    if "role_cache_size" in call and not -1 <= role_cache_size <= MAX_CACHE:
        raise ErrorResponse(f"invalid role cache size, must be <= {MAX_CACHE} or -1 to disable role caching")
    state.config.update_from(call)
