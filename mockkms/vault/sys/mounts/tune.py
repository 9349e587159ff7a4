"""``sys/mounts/…/tune`` and ``sys/auth/…/tune``: the settings of a mount that can be changed."""

from __future__ import annotations

import copy

from mockkms.vault.framework import registry
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, VaultError, refusing
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.integers import parse_int, parse_uint
from mockkms.vault.mounts.table import Mount, MountConfig
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.mounts.config import go_string, struct_members
from mockkms.vault.sys.mounts.shapes import (
    LISTS,
    TOKEN_TYPES,
    check_token_key,
    lockout_settings,
    not_in_catalog,
    optional_settings,
    own_paths,
    sanitized,
    token_type,
    visibility,
)
from mockkms.vault.sys.plugins import registered
from mockkms.vault.sys.plugins.versions import semantic_version

_UNTUNABLE = ("cubbyhole/", "sys/", "audit/", "identity/")
_LOCKABLE = ("ldap", "approle", "userpass")
_LOCKOUT_TEXTS = ("lockout_threshold", "lockout_duration", "lockout_counter_reset_duration")
_LOGGED = ("audit_non_hmac_request_keys", "audit_non_hmac_response_keys")
_ALWAYS = frozenset(("path", *_LOGGED))
_ADDED = Feature.MOUNT_ADDITIONS

_FIELDS = {
    "path": Field(Kind.STRING, help="Path of the mount."),
    "default_lease_ttl": Field(Kind.STRING, help="Default lease: a duration, or `system`."),
    "max_lease_ttl": Field(Kind.STRING, help="Largest lease: a duration, or `system`."),
    "description": Field(Kind.STRING, help="Description for users."),
    "audit_non_hmac_request_keys": Field(Kind.COMMA_STRINGS, help="Request keys that the audit log shows in clear."),
    "audit_non_hmac_response_keys": Field(Kind.COMMA_STRINGS, help="Response keys that the audit log shows in clear."),
    "options": Field(Kind.KV_PAIRS, help="Settings of the type itself; an empty value removes one."),
    "listing_visibility": Field(Kind.STRING, help="`unauth` shows the mount without a token, `hidden` does not."),
    "passthrough_request_headers": Field(Kind.COMMA_STRINGS, help="Request headers that reach the mount."),
    "allowed_response_headers": Field(Kind.COMMA_STRINGS, help="Response headers the mount may set."),
    "token_type": Field(Kind.STRING, help="Type of the tokens of an auth method."),
    "user_lockout_config": Field(Kind.MAP, help="After how many failed logins a user is locked out, and for how long."),
    "plugin_version": Field(Kind.STRING, help="Version of the plugin to run."),
    "identity_token_key": Field(
        Kind.STRING, help="Key of the identity store that signs the mount's tokens.", needs=_ADDED
    ),
    "trim_request_trailing_slashes": Field(
        Kind.BOOL, help="Remove a trailing slash from the paths of writes.", needs=_ADDED
    ),
}
_SECRET_FIELDS = {
    **_FIELDS,
    "allowed_managed_keys": Field(
        Kind.COMMA_STRINGS, help="Managed keys that the mount may use.", needs=Feature.MANAGED_KEYS
    ),
    "delegated_auth_accessors": Field(
        Kind.COMMA_STRINGS, help="Accessors of auth methods that may log in on behalf of the mount.", needs=_ADDED
    ),
}

mounted_auth = engine.path(
    "mounts/auth/{path:some}/tune",
    fields=_FIELDS,
    help="Settings of an auth method.",
    sudo=True,
    needs=Feature.AUTH_TUNE_PROTECTED,
    go_errors=True,
)
secret = engine.path("mounts/{path:some}/tune", fields=_SECRET_FIELDS, help="Settings of a mount.")
auth = engine.path(
    "auth/{path:some}/tune", fields=_FIELDS, help="Settings of an auth method.", sudo=True, go_errors=True
)


@secret.on(Operation.READ)
def read_tune(_state: object, call: Call, *, path: str) -> Response:
    """Return the settings of a secrets engine, or of an auth method by its path with ``auth/``."""
    return _shown(call, path)


@auth.on(Operation.READ)
@mounted_auth.on(Operation.READ)
def read_auth_tune(_state: object, call: Call, *, path: str) -> Response:
    """Return the settings of an auth method."""
    return _shown(call, "auth/" + path)


@secret.on(Operation.UPDATE)
def write_tune(_state: object, call: Call, *, path: str) -> Response | None:
    """Change settings of a secrets engine, or of an auth method by its path with ``auth/``."""
    return _tune(call, path, is_auth=path.startswith("auth/"))


