"""``sys/activation-flags``, ``sys/experiments``, plugin runtimes and pins, reloading a licence: in one product only.

Sources: recordings, the product's API documentation and its published source.
"""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.plugins import registered
from mockkms.vault.sys.plugins.versions import semantic_version

_TYPE = {"type": Field(Kind.STRING, help="`container`."), "name": Field(Kind.STRING, help="Name of the runtime.")}

flags = engine.path("activation-flags", help="Activated features.", needs=Feature.FEATURE_SWITCHES)
activate = engine.path(
    "activation-flags/{flag:one(activation-test|force-identity-deduplication)}/activate",
    {"flag": Field(Kind.STRING, help="Name of the feature.")},
    help="Activate a feature permanently.",
    needs=Feature.FEATURE_SWITCHES,
)
activate_scim = engine.path(
    "activation-flags/enable-scim/activate", help="Activate SCIM permanently.", needs=Feature.AGENT_REGISTRY
)
experiments = engine.path("experiments", help="Experiments of this version.", needs=Feature.FEATURE_SWITCHES)
licence = engine.path(
    "config/reload/license",
    help="Reload the licence, which the community edition does not have.",
    needs=Feature.FEATURE_SWITCHES,
)
pins = engine.path("plugins/pins[/]", help="Pinned plugin versions.", needs=Feature.FEATURE_SWITCHES)
pin = engine.path(
    "plugins/pins/{type:re(auth|database|secret)}/{name}",
    fields={
        "type": Field(Kind.STRING, help="`auth`, `database` or `secret`."),
        "name": Field(Kind.STRING, help="Name of the plugin."),
        "version": Field(Kind.STRING, help="Version to pin."),
    },
    help="The pinned version of one plugin.",
    needs=Feature.FEATURE_SWITCHES,
)
_OF_TYPE = {"type": Field(Kind.STRING, query=True, help="Only those of this type.")}
runtimes = engine.path(
    "plugins/runtimes/catalog",
    fields=_OF_TYPE,
    help="Every plugin runtime.",
    needs=Feature.FEATURE_SWITCHES,
    go_errors=True,
)
runtime_list = engine.path(
    "plugins/runtimes/catalog/",
    fields=_OF_TYPE,
    help="Every plugin runtime.",
    sudo=True,
    needs=Feature.FEATURE_SWITCHES,
    go_errors=True,
)
runtime = engine.path(
    "plugins/runtimes/catalog/{type:re(container)}/{name}",
    fields={
        **_TYPE,
        "oci_runtime": Field(Kind.STRING, help="Program that runs images."),
        "cgroup_parent": Field(Kind.STRING, help="Parent control group."),
        "cpu_nanos": Field(Kind.INT64, help="Processor time, nanoseconds of each second."),
        "memory_bytes": Field(Kind.INT64, help="Memory, bytes."),
        "rootless": Field(Kind.BOOL, help="Whether containers run without root."),
    },
    help="One plugin runtime.",
    sudo=True,
    needs=Feature.FEATURE_SWITCHES,
)


@flags.on(Operation.READ)
def read_flags(_state: object, call: Call) -> dict[str, object]:
    """Return the features that are on."""
    return {"activated": sorted(call.core.state.system.get("activation flags", []))}


@activate.on(Operation.UPDATE)
def activate_flag(_state: object, call: Call, *, flag: str) -> dict[str, object]:
    """Activate a feature; doing it again has no effect."""
    return _activated(call, flag)


@activate_scim.on(Operation.UPDATE)
def activate_scim_flag(_state: object, call: Call) -> dict[str, object]:
    """Activate SCIM; doing it again has no effect."""
    return _activated(call, "enable-scim")


def _activated(call: Call, flag: str) -> dict[str, object]:
    known: list[str] = call.core.state.system.setdefault("activation flags", [])
    if flag not in known:
        known.append(flag)
    return {"activated": sorted(known)}


@experiments.on(Operation.READ)
def read_experiments(_state: object, call: Call) -> dict[str, object]:
    """Return the experiments of this version; none is switched on."""
    return {"available": list(call.core.product.experiments), "enabled": []}


@licence.on(Operation.UPDATE)
def reload_licence(_state: object, _call: Call) -> None:
    """Do nothing, as the community edition has no licence."""


@pins.on(Operation.READ)
def list_pins(_state: object, call: Call) -> dict[str, object]:
    """Return the pinned versions by type and name."""
    found = [(key.partition("/"), version) for key, version in sorted(registered.pins(call.core).items())]
    return {"pinned_versions": [_shown_pin(kind, name, version) for (kind, _, name), version in found]}


def _shown_pin(kind: str, name: str, version: str) -> dict[str, str]:
    return {"name": name, "type": kind, "version": version}


@pin.on(Operation.READ)
def read_pin(_state: object, call: Call, *, name: str) -> dict[str, str]:
    """Return the pinned version of a plugin."""
    version = registered.pins(call.core).get(f"{call['type']}/{name}")
    if version is None:
        raise BackendError("no pinned version for this plugin", status=404)
    return _shown_pin(call["type"], name, version)


@pin.on(Operation.UPDATE)
def write_pin(_state: object, call: Call, *, name: str) -> None:
    """Pin a plugin to a version that the catalog has."""
    text = call["version"]
    if not text:
        raise ErrorResponse("missing plugin version")
    version, kind = semantic_version(call.core, text), call["type"]
    if registered.find(call.core, kind, name, version) is None and not registered.is_builtin(
        call.core, kind, name, version
    ):
        raise ErrorResponse(
            f"plugin not found in the catalog; {kind} plugin {quote(name)} version {version} does not exist"
        )
    registered.pin(call.core, kind, name, version)


@pin.on(Operation.DELETE)
def delete_pin(_state: object, call: Call, *, name: str) -> Response:
    """Remove the pin of a plugin; a missing one is not an error."""
    registered.pin(call.core, call["type"], name, "")
    return Response()


@runtimes.on(Operation.READ, Operation.LIST)
@runtime_list.on(Operation.READ, Operation.LIST)
def list_runtimes(_state: object, call: Call) -> dict[str, object]:
    """Return every runtime by its name."""
    if call["type"] not in ("", "container"):
        raise BackendError(f"{quote(call['type'])} is not a supported plugin runtime type")
    return {"runtimes": [shown for _, shown in sorted(_runtimes(call).items())]}


@runtime.on(Operation.READ)
def read_runtime(_state: object, call: Call, *, name: str) -> dict[str, object] | None:
    """Return one runtime."""
    return _runtimes(call).get(name)


@runtime.on(Operation.UPDATE)
def write_runtime(_state: object, call: Call) -> None:
    """Register a runtime, or replace it."""
    for name, label in (("cpu_nanos", "cpu in nanos"), ("memory_bytes", "memory in bytes")):
        if call[name] < 0:
            raise ErrorResponse(f"runtime {label} cannot be negative")
    settings = ("name", "type", "oci_runtime", "cgroup_parent", "cpu_nanos", "memory_bytes", "rootless")
    _runtimes(call)[call["name"]] = {name: call[name] for name in settings}


@runtime.on(Operation.DELETE)
def delete_runtime(_state: object, call: Call, *, name: str) -> None:
    """Remove a runtime."""
    if _runtimes(call).pop(name, None) is None:
        raise ErrorResponse("plugin runtime not found", status=404)


def _runtimes(call: Call) -> dict[str, dict[str, object]]:
    known: dict[str, dict[str, object]] = call.core.state.system.setdefault("plugin runtimes", {})
    return known
