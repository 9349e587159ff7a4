"""World files of auth methods that verify logins with another server: settings, and its users, the ``directory``.

The other server is not contacted: the people in the world file can log in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from mockkms.vault.framework.shapes.collections import Key, ListOf, MapOf, RecordShape, Text
from mockkms.vault.framework.shapes.parameters import parameters_of
from mockkms.vault.framework.world_section import Filling, WorldSection, list_at, mapping_at
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import Part, one, record_section

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.framework.endpoint import Endpoint
    from mockkms.vault.framework.records import Record
    from mockkms.vault.mounts.table import Mount

NAMES = ListOf(Text(), single=True)
PASSWORD = Key(Text(), "the password that logs in", required=True)
P = TypeVar("P")


class WithDirectory(Protocol[P]):
    """The state of a mount with a configuration, and people by name."""

    @property
    def config(self) -> Record | None: ...

    directory: dict[str, P]


@dataclass(frozen=True)
class Directory(Generic[P]):
    """The section of a method whose mount has a ``config``, a ``directory``, and entries by name."""

    person: Callable[..., P]
    """Makes the entry of a person from the keys of ``person_keys``."""
    person_keys: Callable[[], Mapping[str, Key]]
    people_help: str
    config: Endpoint
    config_help: str

    def section(self, *entries: Part) -> WorldSection:
        """Return the section, with the parts of the method's named entries."""
        people = Part("directory", self._shape, self._fill, self._dump)
        config = one("config", self.config_help, self.config, _config)
        # Shown last, the directory is filled first: the configuration's endpoint may read it.
        filled = record_section(people, config, *entries)
        return replace(record_section(config, *entries, people), fill=filled.fill)

    def _shape(self) -> Key:
        return Key(MapOf(RecordShape(self.person_keys())), self.people_help)

    def _fill(self, _to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
        state: WithDirectory[P] = mount.state
        people = mapping_at(spec, "directory")
        if people:
            state.directory = {name: self.person(**mapping_at(people, name)) for name in people}

    def _dump(self, _core: Context, mount: Mount) -> object:
        state: WithDirectory[P] = mount.state
        return {
            name: {key: value for key, value in vars(person).items() if value and value != "SUCCESS"}
            for name, person in state.directory.items()
        }


def _config(state: WithDirectory[object]) -> Record | None:
    return state.config


def entries(
    key: str,
    help: str,
    endpoint: Endpoint,
    found: Callable[[Mount], Mapping[str, object]],
    shape: ListOf | None = None,
) -> Part:
    """Return the part of the groups and policies that a mount assigns to users or groups, by name.

    Args:
        key: The key in world files.
        help: Its description.
        endpoint: Writes one entry, below its prefix.
        found: Returns the entries of a mount by name: lists of policies, or objects with policies and groups.
        shape: The shape of an entry, where it is not made of the endpoint's parameters.
    """

    def fill(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
        given = mapping_at(spec, key)
        for name, entry in given.items():
            with to.guard(key, name):
                listed = isinstance(entry, list)
                data = {"value": ",".join(map(str, list_at(given, name)))} if listed else mapping_at(given, name)
                seeding.write(to.core, mount, f"{endpoint.prefix}{name}", data)

    def dump(_core: Context, mount: Mount) -> object:
        return {name: _shown(entry) for name, entry in sorted(found(mount).items())}

    return Part(key, lambda: Key(MapOf(shape or parameters_of(endpoint)), help), fill, dump)


def _shown(entry: object) -> object:
    """Return an entry as in a world file: a mapping of GitHub is a list of policies."""
    if isinstance(entry, dict):
        return [name for name in str(entry.get("value") or "").split(",") if name]
    return {"policies": entry} if isinstance(entry, list) else {k: v for k, v in vars(entry).items() if v}