@auth.on(Operation.UPDATE)
@mounted_auth.on(Operation.UPDATE)
def write_auth_tune(_state: object, call: Call, *, path: str) -> Response | None:
    """Change settings of an auth method."""
    return _tune(call, "auth/" + path, is_auth=True)


def _shown(call: Call, path: str) -> Response:
    path = sanitized(path)
    core = call.core
    mount = core.state.mounts.match(call.request.namespace, path)
    if mount is None or path.startswith(own_paths(core)):
        raise ErrorResponse(f"cannot fetch sysview for path {quote(path)}")
    data: dict[str, object] = {
        "default_lease_ttl": core.default_ttl(mount),
        "description": mount.description,
        "force_no_cache": mount.config.force_no_cache,
        "max_lease_ttl": core.max_ttl(mount),
        **optional_settings(mount),
    }
    if mount.external_entropy_access:
        data["external_entropy_access"] = True
    if mount.is_auth:
        data["token_type"] = token_type(mount)
    if mount.config.user_lockout:
        data.update(lockout_settings(mount))
    if mount.options:
        data["options"] = dict(mount.options)
    if mount.config.plugin_version:
        data["plugin_version"] = mount.config.plugin_version
    return Response(data=data, flat=True)


def _tune(call: Call, path: str, *, is_auth: bool) -> Response | None:
    path = sanitized(path)
    untunable = path.startswith((*_UNTUNABLE, *own_paths(call.core)))
    if untunable:
        _check_untunable(call, path)
    mount = call.core.state.mounts.match(call.request.namespace, path)
    if mount is None:
        raise ErrorResponse(f"tune of path {quote(path)} failed: no mount entry found")
    before = mount.config, mount.description
    mount.config = copy.deepcopy(mount.config)  # States may share it.
    try:
        return _changed(call, mount, tunable=not untunable, is_auth=is_auth)
    except VaultError:
        if call.core.product.has(Feature.TRANSACTIONS):
            mount.config, mount.description = before
        raise


def _changed(call: Call, mount: Mount, *, tunable: bool, is_auth: bool) -> Response | None:
    """Change one setting after the other. Raises ErrorResponse and BackendError; in Vault, earlier changes stay."""
    config = mount.config
    if tunable:
        _tune_leases(call, config)
        _tune_lockout(call, mount, config)
    if "description" in call:
        mount.description = call["description"]
    _tune_plugin(call, mount, config)
    if "identity_token_key" in call:
        config.identity_token_key = check_token_key(call.core, call.request.namespace, call["identity_token_key"])
    if "trim_request_trailing_slashes" in call:
        config.trim_request_trailing_slashes = call["trim_request_trailing_slashes"]
    for name in _LOGGED:
        if name in call:
            setattr(config, name, list(call[name]))
    if "listing_visibility" in call:
        config.listing_visibility = visibility(call["listing_visibility"])
    if "token_type" in call:
        config.token_type = _token_type(call["token_type"], mount, is_auth=is_auth)
    for name in (*LISTS, "allowed_managed_keys", "delegated_auth_accessors"):
        if name in call and name not in _LOGGED:
            setattr(config, name, list(call[name]))
    if not call.get("options"):
        return None
    return _apply_options(call, mount, _options(mount, call["options"]))


def _check_untunable(call: Call, path: str) -> None:
    """Raise ErrorResponse for a mount that cannot be tuned, or for a parameter that it does not have."""
    if call.core.product.has(Feature.UNTUNABLE_MOUNTS):
        raise ErrorResponse(f'cannot tune "{path}"')
    known = {name for name, field in call.endpoint.fields.items() if field.known_to(call.core.product)}
    refused = sorted((call.raw.keys() & known) - _ALWAYS)
    if refused:
        raise ErrorResponse(f"cannot tune parameter {refused[0]} of {path}")


def _tune_leases(call: Call, config: MountConfig) -> None:
    default = _lease(call["default_lease_ttl"], config.default_lease_ttl)
    largest = _lease(call["max_lease_ttl"], config.max_lease_ttl)
    changed = (default, largest) != (config.default_lease_ttl, config.max_lease_ttl)
    if changed and default and largest and largest < default:
        raise ErrorResponse(
            f"backend max lease TTL of {int(largest)} would be less than backend default lease TTL of {int(default)}"
        )
    config.default_lease_ttl, config.max_lease_ttl = int(default), int(largest)


def _lease(text: str, present: int) -> float:
    if text == "":
        return present
    return 0 if text == "system" else _duration(text)


