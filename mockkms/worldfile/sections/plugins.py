"""``plugins``: external plugins that are registered, and the built-in types that answer for them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from mockkms.vault.framework import registry
from mockkms.vault.framework.shapes.collections import Choice, Key, ListOf, RecordShape, Text
from mockkms.vault.framework.world_section import Steps, items_at
from mockkms.vault.kernel.core import Core
from mockkms.vault.sys.mounts.shapes import implementation
from mockkms.vault.sys.plugins import registered
from mockkms.vault.sys.plugins.versions import semantic_version
from mockkms.worldfile.applying import Applier


def shape() -> ListOf:
    """Return the shape of the section: a list of plugins."""
    texts = ListOf(Text(), single=True)
    return ListOf(
        RecordShape(
            {
                "type": Key(Choice(registered.TYPES, "type of plugin"), "auth, database or secret", required=True),
                "name": Key(Text(), "the name by which it is mounted", required=True),
                "version": Key(Text(), "its semantic version; default: none"),
                "engine": Key(Text(), "the built-in type that answers for it; without one it cannot be mounted"),
                "command": Key(Text(), "the program; default: the name"),
                "args": Key(texts, "arguments of the program"),
                "env": Key(texts, "environment of the program"),
                "sha256": Key(Text(), "hash of the program, hex; default: one made from the name"),
            }
        )
    )


def apply(to: Applier, section: Mapping[str, object], steps: Steps) -> None:
    """Register the plugins."""
    core = to.core
    for index, spec in items_at(section, "plugins"):
        at = (*steps, "plugins", index)
        kind, name, engine = str(spec["type"]), str(spec["name"]), str(spec.get("engine", ""))
        if engine and not _answers(core, kind, engine):
            known = ", ".join(core.product.builtins.names(kind))
            to.fault((*at, "engine"), f'"{engine}" is no built-in {kind} plugin; known: {known}')
            continue
        version = str(spec.get("version", ""))
        with to.guard(*at, "version"):
            version = semantic_version(core, version, dashed=True) if version else ""
            plugin = registered.Plugin(kind, name, version, str(spec.get("command", name)))
            plugin.args, plugin.env = _texts(spec, "args"), _texts(spec, "env")
            plugin.sha256 = str(spec.get("sha256", _made_up_hash(name)))
            registered.add(core, plugin)
            if engine:
                registered.answer_with(core, kind, name, engine)


def _answers(core: Core, kind: str, engine: str) -> bool:
    """Return whether the product has a type that is emulated; ``kv-v2`` is one besides those of the catalog."""
    if kind == "database":
        return engine in core.product.builtins.database
    return implementation(core, kind, engine, None) is not None and registry.emulated(kind, engine)


def _made_up_hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def _texts(spec: Mapping[str, object], key: str) -> list[str]:
    found = spec.get(key)
    return [str(one) for one in found] if isinstance(found, list) else []


def dump(core: Core) -> dict[str, object]:
    """Return the registered plugins."""
    found = []
    for plugin in (one for kind in registered.TYPES for one in registered.of_type(core, kind)):
        shown: dict[str, object] = {"type": plugin.type, "name": plugin.name}
        for key, value, usual in (
            ("version", plugin.version, ""),
            ("engine", registered.engine_of(core, plugin.type, plugin.name), ""),
            ("command", plugin.command, plugin.name),
            ("args", plugin.args, []),
            ("env", plugin.env, []),
            ("sha256", plugin.sha256, _made_up_hash(plugin.name)),
        ):
            if value != usual:
                shown[key] = value
        found.append(shown)
    return {"plugins": found}
