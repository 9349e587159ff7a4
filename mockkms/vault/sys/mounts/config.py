"""The ``config`` of a new mount, type-checked as strictly as Go decodes a struct."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.message import ErrorResponse, refusing
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.golang.number import Number
from mockkms.vault.mounts.table import MountConfig
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.mounts.shapes import LISTS, MANAGED_LISTS, visibility

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context, Environment

_TEXTS = (
    "default_lease_ttl", "max_lease_ttl", "listing_visibility", "token_type", "plugin_version", "plugin_name",
    "identity_token_key",
)  # fmt: skip
_SWITCHES = ("force_no_cache", "trim_request_trailing_slashes")
_LOCKOUT = "user_lockout_config"
_LOCKOUT_NUMBERS = ("lockout_threshold", "lockout_duration", "lockout_counter_reset")
_ADDED = frozenset((*MANAGED_LISTS, "identity_token_key", "trim_request_trailing_slashes"))
"""Members that only some products know."""


@dataclass
class NewMountConfig:
    """The members of ``config`` as sent; lease limits are texts such as ``1h`` or ``system``."""

    default_lease_ttl: str = ""
    max_lease_ttl: str = ""
    listing_visibility: str = ""
    token_type: str = ""
    plugin_version: str = ""
    plugin_name: str = ""
    identity_token_key: str = ""
    force_no_cache: bool = False
    trim_request_trailing_slashes: bool = False
    audit_non_hmac_request_keys: list[str] = field(default_factory=list)
    audit_non_hmac_response_keys: list[str] = field(default_factory=list)
    passthrough_request_headers: list[str] = field(default_factory=list)
    allowed_response_headers: list[str] = field(default_factory=list)
    allowed_managed_keys: list[str] = field(default_factory=list)
    delegated_auth_accessors: list[str] = field(default_factory=list)


def decoded_config(core: Environment, raw: Mapping[str, object], kind: str) -> NewMountConfig:
    """Return ``config`` with its types checked as strictly as the real server does. Raises ErrorResponse.

    ``kind`` (``mount``, ``auth``) is part of the error text.
    """
    added = core.product.has(Feature.MOUNT_ADDITIONS)
    split_at_commas = (*LISTS, "allowed_managed_keys") if added else LISTS
    given = {name: _split(value) if name in split_at_commas else value for name, value in raw.items()}
    names = (*LISTS, *_TEXTS, *_SWITCHES, _LOCKOUT, *MANAGED_LISTS)
    config = NewMountConfig()
    for name, value in struct_members(given, (name for name in names if added or name not in _ADDED)):
        fitting = _fitting(name, value)
        if fitting is None:
            raise ErrorResponse(f"unable to convert given {kind} config information")
        if name != _LOCKOUT:
            setattr(config, name, fitting)
    return config


def _split(value: object) -> object:
    """Return a text's parts between commas; any other value unchanged."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",")] if value else []


def _fitting(name: str, value: object) -> list[str] | str | bool | None:
    """Return a member converted to its type in the struct; None for a wrong type."""
    if name in (*LISTS, *MANAGED_LISTS):
        # In a list, null decodes to the empty string.
        items = ["" if item is None else go_string(item) for item in value] if isinstance(value, list) else [None]
        texts = [item for item in items if item is not None]
        return texts if len(texts) == len(items) else None
    if name in _TEXTS:
        return go_string(value)
    if name in _SWITCHES:
        return value if isinstance(value, bool) else None
    return _lockout_fits(value) or None


def _lockout_fits(value: object) -> bool:
    """Return whether a new mount's ``user_lockout_config``, which is checked and then ignored, has the right types."""
    if not isinstance(value, dict):
        return False
    for name, member in struct_members(value, (*_LOCKOUT_NUMBERS, "disable_lockout")):
        if name == "disable_lockout":
            fits = isinstance(member, bool)
        else:
            fits = (
                isinstance(member, int)
                and not isinstance(member, bool)
                and (member >= 0 or name != "lockout_threshold")
            )
        if not fits:
            return False
    return True


def struct_members(raw: Mapping[str, object], names: Iterable[str]) -> Iterator[tuple[str, object]]:
    """Return what Go's decoder puts into a struct: by exact name, else by one in another case.

    Null counts as missing.
    """
    folded = {name.lower(): value for name, value in sorted(raw.items(), reverse=True)}
    for name in names:
        value = raw[name] if name in raw else folded.get(name)
        if value is not None:
            yield name, value


def go_string(value: object) -> str | None:
    """Return a string, or a number's text; None for any other value."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float, Number)):
        return None
    return str(value)


def lease_settings(core: Context, config: NewMountConfig) -> tuple[int, int]:
    """Return the default and largest lease of a new mount in seconds. Raises ErrorResponse."""
    default = _lease(config.default_lease_ttl, "default")
    largest = _lease(config.max_lease_ttl, "max")
    if largest and default > largest:
        raise ErrorResponse("given default lease TTL greater than given max lease TTL")
    if default > core.max_lease_ttl and not largest:
        raise ErrorResponse(f"given default lease TTL greater than system max lease TTL of {core.max_lease_ttl}")
    return int(default), int(largest)


def _lease(text: str, which: str) -> float:
    if text in ("", "system"):
        return 0
    with refusing(f"unable to parse {which} TTL of {text}: ", of=(ValueError, OverflowError)):
        return parse_seconds(text)


def new_config(config: NewMountConfig, leases: tuple[int, int], version: str) -> MountConfig:
    """Return the configuration of a new mount; ``leases`` are its limits in seconds, ``version`` its plugin's."""
    return MountConfig(
        default_lease_ttl=leases[0],
        max_lease_ttl=leases[1],
        force_no_cache=config.force_no_cache,
        listing_visibility=visibility(config.listing_visibility),
        token_type=config.token_type,
        identity_token_key=config.identity_token_key,
        trim_request_trailing_slashes=config.trim_request_trailing_slashes,
        audit_non_hmac_request_keys=config.audit_non_hmac_request_keys,
        audit_non_hmac_response_keys=config.audit_non_hmac_response_keys,
        passthrough_request_headers=config.passthrough_request_headers,
        allowed_response_headers=config.allowed_response_headers,
        plugin_version=version,
    )
