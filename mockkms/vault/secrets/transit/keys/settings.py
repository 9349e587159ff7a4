"""``cache-config`` and ``config/keys``: settings of the whole mount."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.secrets.transit import engine
from mockkms.vault.secrets.transit.model import Transit

_SMALLEST_CACHE = 10

cache = engine.path(
    "cache-config",
    {"size": Field(Kind.INT, default=0, help="Number of keys to cache; 0 means unlimited.")},
    help="Size of the key cache; kept and returned, without effect.",
)
config = engine.path(
    "config/keys",
    {"disable_upsert": Field(Kind.BOOL, help="Do not create missing keys in encrypt requests.")},
    help="Settings for all keys.",
)


@cache.on(Operation.READ)
def read_cache(state: Transit, call: Call) -> Reply:
    """Return the size."""
    return {"size": state.cache_size}


@cache.on(Operation.UPDATE)
def write_cache(state: Transit, call: Call, *, size: int) -> Reply:
    """Set the size."""
    if size != 0 and size < _SMALLEST_CACHE:
        raise ErrorResponse(f"size must be 0 or a value greater or equal to {_SMALLEST_CACHE}")
    state.cache_size = size
    return {"size": size}


@config.on(Operation.READ)
def read_config(state: Transit, call: Call) -> Reply:
    """Return the settings."""
    return {"disable_upsert": state.disable_upsert}


@config.on(Operation.UPDATE)
def write_config(state: Transit, call: Call, *, disable_upsert: bool) -> Reply:
    """Set the configuration; parameters that were not sent get their defaults."""
    state.disable_upsert = disable_upsert
    return {"disable_upsert": state.disable_upsert}
