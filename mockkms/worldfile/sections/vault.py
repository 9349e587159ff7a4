"""``vault``: the emulated server. Its namespaces have the same sections as its root."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from mockkms.arguments import unsendable
from mockkms.vault.framework import registry
from mockkms.vault.framework.shapes.collections import Choice, Key, MapOf, Named, RecordShape, Shape, Text
from mockkms.vault.framework.world_section import Steps, WorldSection, mapping_at
from mockkms.vault.kernel.core import Core
from mockkms.vault.kernel.namespaces import validate
from mockkms.vault.kernel.node import INITIAL_STATES
from mockkms.vault.kernel.state import VaultState
from mockkms.vault.products.features import Feature
from mockkms.worldfile.applying import Applier
from mockkms.worldfile.sections import auth, mounts, plugins, policies, tokens


@cache
def definitions() -> dict[str, Named]:
    """Return the shapes of the sections that every namespace has, by their keys."""
    shapes: dict[str, Shape] = {"mounts": mounts.shape(), "auth": auth.shape(), "tokens": tokens.shape()}
    shapes |= {key: RecordShape(section.keys(key)) for key, section in _own_sections().items()}
    return {name: Named(name, one) for name, one in shapes.items()}


def _own_sections() -> dict[str, WorldSection]:
    """Return the sections of engines that every namespace has once, such as ``identity``, by their keys."""
    found = {key: registry.world_section(name) for key, name in registry.own_world_sections().items()}
    return {key: section for key, section in found.items() if section is not None}


def shape() -> RecordShape:
    """Return the shape of the section."""
    known = definitions()
    contents = {
        **policies.keys(),
        "mounts": Key(known["mounts"], "secrets engines by path, added to those of a new server"),
        "auth": Key(known["auth"], "auth methods by path, without auth/"),
        "tokens": Key(known["tokens"], "tokens"),
        **{key: Key(known[key], section.help) for key, section in _own_sections().items()},
    }
    space = RecordShape({**contents, "custom_metadata": Key(MapOf(Text()), "metadata of the namespace")})
    return RecordShape(
        {
            "root_token": Key(Text(check=unsendable), "id of the root token; default: root"),
            "state": Key(Choice(INITIAL_STATES, "state"), "default: unsealed"),
            "plugins": Key(plugins.shape(), "external plugins, with the built-in types that answer for them"),
            **contents,
            "namespaces": Key(MapOf(space), "namespaces by their path from the root (flavor openbao)"),
        }
    )


def apply(to: Applier, section: Mapping[str, object]) -> None:
    """Apply the section to the server."""
    steps: Steps = ("vault",)
    state = section.get("state", "unsealed")
    if state == "uninitialized":
        for word in section:
            if word not in ("state", "root_token"):
                to.fault(("vault", word), "an uninitialized server cannot have contents")
        to.core.replace_state(VaultState())
        return
    token = section.get("root_token")
    if isinstance(token, str) and token and token not in to.core.state.tokens.by_id:
        to.core.tokens.create_root(token)
        to.world.root_token = token
    plugins.apply(to, section, steps)
    _fill(to, section, steps, "")
    namespaces = mapping_at(section, "namespaces")
    for path in sorted(namespaces):
        space = mapping_at(namespaces, path)
        at = (*steps, "namespaces", path)
        if not to.core.product.has(Feature.NAMESPACES):
            to.fault(at, "this flavor has no namespaces; write `flavor: openbao`")
            continue
        with to.guard(*at):
            full = path.strip("/") + "/"
            parent = full[: full.rstrip("/").rfind("/") + 1]
            if parent and to.core.namespaces.get(parent) is None:
                to.fault(at, f'the namespace above it, "{parent}", is not described')
                continue
            if to.core.namespaces.get(full) is None:
                validate(full)
                to.core.namespaces.create(full, _metadata(space))
            _fill(to, space, at, full)
    if state == "sealed":
        to.core.seal.seal()


def _metadata(space: Mapping[str, object]) -> dict[str, str]:
    return {name: str(value) for name, value in mapping_at(space, "custom_metadata").items()}


def _fill(to: Applier, section: Mapping[str, object], steps: Steps, namespace: str) -> None:
    for part in (policies, mounts, auth):
        part.apply(to, section, steps, namespace)
    for key, own in _own_sections().items():
        mount = to.core.state.mounts.get(namespace, f"{key}/")
        if section.get(key) and mount is not None:
            own.fill(to.below(*steps, key), mount, mapping_at(section, key))
    tokens.apply(to, section, steps, namespace)


def dump(core: Core, root_token: str) -> dict[str, object]:
    """Return the section that describes the server; ``exact`` has the rest."""
    shown: dict[str, object] = {"root_token": root_token, "state": core.seal.status}
    if core.seal.status == "uninitialized":
        return shown
    shown.update({word: value for word, value in plugins.dump(core).items() if value})
    shown.update(_contents(core, "", root_token))
    spaces = {}
    for path, space in sorted(core.state.namespaces.items.items()):
        contents = _contents(core, path, root_token)
        spaces[path] = {"custom_metadata": space.custom_metadata, **contents} if space.custom_metadata else contents
    return {**shown, "namespaces": spaces} if spaces else shown


def _contents(core: Core, namespace: str, root_token: str) -> dict[str, object]:
    shown = {
        **policies.dump(core, namespace),
        **mounts.dump(core, namespace),
        **auth.dump(core, namespace),
        **_dump_own_sections(core, namespace),
        **tokens.dump(core, namespace, root_token),
    }
    return {word: value for word, value in shown.items() if value}


def _dump_own_sections(core: Core, namespace: str) -> dict[str, object]:
    mounts = {key: core.state.mounts.get(namespace, f"{key}/") for key in _own_sections()}
    return {key: own.dump(core, mount) for key, own in _own_sections().items() if (mount := mounts[key]) is not None}
