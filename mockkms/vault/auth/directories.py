"""World files: auth methods that verify logins with another server; settings, and the people in a ``directory``.

The other server is not contacted: the people in the world file can log in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from mockkms.vault.framework.shapes.collections import Key, ListOf, Text
from mockkms.vault.framework.world_section import Filling, WorldSection
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.mounts import Mount

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

NAMES = ListOf(Text(), single=True)
PASSWORD = Key(Text(), "the password that logs in", required=True)


def section(keys: Callable[[str], Mapping[str, Key]], folders: Mapping[str, str]) -> WorldSection:
    """Make the section of a method whose mount has a ``config``, a ``directory``, and things by name.

    Args:
        keys: The keys of a mount.
        folders: Keys of what the method has by name (and attributes of its state), each with its path in the API.
    """

    def fill(to: Filling, mount: Mount, spec: Mapping[str, Any]) -> None:
        # The directory first: writing a configuration may ask it.
        if spec.get("directory"):
            person = mount.state.person
            mount.state.directory = {name: person(**known) for name, known in spec["directory"].items()}
        seeding.write_settings(to, mount, spec, "config", "config")
        for word, path in folders.items():
            for name, one in (spec.get(word) or {}).items():
                with to.guard(word, name):
                    data = one if isinstance(one, dict) else {"value": ",".join(one)}
                    seeding.write(to.core, mount, f"{path}/{name}", data)

    def dump(_core: Context, mount: Mount) -> dict[str, Any]:
        state = mount.state
        shown: dict[str, Any] = {}
        config = state.config.changed() if state.config is not None else {}
        if config:
            shown["config"] = config
        for word in folders:
            shown[word] = {name: _entry(one) for name, one in sorted(getattr(state, word).items())}
        shown["directory"] = {
            name: {key: value for key, value in vars(person).items() if value and value != "SUCCESS"}
            for name, person in state.directory.items()
        }
        return {word: value for word, value in shown.items() if value}

    return WorldSection(keys, fill, dump)


def _entry(one: Any) -> Any:
    """Return one entry: a mapping of GitHub is a list of policies, a group of LDAP has policies only."""
    if isinstance(one, dict):
        return [name for name in str(one.get("value") or "").split(",") if name]
    return {"policies": one} if isinstance(one, list) else {name: value for name, value in vars(one).items() if value}
