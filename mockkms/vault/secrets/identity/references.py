"""Names of entities, groups, MFA methods and mounts in world files: what does not exist is reported at its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from mockkms.vault.framework.shapes.nodes import nearest
from mockkms.vault.framework.world_section import Filling, Steps

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

Kind = Literal["entity", "group", "method", "mount"]
"""What a key refers to; a mount is named by its path."""


def all_exist(
    to: Filling,
    namespace: str,
    steps: Steps,
    spec: Mapping[str, object],
    kinds: Mapping[str, Kind],
    later: Sequence[str] = (),
) -> bool:
    """Return whether everything exists that a description names, and report what does not.

    Args:
        to: The world that is being filled.
        namespace: Where the names are looked up.
        steps: The path to the description.
        spec: The description.
        kinds: What its keys refer to; the value of each is a name, or a list of names.
        later: Names of groups that are described after this one, and so cannot be its members.
    """
    every = True
    for key, kind in kinds.items():
        for place, name in _names(spec.get(key)):
            if _exists(to.core, namespace, kind, name):
                continue
            every = False
            if kind == "group" and name in later:
                message = f'"{name}" is described after this group; groups come after their member groups'
            else:
                message = f'{_MISSING[kind]} "{name}"{nearest(name, _known(to.core, namespace, kind))}'
            to.fault((*steps, key, *place), message)
    return every


_MISSING: Mapping[Kind, str] = {
    "entity": "no entity is named",
    "group": "no group is named",
    "method": "no MFA method is named",
    "mount": "nothing is mounted at",
}


def _names(given: object) -> Iterator[tuple[Steps, str]]:
    if isinstance(given, str):
        yield (), given
    elif isinstance(given, Iterable):
        for index, name in enumerate(given):
            yield (index,), str(name)


def _exists(core: Context, namespace: str, kind: Kind, name: str) -> bool:
    if kind == "entity":
        return core.identity.entity_named(namespace, name) is not None
    if kind == "group":
        return core.identity.group_named(namespace, name) is not None
    if kind == "mount":
        return core.state.mounts.get(namespace, name.rstrip("/") + "/") is not None
    return name in _known(core, namespace, kind)


def _known(core: Context, namespace: str, kind: Kind) -> Iterator[str]:
    state = core.state
    if kind == "entity":
        return (one.name for one in state.identity.entities.values() if one.namespace == namespace)
    if kind == "group":
        return (one.name for one in state.identity.groups.values() if one.namespace == namespace)
    if kind == "method":
        return (one.name for one in core.mfa.state(namespace).methods.values() if one.name)
    return (one.path for one in state.mounts.of(namespace))
