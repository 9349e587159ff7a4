"""``sys/plugins/reload``: restarting plugins. Plugins run within this process, so it has no effect."""

from __future__ import annotations

from mockkms.vault.framework import registry
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import error_list, quote
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.mounts.shapes import SINGLETONS
from mockkms.vault.sys.plugins import registered

_ONCE = "singleton plugin cannot be reloaded"
_SCOPE = Field(Kind.STRING, help="Empty, or `global` for every node of a cluster.")

reload = engine.path(
    "plugins/reload/backend",
    fields={
        "plugin": Field(Kind.STRING, help="Name of the plugin to reload."),
        "mounts": Field(Kind.COMMA_STRINGS, help="Mounts to reload instead."),
        "scope": _SCOPE,
    },
    help="Reload plugins.",
    go_errors=True,
)
named = engine.path(
    "plugins/reload/{type:re(auth|database|secret|unknown)}/{name}",
    fields={
        "type": Field(Kind.STRING, help="`auth`, `database`, `secret`, or `unknown` for any."),
        "name": Field(Kind.STRING, help="Name of the plugin to reload."),
        "scope": _SCOPE,
    },
    help="Reload one plugin.",
    needs=Feature.CLEAN_RELOAD,
)


@reload.on(Operation.UPDATE)
def reload_plugin(_state: object, call: Call, *, plugin: str, mounts: list[str]) -> Response:
    """Reload a plugin on all of its mounts, or the plugins of given mounts."""
    lenient = call.core.product.has(Feature.CLEAN_RELOAD)
    if lenient:
        _check_scope(call)
    if plugin and mounts:
        raise ErrorResponse("plugin and mounts cannot be set at the same time")
    if not plugin and not mounts:
        raise ErrorResponse("plugin or mounts must be provided")
    if plugin:
        if not lenient:
            _check_reloadable(call, plugin)
        return _reloaded(call, _mounts_of(call, plugin, "unknown") if lenient else 1)
    _check_mounts(call, mounts)
    return _reloaded(call, len(mounts))


@named.on(Operation.UPDATE)
def reload_named(_state: object, call: Call, *, name: str) -> Response:
    """Reload a plugin of one type on all of its mounts."""
    _check_scope(call)
    return _reloaded(call, _mounts_of(call, name, call["type"]))


def _check_scope(call: Call) -> None:
    if call["scope"] not in ("", "global"):
        raise ErrorResponse("reload scope must be omitted or 'global'")


def _reloaded(call: Call, count: int) -> Response:
    """Return the answer to a reload of ``count`` mounts; 202 for a reload on the whole cluster."""
    everywhere = call["scope"] == "global" and call.core.product.has(Feature.CLEAN_RELOAD)
    warnings = []
    if not count:
        elsewhere = " locally (but they may be reloaded on other nodes)" if everywhere else ""
        warnings.append("no plugins were reloaded" + elsewhere)
    return Response(data={"reload_id": call.request.id}, warnings=warnings, status=202 if everywhere else 0)


def _mounts_of(call: Call, plugin: str, kind: str) -> int:
    """Return how many mounts of the request's namespace run a plugin, database connections included."""
    count = 0
    for mount in call.core.state.mounts.of(call.request.namespace):
        if mount.type == plugin and kind in ("unknown", "auth" if mount.is_auth else "secret"):
            count += 1
        running = registry.engine(mount.engine).plugins
        if running is not None:
            count += sum(name == plugin and kind in ("unknown", of) for of, name in running(mount.state))
    return count


def _check_reloadable(call: Call, plugin: str) -> None:
    if plugin in SINGLETONS:
        raise ErrorResponse(f"{_ONCE}: {quote(plugin)}")
    builtins = call.core.product.builtins
    kinds = {kind for kind in registered.TYPES if plugin in builtins.names(kind)}
    kinds |= {one.type for one in registered.registered(call.core).values() if one.name == plugin}
    if not kinds:
        raise ErrorResponse(f"plugin not found in the catalog: {quote(plugin)}")
    if kinds == {"database"}:
        raise ErrorResponse(
            f"plugin {quote(plugin)} cannot be reloaded, only plugins of type auth and secret can be reloaded"
        )


def _check_mounts(call: Call, mounts: list[str]) -> None:
    lenient = call.core.product.has(Feature.CLEAN_RELOAD)
    faults = []
    for given in mounts:
        path = given.removeprefix("sys/") if given.startswith("sys/auth/") else given
        path = path if path.endswith("/") else path + "/"
        mount = call.core.state.mounts.match(call.request.namespace, path)
        if mount is None:
            faults.append(f"cannot fetch mount entry on {quote(path)}")
        elif not lenient and mount.namespace == call.request.namespace and mount.type in SINGLETONS:
            faults.append(f"cannot reload plugin on {quote(path)}: {_ONCE}: {quote(mount.type)}")
    if faults:
        raise BackendError(*faults) if lenient else ErrorResponse(error_list(faults))
