"""The ``config`` of a new mount, type-checked as strictly as Go decodes a struct."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.golang.number import Number
from mockkms.vault.kernel.mounts import MountConfig
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.mounts.shapes import LISTS, visibility

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_TEXTS = ("default_lease_ttl", "max_lease_ttl", "listing_visibility", "token_type", "plugin_version", "plugin_name")
_LOCKOUT_NUMBERS = ("lockout_threshold", "lockout_duration", "lockout_counter_reset")


_MANAGED = ("allowed_managed_keys", "delegated_auth_accessors", "identity_token_key", "trim_request_trailing_slashes")
"""Members that only some products know."""


def decoded_config(core: Context, raw: dict[str, Any], kind: str) -> dict[str, Any]:
    """Return ``config`` with its types checked as strictly as the real server does. Raises ErrorResponse.

    ``kind`` (``mount``, ``auth``) is part of the error text.
    """
    managed = _MANAGED if core.product.has(Feature.MOUNT_ADDITIONS) else ()
    split_at_commas = (*LISTS, *managed[:1])
    refused = ErrorResponse(f"unable to convert given {kind} config information")
    commas = {name: value for name, value in raw.items() if name in split_at_commas and isinstance(value, str)}
    split = {name: [part.strip() for part in text.split(",")] if text else [] for name, text in commas.items()}
    found: dict[str, Any] = {}
    names = (*LISTS, *_TEXTS, "force_no_cache", "user_lockout_config", *managed)
    for name, value in struct_members({**raw, **split}, names):
        fitting = _fitting(name, value)
        if fitting is None:
            raise refused
        found[name] = fitting
    return found


def _fitting(name: str, value: Any) -> list[str] | str | bool | None:
    """Return a member converted to its type in the struct; None for a wrong type."""
    if name in (*LISTS, *_MANAGED[:2]):
        # In a list, null decodes to the empty string.
        items = ["" if item is None else go_string(item) for item in value] if isinstance(value, list) else [None]
        texts = [item for item in items if item is not None]
        return texts if len(texts) == len(items) else None
    if name in (*_TEXTS, "identity_token_key"):
        return go_string(value)
    if name in ("force_no_cache", "trim_request_trailing_slashes"):
        return value if isinstance(value, bool) else None
    return _lockout_fits(value) or None


def _lockout_fits(value: Any) -> bool:
    """Return whether a new mount's ``user_lockout_config``, which is checked and then ignored, has the right types."""
    if not isinstance(value, dict):
        return False
    for name, member in struct_members(value, (*_LOCKOUT_NUMBERS, "disable_lockout")):
        if name == "disable_lockout":
            fits = isinstance(member, bool)
        else:
            whole = isinstance(member, int) and not isinstance(member, bool)
            fits = whole and (member >= 0 or name != "lockout_threshold")
        if not fits:
            return False
    return True


def struct_members(raw: dict[str, Any], names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Return what Go's decoder puts into a struct: by exact name, else by one in another case.

    Null is as good as missing.
    """
    folded = {name.lower(): value for name, value in sorted(raw.items(), reverse=True)}
    for name in names:
        value = raw[name] if name in raw else folded.get(name)
        if value is not None:
            yield name, value


def go_string(value: Any) -> str | None:
    """Return a string, or a number's text; None for any other value."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Number)):
        return None
    return str(value)


def lease_settings(core: Context, config: dict[str, Any]) -> tuple[int, int]:
    """Return the default and largest lease of a new mount in seconds. Raises ErrorResponse."""
    default = _lease(config.get("default_lease_ttl", ""), "default")
    largest = _lease(config.get("max_lease_ttl", ""), "max")
    if largest and default > largest:
        raise ErrorResponse("given default lease TTL greater than given max lease TTL")
    if default > core.max_lease_ttl and not largest:
        raise ErrorResponse(f"given default lease TTL greater than system max lease TTL of {core.max_lease_ttl}")
    return int(default), int(largest)


def _lease(text: str, which: str) -> float:
    if text in ("", "system"):
        return 0
    try:
        return parse_seconds(text)
    except (ValueError, OverflowError) as error:
        raise ErrorResponse(f"unable to parse {which} TTL of {text}: {error}") from None


def new_config(config: dict[str, Any], leases: tuple[int, int]) -> MountConfig:
    """Return the configuration of a new mount from the decoded ``config``."""
    return MountConfig(
        default_lease_ttl=leases[0],
        max_lease_ttl=leases[1],
        force_no_cache=config.get("force_no_cache", False),
        listing_visibility=visibility(config.get("listing_visibility", "")),
        token_type=config.get("token_type", ""),
        identity_token_key=config.get("identity_token_key", ""),
        trim_request_trailing_slashes=config.get("trim_request_trailing_slashes", False),
        **{name: config.get(name, []) for name in LISTS},
    )
