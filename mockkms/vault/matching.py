"""Which endpoint a request is for: found out once, and read by the pipeline, the fault rules and the journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mockkms.vault import registry
from mockkms.vault.message import ErrorResponse, Operation, Request
from mockkms.vault.mounts import Mount

if TYPE_CHECKING:
    from mockkms.vault.core import Core
    from mockkms.vault.endpoint import Call, Endpoint, Engine
    from mockkms.vault.mounts import MountTable


@dataclass(slots=True)
class Match:
    """The endpoint that answers a path of a namespace, as the emulated product has it."""

    namespace: str
    path: str
    mount: Mount | None
    """None: nothing is mounted there."""
    engine: Engine | None
    below: str
    """The path below the mount."""
    endpoint: Endpoint | None
    """None: the mount's engine has no such path in this product."""
    captures: dict[str, str]
    login: bool
    """The endpoint answers without a token."""
    sudo: bool
    """The path is root-protected."""
    table: MountTable
    generation: int
    """The state of the mount table that this was read from."""
    converted: tuple[Call, list[str]] | None = field(default=None)
    """The call with its converted fields and the warnings, where the existence check has made them already."""


def match(core: Core, request: Request, namespace: str, path: str) -> Match:
    """Return which endpoint answers ``path`` of ``namespace``.

    The result is kept on the request and returned again for as long as the same is asked and no mount has changed.
    """
    table, known = core.state.mounts, request.match
    if (
        known is not None
        and known.path == path
        and known.namespace == namespace
        and known.table is table
        and known.generation == table.generation
    ):
        return known
    request.match = _match(core, namespace, path, table.match(namespace, path))
    return request.match


def match_system(core: Core, request: Request, path: str) -> Match:
    """Return which endpoint of the system backend answers ``path``, also where nothing is mounted yet."""
    found = match(core, request, "", path)
    return found if found.mount is not None else _match(core, "", path, Mount("sys/", "system", "", "", None))


def _match(core: Core, namespace: str, path: str, mount: Mount | None) -> Match:
    table = core.state.mounts
    if mount is None:
        return Match(namespace, path, None, None, "", None, {}, False, False, table, table.generation)
    product, engine, below = core.product, registry.engine(mount.engine or mount.type), path[len(mount.path) :]
    endpoint, captures = engine.route(below, product) or (None, {})
    login = endpoint is not None and endpoint.is_login(product)
    sudo = engine.needs_sudo(below, endpoint, product)
    return Match(namespace, path, mount, engine, below, endpoint, captures, login, sudo, table, table.generation)


def exists(core: Core, request: Request, found: Match) -> bool | None:
    """Return whether what a write names exists, by its endpoint's check; None where the endpoint has no check.

    Raises ErrorResponse for a parameter that cannot be converted, in the words of the existence check.
    """
    endpoint, mount = found.endpoint, found.mount
    if endpoint is None or mount is None or endpoint.exists is None:
        return None
    if found.converted is None:
        found.converted = endpoint.call(core, mount, request, found.captures, "")
    return endpoint.exists(mount.state, found.converted[0])


def operation_sent(core: Core, request: Request, found: Match) -> str:
    """Return the operation in the words of policies, before anything is decided; ``create`` where nothing exists yet.

    Nothing is changed or counted. A write that cannot be read is an ``update``.
    """
    if request.operation is not Operation.UPDATE:
        return str(request.operation)
    try:
        return "create" if exists(core, request, found) is False else "update"
    except ErrorResponse:
        return "update"
