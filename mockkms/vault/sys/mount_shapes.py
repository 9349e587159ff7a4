"""How a mount is shown, and what ``config`` means when one is made: shared by secrets engines and auth methods."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mockkms.vault import registry
from mockkms.vault.duration import parse_seconds
from mockkms.vault.endpoint import Call, Engine, Field
from mockkms.vault.fields import Kind
from mockkms.vault.message import ErrorResponse
from mockkms.vault.mounts import Mount, MountConfig

if TYPE_CHECKING:
    from mockkms.vault.core import Core

PROTECTED = ("audit/", "auth/", "sys/", "cubbyhole/", "identity/")
"""Paths where nothing is mounted or moved by hand."""
SINGLETONS = frozenset(
    ("cubbyhole", "ns_cubbyhole", "system", "ns_system", "token", "ns_token", "identity", "ns_identity")
)
"""Types that exist once in a namespace and cannot be mounted."""
LISTS = (
    "audit_non_hmac_request_keys", "audit_non_hmac_response_keys", "passthrough_request_headers",
    "allowed_response_headers",
)  # fmt: skip
MOUNT_FIELDS = {
    "path": Field(Kind.STRING, help="Where to mount, such as `transit` or `team/kv`."),
    "type": Field(Kind.STRING, help="What to mount: `kv`, `transit`, `pki` and so on."),
    "description": Field(Kind.STRING, help="A text for people."),
    "config": Field(Kind.MAP, help="Leases, listing visibility, header and audit settings of the mount."),
    "local": Field(Kind.BOOL, help="Keep it out of replication."),
    "seal_wrap": Field(Kind.BOOL, help="Wrap critical values a second time with the seal."),
    "external_entropy_access": Field(Kind.BOOL, help="Let the engine use entropy from outside."),
    "plugin_name": Field(Kind.STRING, help="Type to mount where `type` is `plugin`.", deprecated=True),
    "plugin_version": Field(Kind.STRING, help="Version of the plugin to run."),
    "options": Field(Kind.KV_PAIRS, help="Settings of the type itself, such as `version` of `kv`."),
}
_TEXTS = ("default_lease_ttl", "max_lease_ttl", "listing_visibility", "token_type", "plugin_version", "plugin_name")
TOKEN_TYPES = ("default-service", "default-batch", "service", "batch")


def sanitized(path: str) -> str:
    """A mount path with a trailing slash and without a leading one."""
    return (path if path.endswith("/") else path + "/").removeprefix("/")


def shown_path(mount: Mount) -> str:
    """The path as the tables name it: an auth method without ``auth/``."""
    return mount.path.removeprefix("auth/") if mount.is_auth else mount.path


def mount_info(core: Core, mount: Mount) -> dict[str, Any]:
    """One entry of ``sys/mounts`` or ``sys/auth``."""
    config: dict[str, Any] = {
        "default_lease_ttl": mount.config.default_lease_ttl,
        "force_no_cache": mount.config.force_no_cache,
        "max_lease_ttl": mount.config.max_lease_ttl,
        **optional_settings(mount),
    }
    if mount.is_auth:
        config["token_type"] = token_type(mount)
    if mount.config.user_lockout:
        config["user_lockout_config"] = lockout_settings(mount)
    version = mount.config.plugin_version
    info: dict[str, Any] = {
        "accessor": mount.accessor,
        "config": config,
        "description": mount.description,
        "external_entropy_access": mount.external_entropy_access,
        "local": mount.local,
        "options": mount.options,
        "plugin_version": version,
        "running_plugin_version": version or builtin_version(core, mount.type),
        "running_sha256": "",
        "seal_wrap": mount.seal_wrap,
        "type": mount.type,
        "uuid": mount.uuid,
    }
    if mount.type not in SINGLETONS:
        info["deprecation_status"] = core.flavor.builtins.status(mount.type)
    return info


def builtin_version(core: Core, type: str = "") -> str:
    """The version of what comes with the server; one product's ``kv`` has a version of its own."""
    if type in ("kv", "kv-v1", "kv-v2", "generic") and core.flavor.kv_plugin_version:
        return core.flavor.kv_plugin_version
    return f"v{core.flavor.version}{core.flavor.builtin_suffix}"


def optional_settings(mount: Mount) -> dict[str, Any]:
    """The settings that are shown only where they are set."""
    found: dict[str, Any] = {name: list(getattr(mount.config, name)) for name in LISTS if getattr(mount.config, name)}
    if mount.config.listing_visibility:
        found["listing_visibility"] = mount.config.listing_visibility
    return found


def token_type(mount: Mount) -> str:
    """What tokens an auth method makes; a namespace's own token store says ``default``."""
    return mount.config.token_type or ("default" if mount.type == "ns_token" else "default-service")


def lockout_settings(mount: Mount) -> dict[str, Any]:
    """The user lockout of an auth method; durations in seconds."""
    lockout = mount.config.user_lockout
    return {
        "user_lockout_counter_reset_duration": lockout.get("counter_reset", 0),
        "user_lockout_disable": lockout.get("disable", False),
        "user_lockout_duration": lockout.get("duration", 0),
        "user_lockout_threshold": lockout.get("threshold", 0),
    }


