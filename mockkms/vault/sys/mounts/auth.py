"""``sys/auth``: list, read, enable and disable auth methods."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.kernel import mounting
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.mounts.config import decoded_config, lease_settings, new_config
from mockkms.vault.sys.mounts.shapes import (
    MOUNT_FIELDS,
    TOKEN_TYPES,
    answering,
    check_conflict,
    check_token_key,
    deprecation_warnings,
    implementation,
    mount_info,
    not_in_catalog,
    plugin_type,
    plugin_version,
    sanitized,
    shown_path,
    visibility,
)

table = engine.path("auth", help="All enabled auth methods.")
one = engine.path("auth/{path:some}", fields=MOUNT_FIELDS, help="Enable, show or disable an auth method.", sudo=True)


@table.on(Operation.READ)
def list_auth(_state: object, call: Call) -> Response:
    """Return every auth method of the namespace by its path without ``auth/``."""
    mounts = call.core.state.mounts.of(call.request.namespace, auth=True)
    return Response(data={shown_path(mount): mount_info(call.core, mount) for mount in mounts}, flat=True)


@one.on(Operation.READ)
def read_auth(_state: object, call: Call) -> Response:
    """Return one auth method by its exact path."""
    path = sanitized(call["path"])
    mount = call.core.state.mounts.get(call.request.namespace, "auth/" + path)
    if mount is None:
        raise ErrorResponse(f"No auth engine at {path}")
    return Response(data=mount_info(call.core, mount), flat=True)


@one.on(Operation.UPDATE)
def enable_auth(
    _state: object,
    call: Call,
    *,
    plugin_name: str,
    description: str,
    local: bool,
    seal_wrap: bool,
    external_entropy_access: bool,
) -> Reply:
    """Enable an auth method."""
    core = call.core
    config = decoded_config(core, call["config"], "auth")
    leases = lease_settings(core, config)
    if config.token_type not in ("", *TOKEN_TYPES):
        raise ErrorResponse("invalid value for 'token_type'")
    mount_type = plugin_type(call["type"], config.plugin_name or plugin_name)
    version = plugin_version(core, config.plugin_version, mount_type, "auth")
    options = dict(call["options"])
    if options.get("version"):
        raise ErrorResponse(f"auth method {quote(mount_type)} does not allow setting a version")
    visibility(config.listing_visibility)
    warnings = deprecation_warnings(core, "auth", mount_type, version)
    if mount_type in ("token", "ns_token"):
        raise ErrorResponse("token credential backend cannot be instantiated")
    path = sanitized(call["path"])
    if path == "/":
        raise ErrorResponse("backend path must be specified")
    check_conflict(call, "auth/" + path)
    answers = answering(call, "auth", mount_type, version)
    if implementation(core, "auth", answers or mount_type, None) is None:
        raise not_in_catalog(mount_type, version)
    made = new_config(config, leases, version)
    check_token_key(core, call.request.namespace, made.identity_token_key)
    core.mount(
        call.request.namespace,
        "auth/" + path,
        mount_type,
        description=description,
        options=None if call.is_null("options") else options,
        config=made,
        local=local,
        seal_wrap=seal_wrap,
        external_entropy_access=external_entropy_access,
        answers=answers,
    )
    core.log.info(
        "core", "enabled credential backend", namespace=call.request.namespace, path=path, type=mount_type,
        version=version,
    )  # fmt: skip
    return Response(warnings=warnings) if warnings else None


@one.on(Operation.DELETE)
def disable_auth(_state: object, call: Call) -> None:
    """Disable an auth method, if it exists, and revoke its tokens."""
    path = sanitized(call["path"])
    mount = call.core.state.mounts.get(call.request.namespace, "auth/" + path)
    if mount is None:
        return
    if path == "token/":
        raise ErrorResponse("token credential backend cannot be disabled")
    mounting.unmount(call.core, mount)