def _duration(text: str) -> float:
    with refusing(of=(ValueError, OverflowError)):
        return parse_seconds(text)


def _tune_lockout(call: Call, mount: Mount, config: MountConfig) -> None:
    raw: dict[str, object] = call["user_lockout_config"]
    if not raw:
        return
    texts, disable = _lockout_members(raw)
    if mount.type.lower() not in _LOCKABLE:
        raise ErrorResponse(f"tuning of user lockout configuration for auth type {quote(mount.type)} not allowed")
    lockout = {"counter_reset": 0, "disable": False, "duration": 0, "threshold": 0, **config.user_lockout}
    config.user_lockout = lockout
    text = texts.get("lockout_threshold", "")
    if text:
        framed = call.core.product.has(Feature.THRESHOLD_FRAMED)
        with refusing("unable to parse user lockout threshold: ", BackendError if framed else ErrorResponse):
            lockout["threshold"] = parse_uint(text)
    for name, key in (("lockout_duration", "duration"), ("lockout_counter_reset_duration", "counter_reset")):
        value = texts.get(name, "")
        if value:
            lockout[key] = 0 if value == "system" else int(_duration(value))
    if disable is not None:
        lockout["disable"] = disable


def _lockout_members(raw: dict[str, object]) -> tuple[dict[str, str], bool | None]:
    """Return the texts, and the switch (None if not sent). Raises ErrorResponse for a wrong type."""
    refused = ErrorResponse("unable to convert given user lockout config information")
    texts: dict[str, str] = {}
    for name, value in struct_members(raw, _LOCKOUT_TEXTS):
        text = go_string(value)
        if text is None:
            raise refused
        texts[name] = text
    disable = dict(struct_members(raw, ("lockout_disable",))).get("lockout_disable")
    if disable is not None and not isinstance(disable, bool):
        raise refused
    return texts, disable


def _tune_plugin(call: Call, mount: Mount, config: MountConfig) -> None:
    if "plugin_version" not in call:
        return
    version = semantic_version(call.core, call["plugin_version"])
    kind = "auth" if mount.is_auth else "secret"
    known = version == call.core.product.builtin_version(mount.type)
    if not known and registered.find(call.core, kind, mount.type, version) is None:
        raise not_in_catalog(mount.type, version)
    config.plugin_version = version


def _token_type(value: str, mount: Mount, *, is_auth: bool) -> str:
    if not is_auth:
        raise ErrorResponse("'token_type' can only be modified on auth mounts")
    if mount.type in ("token", "ns_token"):
        raise ErrorResponse("'token_type' cannot be set for 'token' or 'ns_token' auth mounts")
    if value not in ("", *TOKEN_TYPES):
        raise ErrorResponse("invalid value for 'token_type'")
    return value or "default-service"


def _options(mount: Mount, given: dict[str, str]) -> dict[str, str]:
    """Return the mount's options after the change. Raises ErrorResponse for an invalid version."""
    present = mount.options or {}
    if "version" in given:
        have = _version(present.get("version", ""), "unable to parse mount entry")
        want = _version(given["version"], "unable to parse options")
        if want not in (1, 2):
            raise ErrorResponse(f"invalid version provided: {want}")
        if have > want:
            raise ErrorResponse(f"cannot downgrade mount from version {have}")
    merged = {**present, **given}
    return {name: value for name, value in merged.items() if value != "" or name == "version" or name not in given}


def _version(text: str, framing: str) -> int:
    with refusing(f"{framing}: "):
        return parse_int(text) if text else 0


def _apply_options(call: Call, mount: Mount, options: dict[str, str]) -> Response | None:
    before = _version((mount.options or {}).get("version", ""), "")
    mount.options = options
    if "version" not in call["options"] or before >= _version(options["version"], ""):
        return None
    upgrade(mount, call.now())
    call.core.state.mounts.changed()
    named = _version(options["version"], "") if call.core.product.has(Feature.UPGRADE_NAMES_VERSION) else 0
    warning = (
        f"Upgrading mount from version {before} to version {named}. This mount will be unavailable for a brief period "
        "and will resume service shortly."
    )
    return Response(warnings=[warning])


def upgrade(mount: Mount, now: float) -> None:
    """Switch a mount to the engine that its options select; the new engine takes over the state it can convert."""
    found = registry.implementation(mount.type, mount.options, "auth" if mount.is_auth else "secret")
    if found.type == mount.engine:
        return
    mount.engine = found.type
    mount.state = found.take_over(mount.state, now) if found.take_over else found.new_state()
