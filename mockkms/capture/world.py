"""Describing a running server as a world file without secrets, from which tests can start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mockkms.capture.sections import namespace_sections, namespaces, note_the_rest
from mockkms.capture.walk import Walk
from mockkms.vault.products import Product, product_named
from mockkms.vault.products.features import Feature
from mockkms.version import __version__
from mockkms.world.world import World
from mockkms.worldfile import SeedError, WorldSpec, load, populate
from mockkms.worldfile.dumping import yaml_text
from mockkms.worldfile.sources import Written

_ROUNDS = 100
"""Attempts to load the world, each without what the one before refused."""
_NAME = "captured"
_NOWHERE = "mockkms-capture-does-not-exist/"
"""A namespace that no server has."""


@dataclass(frozen=True)
class Captured:
    """A captured world."""

    text: str
    """The world in YAML, with comments that say what is left out."""
    flavor: str
    requests: int
    notes: Mapping[str, str]
    """What is left out, with the reason."""


def capture(walk: Walk, *, url: str, namespace: str = "", flavor: str | None = None) -> Captured:
    """Read a server, from a namespace on, which becomes the root namespace.

    ``flavor`` is the product of the world; None: the most similar one. Raises ServerSilent, and ValueError if the token
    can read nothing.
    """
    start = namespace.strip("/") + "/" if namespace.strip("/") else ""
    health = walk.answer("sys/seal-status")
    if health.get("sealed") is True or health.get("initialized") is False:
        why = "sealed" if health.get("initialized") else "not initialized"
        raise ValueError(f"{url} is {why}; nothing can be read")
    if start:
        _check_namespace(walk, url, start)
    spaces = namespaces(walk, start)
    product = product_named(flavor) if flavor else _product(health, has_namespaces=bool(spaces))
    vault = namespace_sections(walk, start, product)
    if not vault and walk.notes:
        refused = next(iter(walk.notes.items()))
        hint = "" if walk.token else "; give a token that may read, with --token or VAULT_TOKEN"
        raise ValueError(f"nothing of {url} can be read: {refused[0]}: {refused[1]}{hint}")
    if spaces and not product.has(Feature.NAMESPACES):
        walk.left_out(", ".join(spaces), f"{product.name} has no namespaces")
    elif spaces:
        vault["namespaces"] = {
            path.rstrip("/"): {
                **({"custom_metadata": dict(metadata)} if metadata else {}),
                **namespace_sections(walk, start + path, product),
            }
            for path, metadata in spaces.items()
        }
    note_the_rest(walk)
    document: dict[str, object] = {"mockkms": 1, "flavor": product.name, "vault": vault}
    _make_it_load(document, walk)
    head = [f"# Captured by mockkms {__version__} from {url}, without secrets. Left out:"]
    head += [f"# - {what}: {why}" for what, why in walk.notes.items()]
    return Captured("\n".join(head) + "\n" + yaml_text(document), product.name, walk.requests, dict(walk.notes))


def _check_namespace(walk: Walk, url: str, start: str) -> None:
    """Raise ValueError if the server ignores namespaces, or has none of this name."""
    shown = start.rstrip("/")
    if walk.status(start + _NOWHERE, "sys/mounts") == 200:
        raise ValueError(
            f"{url} ignores namespaces and would answer for {shown!r} with its own state: give no namespace"
        )
    if walk.status(start, "sys/mounts") == 404:
        raise ValueError(f"{url} has no namespace {shown!r}")


def _product(status: Mapping[str, object], *, has_namespaces: bool) -> Product:
    """Return the product that is most similar to a server with this seal status."""
    version = str(status.get("version", ""))
    enterprise = "ent" in version
    bao = "commit_date" in status or str(status.get("cluster_name", "")).startswith("bao-")
    if bao or (has_namespaces and not enterprise):
        return product_named("openbao")
    return product_named("vault-1.21" if version.startswith("1.") else "vault")


def _make_it_load(document: dict[str, object], walk: Walk) -> None:
    """Remove what the emulated server refuses, so that the world can be loaded."""
    for _ in range(_ROUNDS):
        problems = _problems(document)
        if not problems:
            return
        removed = [(_remove(document, path), message) for path, message in problems]
        for what, message in removed:
            if what:
                walk.left_out(what, f"the emulated server refuses it: {message}")
        if not any(what for what, _ in removed):
            break
    raise ValueError("the captured world cannot be loaded; report this with the lines above")


def _problems(document: dict[str, object]) -> list[tuple[str, str]]:
    try:
        spec: WorldSpec = load(Written(_NAME, yaml_text(document)))
        world = World()
        world.begin(root_token="root", rng=1, flavor=str(document["flavor"]))
        populate(world, spec)
    except SeedError as error:
        return [(problem.path, problem.message) for problem in error.problems]
    return []


def _remove(document: dict[str, object], path: str) -> str:
    """Remove the smallest described thing at a path of a problem; return its name, empty if it was removed before.

    Steps of the path are joined by dots, which names may contain: the longest key that fits is taken.
    """
    at: object = document
    parent: dict[str, object] | None = None
    grand: dict[str, object] | None = None
    last, mount, shown = "", "", ""
    rest = path
    while rest and isinstance(at, dict):
        fits = [key for key in at if rest == key or rest.startswith((f"{key}.", f"{key}["))]
        if not fits:
            break
        key = max(fits, key=len)
        grand, mount = parent, last
        parent, last, at = at, key, at[key]
        shown = f"{shown}.{key}" if shown else str(key)
        rest = rest[len(key) :].lstrip(".")
    if last == "type" and grand is not None:
        parent, last = grand, mount
    # ``vault`` as a whole is never removed for one of its parts.
    if parent is None or shown.count(".") < 2 or last in ("mounts", "auth", "namespaces"):
        return ""
    del parent[last]
    return shown
