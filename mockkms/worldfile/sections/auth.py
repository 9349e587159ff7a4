"""``auth``: auth methods by path (without ``auth/``), each with its roles, users and configuration."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.vault.framework import registry
from mockkms.vault.framework.shapes.collections import Choice, Key, MapOf, Tagged
from mockkms.vault.framework.world_section import Steps, mapping_at
from mockkms.vault.kernel.core import Core
from mockkms.worldfile.applying import Applier
from mockkms.worldfile.sections.mounts import dump_mount, fill, mount_keys, mountable, mounted, variants

_TOKEN_TYPES = ("default-service", "default-batch", "service", "batch", "default")


def shape() -> MapOf:
    """Return the shape of the section: auth methods by path."""
    common = {
        **mount_keys(),
        "token_type": Key(Choice(_TOKEN_TYPES, "token type"), "type of the tokens that the method issues"),
    }
    return MapOf(Tagged("type", variants("auth"), common, "auth method"), _path)


def _path(path: str) -> str | None:
    if path.startswith("auth/"):
        return f'write the path without auth/: "{path.removeprefix("auth/")}"'
    if not path.endswith("/") or path == "/":
        return f'the path of an auth method ends with a slash: "{path}/"'
    return None


def apply(to: Applier, section: Mapping[str, object], steps: Steps, namespace: str) -> None:
    """Mount the auth methods of a namespace and fill them."""
    methods = mapping_at(section, "auth")
    for path in methods:
        spec, method = mapping_at(methods, path), str(mapping_at(methods, path)["type"])
        at = (*steps, "auth", path)
        with to.guard(*at):
            taken = _singleton_at(f"auth/{path}")
            only = registry.only_path("auth", method)
            if (taken or only) and taken != method:
                method_type, place = (taken, path) if taken else (method, only.removeprefix("auth/"))
                text = f"{place} is the path of the {method_type} method only, which has no other path"
                to.fault((*at, "type"), text)
                continue
            if mountable(to, "auth", method, at):
                fill(to.below(*at), mounted(to.core, namespace, f"auth/{path}", spec), spec)


def _singleton_at(path: str) -> str:
    """Return the method that every namespace has once, at this path; empty for any other path."""
    return next(
        (
            method_type
            for method_type in registry.world_types("auth")
            if registry.only_path("auth", method_type) == path
        ),
        "",
    )


def dump(core: Core, namespace: str) -> dict[str, object]:
    """Return the auth methods of a namespace; ``exact`` has the rest."""
    methods = core.state.mounts.of(namespace, auth=True)
    return {"auth": {mount.path.removeprefix("auth/"): dump_mount(core, mount) for mount in methods}}
