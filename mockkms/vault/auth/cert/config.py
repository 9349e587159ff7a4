"""``config``: settings of a cert mount."""

from __future__ import annotations

from typing import Any

from mockkms.vault.auth.cert.model import Cert, engine
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.products.features import Feature

MAX_CACHE = 100_000

config = engine.path(
    "config",
    fields={
        "disable_binding": Field(Kind.BOOL, help="A renewal may show another certificate than the login."),
        "enable_identity_alias_metadata": Field(Kind.BOOL, help="Certificate data becomes alias metadata."),
        "ocsp_cache_size": Field(Kind.INT, default=100, help="How many OCSP answers are kept."),
        "role_cache_size": Field(
            Kind.INT, default=200, help="How many roles are kept parsed; -1 is none.", needs=Feature.CERT_CACHES
        ),
        "enable_metadata_on_failures": Field(
            Kind.BOOL, help="Failed logins have metadata in the audit log.", needs=Feature.CERT_CACHES
        ),
    },
    help="Settings of the mount.",
)


@config.on(Operation.READ)
def read(state: Cert, call: Call) -> dict[str, Any]:
    """The settings, those never set too."""
    product = call.core.product
    return {name: value for name, value in vars(state.config).items() if config.fields[name].known_to(product)}


@config.on(Operation.UPDATE)
def write(state: Cert, call: Call) -> None:
    """Change what was sent. Raises ErrorResponse."""
    if "ocsp_cache_size" in call and not 2 <= call["ocsp_cache_size"] <= MAX_CACHE:
        which = "ocsp cache" if call.core.product.has(Feature.CERT_CACHES) else "cache"
        raise ErrorResponse(f"invalid {which} size, must be >= 2 and <= {MAX_CACHE}")
    if "role_cache_size" in call and not -1 <= call["role_cache_size"] <= MAX_CACHE:
        raise ErrorResponse(f"invalid role cache size, must be <= {MAX_CACHE} or -1 to disable role caching")
    for name in config.fields:
        if name in call:
            setattr(state.config, name, call[name])
