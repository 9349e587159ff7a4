"""External plugins: those that are registered, which of them a new mount gets, and what running one would report.

The server never runs a program. A plugin with an ``engine``, which worlds declare, is answered for by that built-in
type; any other is refused as the real server refuses a program that is not a plugin, after the same checks of the file.

Sources: answers of OpenBao 2.6.2 to a plugin directory with files of every kind; for versions, pins and what belongs to
one product only, the published source of each.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.message import BackendError
from mockkms.vault.golang.fmt import error_list
from mockkms.vault.sys.plugins.versions import version_order
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.framework.endpoint import Call

TYPES = ("auth", "database", "secret")
_CHUNK = 1 << 20
_HINT = "mockkms runs no plugins; `plugins` in a world names a built-in type that answers for one"
_NO_HANDSHAKE = (
    "Unrecognized remote plugin message: \nFailed to read any lines from plugin's stdout\nThis usually means\n"
    "  the plugin was not compiled for this architecture,\n"
    "  the plugin is missing dynamic-link libraries necessary to run,\n"
    "  the plugin is not executable by this process due to file permissions, or\n"
    "  the plugin failed to negotiate the initial go-plugin protocol handshake\n\nAdditional notes about plugin:\n"
)


@stored("plugins.Plugin")
@dataclass
class Plugin:
    """A registered plugin, in one version."""

    type: str
    """``auth``, ``database`` or ``secret``."""
    name: str
    version: str = ""
    """``v1.2.3``; empty for a plugin without one."""
    command: str = ""
    """The program, below the plugin directory."""
    args: list[str] = field(default_factory=list)
    env: list[str] = field(default_factory=list)
    sha256: str = ""
    """The program's hash, hex."""


def registered(core: Context) -> dict[str, Plugin]:
    """Return the registered plugins by type, name and version, as ``secret/mine/v1.2.3``."""
    found: dict[str, Plugin] = core.state.system.get("plugins", {})
    return found


def pins(core: Context) -> dict[str, str]:
    """Return the pinned versions by type and name, as ``secret/mine``."""
    found: dict[str, str] = core.state.system.get("plugin pins", {})
    return found


def engine_of(core: Context, kind: str, name: str) -> str:
    """Return the built-in type that answers for an external plugin; empty if there is none."""
    found: dict[str, str] = core.state.system.get("plugin engines", {})
    return found.get(f"{kind}/{name}", "")


def answer_with(core: Context, kind: str, name: str, engine: str) -> None:
    """Let a built-in type answer for all versions of an external plugin."""
    core.state.system.setdefault("plugin engines", {})[f"{kind}/{name}"] = engine


def _key(kind: str, name: str, version: str) -> str:
    return f"{kind}/{name}/{version}".rstrip("/")


def add(core: Context, plugin: Plugin) -> None:
    """Register a plugin, or replace it."""
    core.state.system.setdefault("plugins", {})[_key(plugin.type, plugin.name, plugin.version)] = plugin


def remove(core: Context, kind: str, name: str, version: str) -> None:
    """Remove a plugin, if it is registered. Raises BackendError for a pinned version."""
    if pins(core).get(f"{kind}/{name}", "") == version != "":
        raise BackendError("cannot delete a pinned version")
    registered(core).pop(_key(kind, name, version), None)


def pin(core: Context, kind: str, name: str, version: str) -> None:
    """Make a version the one that is used; an empty one ends that."""
    if version:
        core.state.system.setdefault("plugin pins", {})[f"{kind}/{name}"] = version
    else:
        pins(core).pop(f"{kind}/{name}", None)


def of_type(core: Context, kind: str) -> list[Plugin]:
    """Return the registered plugins of a type by name and version, the lowest first."""
    found = [one for one in registered(core).values() if one.type == kind]
    return sorted(found, key=lambda one: (one.name, version_order(one.version)))


def find(core: Context, kind: str, name: str, version: str) -> Plugin | None:
    """Return a registered plugin that can be used: not without a plugin directory, unless a type answers for it."""
    found = registered(core).get(_key(kind, name, version))
    return found if found is not None and (core.server.plugin_directory or engine_of(core, kind, name)) else None


