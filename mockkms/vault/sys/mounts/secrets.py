"""``sys/mounts``: list, read, enable and disable secrets engines."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.kernel import mounting
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.mounts.config import decoded_config, lease_settings, new_config
from mockkms.vault.sys.mounts.shapes import (
    MOUNT_FIELDS,
    SINGLETONS,
    answering,
    check_conflict,
    check_token_key,
    deprecation_warnings,
    implementation,
    mount_info,
    not_in_catalog,
    plugin_type,
    plugin_version,
    protected,
    sanitized,
    unmountable,
)

table = engine.path("mounts", help="All mounted secrets engines.")
one = engine.path("mounts/{path:some}", fields=MOUNT_FIELDS, help="Mount, show or unmount a secrets engine.")


@table.on(Operation.READ)
def list_mounts(_state: object, call: Call) -> Response:
    """Return every secrets engine of the namespace by its path."""
    mounts = call.core.state.mounts.of(call.request.namespace, auth=False)
    return Response(data={mount.path: mount_info(call.core, mount) for mount in mounts}, flat=True)


@one.on(Operation.READ)
def read_mount(_state: object, call: Call) -> Response:
    """Return the secrets engine that answers a path."""
    path = sanitized(call["path"])
    mount = call.core.state.mounts.match(call.request.namespace, path)
    if mount is None:
        raise ErrorResponse(f"No secret engine mount at {path}")
    return Response(data=mount_info(call.core, mount), flat=True)


@one.on(Operation.UPDATE)
def enable_mount(
    _state: object,
    call: Call,
    *,
    plugin_name: str,
    description: str,
    local: bool,
    seal_wrap: bool,
    external_entropy_access: bool,
) -> Reply:
    """Mount a secrets engine."""
    core = call.core
    config = decoded_config(core, call["config"], "mount")
    leases = lease_settings(core, config)
    mount_type = plugin_type(call["type"], config.plugin_name or plugin_name)
    options = dict(call["options"])
    if mount_type in ("kv-v1", "kv-v2"):
        options["version"] = mount_type[-1]
        mount_type = "kv"
    elif mount_type != "kv" and options.get("version"):
        raise ErrorResponse(f"secrets engine {quote(mount_type)} does not allow setting a version")
    version = plugin_version(core, config.plugin_version, mount_type, "secrets")
    made = new_config(config, leases, version)
    made.token_type = ""
    made.allowed_managed_keys = config.allowed_managed_keys
    made.delegated_auth_accessors = config.delegated_auth_accessors
    check_token_key(core, call.request.namespace, made.identity_token_key)
    path = sanitized(call["path"])
    warnings = deprecation_warnings(core, "secret", mount_type, version)
    answers = check_new_mount(call, path, mount_type, options, version)
    core.mount(
        call.request.namespace,
        path,
        mount_type,
        description=description,
        options=None if call.is_null("options") and not options else options,
        config=made,
        local=local,
        seal_wrap=seal_wrap,
        external_entropy_access=external_entropy_access,
        answers=answers,
    )
    core.log.info(
        "core", "successful mount", namespace=call.request.namespace, path=path, type=mount_type, version=version
    )
    return Response(warnings=warnings) if warnings else None


def check_new_mount(call: Call, path: str, mount_type: str, options: dict[str, str], version: str = "") -> str:
    """Return the built-in type that answers for an external plugin, else an empty text.

    Raises ErrorResponse if a secrets engine cannot be mounted.
    """
    if path.startswith(protected(call.core)):
        raise ErrorResponse(f"cannot mount {quote(path)}")
    if unmountable(call.core, mount_type):
        raise ErrorResponse(f"mount type of {quote(mount_type)} is not mountable")
    check_conflict(call, path)
    answers = answering(call, "secret", mount_type, version) if mount_type not in SINGLETONS else ""
    found = implementation(call.core, "secret", answers or mount_type, options)
    if found is None or mount_type in SINGLETONS:
        raise not_in_catalog(mount_type, version)
    if found.type == "kv" and options.get("version", "") not in ("", "1"):
        raise ErrorResponse(f"nil backend of type {quote(mount_type)} returned from factory")
    return answers


@one.on(Operation.DELETE)
def disable_mount(_state: object, call: Call) -> None:
    """Unmount a secrets engine, if it exists."""
    path = sanitized(call["path"])
    mount = call.core.state.mounts.get(call.request.namespace, path)
    if mount is None:
        return
    if path.startswith(protected(call.core)):
        raise ErrorResponse(f"cannot unmount {quote(path)}")
    if mount.namespace != call.request.namespace:
        raise ErrorResponse("failed to taint entry in mounts table")
    mounting.unmount(call.core, mount)
