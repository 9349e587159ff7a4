"""Showing and validating mounts, shared by secrets engines and auth methods."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.framework import registry
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.golang.fmt import quote
from mockkms.vault.mounts.table import Mount, MountTable
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.plugins import registered
from mockkms.vault.sys.plugins.versions import semantic_version

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context, Environment
    from mockkms.vault.tokens.ttl import Limits

_PROTECTED = ("audit/", "auth/", "sys/", "cubbyhole/", "identity/")
_NAMESPACED = frozenset(("ns_cubbyhole", "ns_system", "ns_token", "ns_identity"))
SINGLETONS = frozenset(("cubbyhole", "system", "token", "identity", "agent_registry")) | _NAMESPACED
"""Types that exist once in a namespace."""
LISTS = (
    "audit_non_hmac_request_keys", "audit_non_hmac_response_keys", "passthrough_request_headers",
    "allowed_response_headers",
)  # fmt: skip
MANAGED_LISTS = ("allowed_managed_keys", "delegated_auth_accessors")
MOUNT_FIELDS = {
    "path": Field(Kind.STRING, help="Where to mount, such as `transit` or `team/kv`."),
    "type": Field(Kind.STRING, help="Type to mount: `kv`, `transit`, `pki` and so on."),
    "description": Field(Kind.STRING, help="Description for users."),
    "config": Field(Kind.MAP, help="Leases, listing visibility, header and audit settings of the mount."),
    "local": Field(Kind.BOOL, help="Whether the mount is local to the cluster."),
    "seal_wrap": Field(Kind.BOOL, help="Wrap critical values a second time with the seal."),
    "external_entropy_access": Field(Kind.BOOL, help="Allow external entropy."),
    "plugin_name": Field(Kind.STRING, help="Type to mount where `type` is `plugin`.", deprecated=True),
    "plugin_version": Field(Kind.STRING, help="Version of the plugin to run."),
    "options": Field(Kind.KV_PAIRS, help="Settings of the type itself, such as `version` of `kv`."),
}
TOKEN_TYPES = ("default-service", "default-batch", "service", "batch")


def own_paths(core: Environment) -> tuple[str, ...]:
    """Return the default mount paths that only this product has."""
    return ("agent-registry/",) if core.product.has(Feature.AGENT_REGISTRY) else ()


def protected(core: Environment) -> tuple[str, ...]:
    """Return the paths that users cannot mount, move or unmount."""
    return (*_PROTECTED, *own_paths(core))


def unmountable(core: Environment, mount_type: str) -> bool:
    """Return whether a type is known to the product as one that cannot be mounted."""
    if mount_type == "agent_registry":
        return core.product.has(Feature.AGENT_REGISTRY)
    return mount_type in SINGLETONS and (mount_type not in _NAMESPACED or core.product.has(Feature.SINGLETON_ALIASES))


def sanitized(path: str) -> str:
    """Return a mount path with a trailing slash and without a leading one."""
    return (path if path.endswith("/") else path + "/").removeprefix("/")


def shown_path(mount: Mount) -> str:
    """Return the path as the tables name it: an auth method without ``auth/``."""
    return mount.path.removeprefix("auth/") if mount.is_auth else mount.path


def mount_info(core: Context, mount: Mount, limits: Limits | None = None) -> dict[str, object]:
    """Return one entry of ``sys/mounts`` or ``sys/auth``; ``limits`` replaces the mount's own lease limits."""
    config: dict[str, object] = {
        "default_lease_ttl": mount.config.default_lease_ttl if limits is None else limits.default,
        "force_no_cache": mount.config.force_no_cache,
        "max_lease_ttl": mount.config.max_lease_ttl if limits is None else limits.max,
        **optional_settings(mount),
    }
    if mount.is_auth:
        config["token_type"] = token_type(mount)
    if mount.config.user_lockout:
        config["user_lockout_config"] = lockout_settings(mount)
    version = mount.config.plugin_version
    kind = "auth" if mount.is_auth else "secret"
    plugin = registered.find(core, kind, mount.type, version)
    info: dict[str, object] = {
        "accessor": mount.accessor,
        "config": config,
        "description": mount.description,
        "external_entropy_access": mount.external_entropy_access,
        "local": mount.local,
        "options": mount.options,
        "plugin_version": version,
        "running_plugin_version": version or ("" if plugin is not None else core.product.builtin_version(mount.type)),
        "running_sha256": "" if plugin is None else plugin.sha256,
        "seal_wrap": mount.seal_wrap,
        "type": mount.type,
        "uuid": mount.uuid,
    }
    builtins = core.product.builtins
    if plugin is None and mount.type in builtins.names(kind):
        info["deprecation_status"] = builtins.status(kind, mount.type)
    return info