def is_builtin(core: Context, kind: str, name: str, version: str) -> bool:
    """Return whether the catalog has a built-in plugin; one without a version in its place hides it."""
    if not core.product.builtins.knows(kind, name) or version not in ("", core.product.builtin_version(name)):
        return False
    return find(core, kind, name, "") is None


def selected(core: Context, kind: str, name: str) -> str:
    """Return the version that a new user of a plugin gets without asking for one; empty: built in, or without one.

    It is the pinned one, else the plugin without a version, else the highest version.
    """
    if not registered(core):
        return ""
    pinned = pins(core).get(f"{kind}/{name}", "")
    if pinned:
        return "" if is_builtin(core, kind, name, pinned) else pinned
    if find(core, kind, name, "") is not None:
        return ""
    versions = [one.version for one in of_type(core, kind) if one.name == name]
    return versions[-1] if versions and find(core, kind, name, versions[-1]) is not None else ""


# -- programs --------------------------------------------------------------------------------------------------------


def check_command(directory: str, command: str) -> None:
    """Raise BackendError if a command is not in the plugin directory."""
    path = os.path.normpath(f"{directory}/{command}")
    try:
        target = os.path.realpath(path, strict=True)
    except OSError as error:
        fault = f"lstat {error.filename}: {_go_text(error)}"
        raise BackendError(f"error while validating the command path: {fault}") from None
    if str(Path(target).parent) != directory:
        raise BackendError("cannot execute files outside of configured plugin directory")


def failure(directory: str, plugin: Plugin) -> str:
    """Return what running a plugin reports: a wrong hash, an unusable file, or a program that is not a plugin."""
    path = os.path.normpath(f"{directory}/{plugin.command}")
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            what = "is a directory" if stat.S_ISDIR(status.st_mode) else "invalid argument"
            return f"error verifying checksum: read {path}: {what}"
        head, digest = _read(path, status.st_size)
    except OSError as error:
        return f"error verifying checksum: open {path}: {_go_text(error)}"
    if digest != plugin.sha256:
        return "checksums did not match"
    if not os.access(path, os.X_OK):
        return f"fork/exec {path}: permission denied"
    if not head.startswith((b"\x7fELF", b"#!", b"\xcf\xfa\xed\xfe")):
        return f"fork/exec {path}: exec format error"
    return _NO_HANDSHAKE + "".join(f"  {line}\n" for line in _notes(path, status))


def _read(path: str, size: int) -> tuple[bytes, str]:
    """Return the first bytes of a file of ``size`` bytes, and its hash."""
    digest, head = hashlib.sha256(), b""
    with open(path, "rb") as file:
        while size > 0 and (chunk := file.read(min(_CHUNK, size))):
            head = head or chunk[:4]
            digest.update(chunk)
            size -= len(chunk)
    return head, digest.hexdigest()


def _notes(path: str, status: os.stat_result) -> Iterable[str]:
    yield f"Path: {path}"
    yield f"Mode: {stat.filemode(status.st_mode)}"
    if hasattr(os, "getuid"):
        import grp
        import pwd

        users = [_named(number, lambda one: pwd.getpwuid(one).pw_name) for number in (status.st_uid, os.getuid())]
        groups = [_named(number, lambda one: grp.getgrgid(one).gr_name) for number in (status.st_gid, os.getgid())]
        yield f"Owner: {users[0]} (current: {users[1]})"
        yield f"Group: {groups[0]} (current: {groups[1]})"


def _named(number: int, name_of: Callable[[int], str]) -> str:
    try:
        return f"{number} [{name_of(number)}]"
    except KeyError:
        return f"{number} []"


def _go_text(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def refusal(call: Call, plugin: Plugin, what: str) -> str:
    """Return the error of a request that would run a plugin; ``what`` (``backend``, ``database``) names its part."""
    call.request.trace.hint = _HINT
    return f"invalid {what} version: {error_list([failure(call.core.server.plugin_directory, plugin)] * 2)}"
