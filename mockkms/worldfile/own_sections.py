"""Sections that stand by themselves in a namespace: those of secrets engines that every namespace has once."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.vault.framework import registry
from mockkms.vault.framework.shapes.collections import RecordShape
from mockkms.vault.framework.world_section import Steps, WorldSection, mapping_at
from mockkms.vault.kernel.core import Core
from mockkms.worldfile.applying import Applier


def _sections() -> dict[str, WorldSection]:
    found = {key: registry.world_section(name) for key, name in registry.own_world_sections().items()}
    return {key: section for key, section in found.items() if section is not None}


def shapes() -> dict[str, RecordShape]:
    """Return the shape of each section."""
    return {key: RecordShape(section.keys(key)) for key, section in _sections().items()}


def helps() -> dict[str, str]:
    """Return what each section is about."""
    return {key: section.help for key, section in _sections().items()}


def apply(to: Applier, section: Mapping[str, object], steps: Steps, namespace: str) -> None:
    """Fill the mounts of a namespace that the sections describe."""
    for key, own in _sections().items():
        mount = to.core.state.mounts.get(namespace, f"{key}/")
        if section.get(key) and mount is not None:
            own.fill(to.below(*steps, key), mount, mapping_at(section, key))


def dump(core: Core, namespace: str) -> dict[str, object]:
    """Return the sections of a namespace."""
    mounts = {key: core.state.mounts.get(namespace, f"{key}/") for key in _sections()}
    return {key: own.dump(core, mount) for key, own in _sections().items() if (mount := mounts[key]) is not None}