def visibility(value: str) -> str:
    """Raises ErrorResponse for a listing visibility that is none."""
    if value not in ("", "hidden", "unauth"):
        raise ErrorResponse(f"invalid listing_visibility {value}")
    return value


def decoded_config(raw: dict[str, Any], kind: str) -> dict[str, Any]:
    """``config`` with its types checked as strictly as the real server does. Raises ErrorResponse.

    ``kind`` (``mount``, ``auth``) stands in the refusal.
    """
    refused = ErrorResponse(f"unable to convert given {kind} config information")
    found: dict[str, Any] = {}
    for name, value in raw.items():
        if value is None:
            continue
        if name in LISTS:
            items = [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
            if not isinstance(items, list) or any(_text(item) is None for item in items):
                raise refused
            found[name] = [_text(item) for item in items]
        elif name == "force_no_cache":
            if not isinstance(value, bool):
                raise refused
            found[name] = value
        elif name in _TEXTS:
            if _text(value) is None:
                raise refused
            found[name] = _text(value)
    return found


def _text(value: Any) -> str | None:
    """A string, or a number as its text; None for the rest."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    return str(value)


def lease_settings(core: Core, config: dict[str, Any]) -> tuple[int, int]:
    """Default and largest lease of a new mount in seconds. Raises ErrorResponse."""
    default = _lease(config.get("default_lease_ttl", ""), "default")
    largest = _lease(config.get("max_lease_ttl", ""), "max")
    if largest and default > largest:
        raise ErrorResponse("given default lease TTL greater than given max lease TTL")
    if default > core.max_lease_ttl and not largest:
        raise ErrorResponse(f"given default lease TTL greater than system max lease TTL of {core.max_lease_ttl}")
    return default, largest


def _lease(text: str, which: str) -> int:
    if text in ("", "system"):
        return 0
    try:
        return int(parse_seconds(text))
    except (ValueError, OverflowError) as error:
        raise ErrorResponse(f"unable to parse {which} TTL of {text}: {error}") from None


def new_config(config: dict[str, Any], leases: tuple[int, int]) -> MountConfig:
    """The configuration of a new mount from what was decoded."""
    return MountConfig(
        default_lease_ttl=leases[0],
        max_lease_ttl=leases[1],
        force_no_cache=config.get("force_no_cache", False),
        listing_visibility=visibility(config.get("listing_visibility", "")),
        token_type=config.get("token_type", ""),
        **{name: config.get(name, []) for name in LISTS},
    )


def plugin_type(type: str, config: dict[str, Any], plugin_name: str) -> str:
    """The type to mount: ``plugin`` names its own. Raises ErrorResponse for none."""
    if type == "":
        raise ErrorResponse("backend type must be specified as a string")
    if type != "plugin":
        return type
    name: str = config.get("plugin_name") or plugin_name
    if not name:
        raise ErrorResponse("plugin_name must be provided for plugin backend")
    return name


def plugin_version(core: Core, version: str, type: str, kind: str) -> str:
    """The pinned version of a new mount. Raises ErrorResponse for one that is no version or not there.

    ``kind`` is ``secrets`` or ``auth``.
    """
    if not version:
        return ""
    semantic = semantic_version(version)
    if semantic == builtin_version(core, type):
        return ""
    raise ErrorResponse(f"cannot select non-builtin version of {kind} plugin {type}")


def semantic_version(text: str) -> str:
    """``v1.2.3`` of a semantic version. Raises ErrorResponse."""
    match = re.fullmatch(
        r"v?(0|[1-9]\d*)(\.(?:0|[1-9]\d*))?(\.(?:0|[1-9]\d*))?(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?", text, re.ASCII
    )
    if match is None:
        raise ErrorResponse(f'version "{text}" is not a valid semantic version: invalid semantic version')
    major, minor, patch, pre, meta = match.groups()
    return f"v{major}{minor or '.0'}{patch or '.0'}{pre or ''}{meta or ''}"


def check_conflict(call: Call, path: str) -> None:
    """Raises ErrorResponse where ``path`` (an auth method's with ``auth/``) is at, above or below another mount."""
    namespace = call.request.namespace
    mounts = call.core.state.mounts
    auth = path.startswith("auth/")
    for mount in mounts.of(namespace, auth=auth):
        if mount.path.startswith(path) or path.startswith(mount.path):
            shown = mount.path.removeprefix("auth/") if auth else mount.path
            raise ErrorResponse(f"path is already in use at {shown}")
    whole = namespace + path
    below = next((place for place in sorted(mounts.entries) if place.startswith(whole)), "")
    if below:
        raise ErrorResponse(f"existing mount at {below}")


def implementation(core: Core, kind: str, type: str, options: dict[str, str] | None) -> Engine | None:
    """The engine of a type that this product can mount as ``kind`` (``secret``, ``auth``), None for another."""
    if core.flavor.builtins.lacks(kind, type):
        return None
    try:
        found = registry.implementation(type, options, kind)
    except KeyError:
        return None
    return found if found.kind == kind else None