def optional_settings(mount: Mount) -> dict[str, object]:
    """Return the settings that are shown only if they are set."""
    found: dict[str, object] = {}
    for name in (*LISTS, *MANAGED_LISTS):
        if getattr(mount.config, name):
            found[name] = list(getattr(mount.config, name))
    for name in ("listing_visibility", "identity_token_key", "trim_request_trailing_slashes"):
        if getattr(mount.config, name):
            found[name] = getattr(mount.config, name)
    return found


def check_token_key(core: Environment, namespace: str, name: str) -> str:
    """Return the name of a key that signs identity tokens; empty is fine. Raises ErrorResponse for an unknown one."""
    service = core.state.identity.oidc.get(namespace)
    known = service.keys if service is not None else {}
    if name not in ("", "default") and name not in known:
        raise ErrorResponse(f"key {quote(name)} does not exist")
    return name


def token_type(mount: Mount) -> str:
    """Return the token type of an auth method; a namespace's own token store shows ``default``."""
    return mount.config.token_type or ("default" if mount.type == "ns_token" else "default-service")


def lockout_settings(mount: Mount) -> dict[str, object]:
    """Return the user lockout of an auth method; durations in seconds."""
    lockout = mount.config.user_lockout
    return {
        "user_lockout_counter_reset_duration": lockout.get("counter_reset", 0),
        "user_lockout_disable": lockout.get("disable", False),
        "user_lockout_duration": lockout.get("duration", 0),
        "user_lockout_threshold": lockout.get("threshold", 0),
    }


def visibility(value: str) -> str:
    """Check a listing visibility and return it. Raises ErrorResponse for an invalid one."""
    if value not in ("", "hidden", "unauth"):
        raise ErrorResponse(f"invalid listing_visibility {value}")
    return value


def plugin_type(given: str, plugin_name: str) -> str:
    """Return the type to mount; for ``plugin`` it is ``plugin_name``. Raises ErrorResponse if it is missing."""
    if given == "":
        raise ErrorResponse("backend type must be specified as a string")
    if given != "plugin":
        return given
    if not plugin_name:
        raise ErrorResponse("plugin_name must be provided for plugin backend")
    return plugin_name


def plugin_version(core: Context, version: str, mount_type: str, kind: str) -> str:
    """Return the version of an external plugin that a new mount gets. Raises ErrorResponse for an invalid version.

    ``kind`` is ``secrets`` or ``auth``. Types that are part of the server itself are refused here; for others mounting
    decides whether a plugin of that version exists.
    """
    plugin_kind = kind.removesuffix("s")
    if not version:
        return "" if (kind, mount_type) in _INNER else registered.selected(core, plugin_kind, mount_type)
    semantic = semantic_version(core, version)
    if semantic == core.product.builtin_version(mount_type):
        if registered.find(core, plugin_kind, mount_type, "") is not None:
            raise ErrorResponse(
                f"{plugin_kind} plugin {quote(mount_type)}, version {semantic} not found, as it is overridden by an"
                " unversioned plugin of the same name. Omit `plugin_version` to use the unversioned plugin"
            )
        return ""
    if (kind, mount_type) in _INNER:
        raise ErrorResponse(f"cannot select non-builtin version of {kind} plugin {_INNER[kind, mount_type]}")
    return semantic


_INNER = {
    ("secrets", "kv"): "kv", ("secrets", "generic"): "kv", ("secrets", "database"): "database",
    ("secrets", "plugin"): "plugin", ("auth", "plugin"): "plugin", ("auth", "token"): "token",
    **{("secrets", mount_type): mount_type for mount_type in SINGLETONS - {"token", "ns_token"}},
}  # fmt: skip
"""Types that are part of the server rather than plugins, and their names."""


def deprecation_warnings(core: Context, kind: str, mount_type: str, version: str) -> list[str]:
    """Return the warnings about a type to mount; ``kind`` is ``auth`` or ``secret``. A version is never a built-in's.

    Raises ErrorResponse for a type that former versions of the product had.
    """
    external = version or registered.find(core, kind, mount_type, "") is not None
    status = "" if external else core.product.builtins.status(kind, mount_type)
    if status == "removed":
        raise ErrorResponse(f"could not mount {quote(mount_type)}: mount entry associated with removed builtin")
    return ["mount entry associated with deprecated builtin"] if status == "deprecated" else []


def not_in_catalog(plugin_type: str, version: str = "") -> ErrorResponse:
    """Return the error for a type, or a version of it, that is not in the catalog."""
    return ErrorResponse(
        f"plugin not found in the catalog: {plugin_type}" + (f", version={version}" if version else "")
    )


def conflict(mounts: MountTable, namespace: str, path: str) -> str:
    """Return the path that conflicts with a mount at ``path``, by its whole path: one at or above it, one below, a
    namespace.

    The real router recognises a namespace by its mount ``sys/``, so any mount whose path ends in ``sys/`` counts.
    """
    if not mounts.index.crowded(namespace, path):
        return ""
    whole = namespace + path
    above = [at for at in mounts.entries if whole.startswith(at)]
    if above:
        return max(above, key=len)
    below = min((at for at in mounts.entries if at.startswith(whole)), default="")
    if below:
        return below
    for at in sorted(mounts.entries):
        front = at.removesuffix("sys/")
        if front != at and at.startswith(namespace) and front != namespace and whole.startswith(front):
            return front
    return ""


def check_conflict(call: Call, path: str) -> None:
    """Raise ErrorResponse where ``path`` (an auth method's with ``auth/``) is at, above or below another mount."""
    namespace = call.request.namespace
    mounts = call.core.state.mounts
    if not mounts.index.crowded(namespace, path):
        return
    auth = path.startswith("auth/")
    for mount in mounts.entries.values():  # The oldest conflict is reported.
        same = mount.namespace == namespace and mount.is_auth == auth
        if same and (mount.path.startswith(path) or path.startswith(mount.path)):
            shown = mount.path.removeprefix("auth/") if auth else mount.path
            raise ErrorResponse(f"path is already in use at {shown}")
    taken = conflict(mounts, namespace, path)
    if taken:
        raise ErrorResponse(f"existing mount at {taken}")


def answering(call: Call, kind: str, mount_type: str, version: str) -> str:
    """Return the built-in type that answers for a new mount of an external plugin; empty for a built-in type.

    Raises ErrorResponse if the catalog does not have the plugin, or if its program would have to run.
    """
    plugin = registered.find(call.core, kind, mount_type, version)
    if plugin is None:
        if version:
            raise not_in_catalog(mount_type, version)
        return ""
    answers = registered.engine_of(call.core, kind, mount_type)
    if not answers:
        raise ErrorResponse(registered.refusal(call, plugin, "backend"))
    return answers


def implementation(core: Environment, kind: str, mount_type: str, options: dict[str, str] | None) -> Engine | None:
    """Return the engine of a type; None if the product cannot mount it as ``kind`` (``secret``, ``auth``)."""
    if registry.lacks(core.product, kind, mount_type) or (
        mount_type in SINGLETONS and not unmountable(core, mount_type)
    ):
        return None
    try:
        found = registry.implementation(mount_type, options, kind)
    except KeyError:
        return None
    return found if found.kind == kind else None
