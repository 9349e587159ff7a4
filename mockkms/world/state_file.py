"""State files: a world that ``serve --state FILE`` keeps across restarts.

One line of JSON after ``mockkms-state`` (format, version of mockkms, flavor, moment, length and SHA-256 of the rest),
then the pickled state. A file is written beside its place and renamed, so that a reader finds the old one or the new
one, whole. It holds every secret of the world and is readable by its owner alone (mode 0600).

Kept are the Vault, the RustFS admin API, clock and randomness. Fault rules, the journal, snapshots, tenants and which
nodes of a cluster are up belong to a run and are not kept.
"""

from __future__ import annotations

import hashlib
import importlib
import io
import json
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path

from mockkms.collector import paused_collector
from mockkms.error_context import error_context
from mockkms.files import STATE_FILE_MARK, replace_file
from mockkms.json_reading import read_json
from mockkms.rustfs import RustfsState
from mockkms.vault.kernel.state import VaultState
from mockkms.version import __version__
from mockkms.world.clock import ClockState, rfc3339
from mockkms.world.entropy import EntropyState
from mockkms.world.sharing import interruptible_dumps
from mockkms.world.world import Snapshot, World

FORMAT = 1
_LONGEST_HEADER = 4096
_BUILTINS = frozenset(("set", "frozenset", "bytearray", "complex", "object"))
_MODULES = frozenset(("collections", "datetime", "ipaddress"))
"""Modules of the standard library whose classes a state may have."""


class StateFileError(ValueError):
    """A state file that cannot be read or written: the message names it and says what to do."""


@dataclass(frozen=True)
class StateFileHeader:
    """What a state file says of itself."""

    format: int
    version: str
    """Of the mockkms that wrote it."""
    flavor: str
    written: str
    """RFC 3339, by the system's clock."""
    length: int
    """Bytes of the state."""
    sha256: str


@dataclass
class KeptState:
    """The parts of a world that a file keeps."""

    vault: VaultState
    rustfs: RustfsState
    clock: ClockState
    entropy: EntropyState
    root_token: str
    flavor: str


def pickled(snapshot: Snapshot) -> bytes:
    """Return what a file keeps of a snapshot, pickled. The world's lock need not be held."""
    kept = KeptState(*snapshot.load(), snapshot.clock, snapshot.entropy, snapshot.root_token, snapshot.flavor)
    with paused_collector():
        return interruptible_dumps(kept)


def write(path: Path, state: bytes, flavor: str, now: float) -> None:
    """Write what ``pickled`` returned, in one step. ``now`` is epoch seconds.

    Raises StateFileError; then the old file stays.
    """
    header = StateFileHeader(FORMAT, __version__, flavor, rfc3339(now), len(state), hashlib.sha256(state).hexdigest())
    with _io_errors("write", path):
        replace_file(path, STATE_FILE_MARK, json.dumps(vars(header)).encode(), b"\n", state, sync=True)


@contextmanager
def _io_errors(doing: str, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StateFileError(f"cannot {doing} the state file {path}: {error.strerror or error}") from None


def read(path: Path) -> tuple[StateFileHeader, KeptState]:
    """Return a state file's header and state. Raises StateFileError: not a state file, damaged, too new, unreadable."""
    with _io_errors("read", path):
        if not (path.is_file() or path.is_dir()) and path.exists():
            raise StateFileError(f"{path} is a device, a pipe or a socket; a state is kept in a regular file")
        content = path.read_bytes()
    header, state = _parsed(path, content)
    if len(state) != header.length or hashlib.sha256(state).hexdigest() != header.sha256:
        raise StateFileError(
            f"the state file {path} is damaged: {len(state)} of {header.length} bytes, or a wrong checksum; "
            "restore a copy of it, or remove it to start from the world"
        )
    try:
        kept = _Unpickler(io.BytesIO(state)).load()
        if not isinstance(kept, KeptState):
            raise pickle.UnpicklingError(f"found {type(kept).__name__}")
        if header.version != __version__:
            _complete(kept)
    except Exception as error:  # noqa: BLE001 - unpickling a foreign state raises whatever its classes do
        raise StateFileError(
            f"the state file {path} was written by mockkms {header.version} and cannot be read by {__version__} "
            f"({error}); export it with that version (mockkms state export {path}) and import the world here"
        ) from None
    if kept.flavor != header.flavor:
        raise StateFileError(f"the state file {path} is damaged: its first line is not that of its state")
    return header, kept


def apply(world: World, kept: KeptState) -> None:
    """Restore a kept state in a world."""
    world.replace_state(
        kept.vault, kept.rustfs, flavor=kept.flavor, root_token=kept.root_token, clock=kept.clock, entropy=kept.entropy
    )


def resume(world: World, path: Path, flavor: object) -> bool:
    """Load the state in a file, if it exists, as the one that ``reset`` goes back to; return whether it does.

    ``flavor`` is the product that is wanted; None: any. Raises StateFileError.
    """
    with _io_errors("read", path):
        # ``Path.exists`` is False for a link that leads to itself, too.
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
    header, kept = read(path)
    if flavor is not None and flavor != header.flavor:
        raise StateFileError(
            f"the state file {path} keeps a world of {header.flavor}, not of {flavor}; leave the flavor out, "
            "or use another file"
        )
    apply(world, kept)
    world.baseline = world.start = world.snapshot()
    return True


def _parsed(path: Path, content: bytes) -> tuple[StateFileHeader, bytes]:
    line, end, state = content.partition(b"\n")
    if not content.startswith(STATE_FILE_MARK) or not end or len(line) > _LONGEST_HEADER:
        raise StateFileError(f"{path} is not a state file of mockkms; a world in YAML goes to --seed")
    damaged = f"the state file {path} is damaged: its first line cannot be read"
    invalid = (ValueError, KeyError, TypeError)
    with error_context(raised=StateFileError, of=invalid, text=damaged):
        data = read_json(line[len(STATE_FILE_MARK) :])
        number = data["format"]
        if type(number) is not int or number < 1:
            raise ValueError("no number of a format")
    if number > FORMAT:
        raise StateFileError(
            f"the state file {path} has format {number}, written by mockkms {data.get('version', '?')}; this "
            f"version, {__version__}, reads format {FORMAT}: upgrade mockkms, or use another file"
        )
    with error_context(raised=StateFileError, of=invalid, text=damaged):
        header = StateFileHeader(**data)
        for member in fields(header):
            if type(getattr(header, member.name)).__name__ != member.type:
                raise TypeError(member.name)
        return header, state


def _complete(value: object) -> None:
    """Give dataclasses of an older version the members that they did not have.

    Raises TypeError for a member without default.
    """
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, list | tuple | set | frozenset):
            waiting += one
        elif is_dataclass(one) and not isinstance(one, type):
            for member in fields(one):
                if not hasattr(one, member.name):
                    if member.default_factory is not MISSING:
                        object.__setattr__(one, member.name, member.default_factory())
                    elif member.default is not MISSING:
                        object.__setattr__(one, member.name, member.default)
                    else:
                        raise TypeError(f"{type(one).__qualname__} has no {member.name}")
                waiting.append(getattr(one, member.name))


class _Unpickler(pickle.Unpickler):
    """Makes objects of this package and plain containers only: a state file cannot run other code."""

    def find_class(self, module: str, name: str) -> type:
        """Return a class of this package or one of the plain containers. Raises UnpicklingError for all else."""
        known = name in _BUILTINS if module == "builtins" else module in _MODULES or module.startswith("mockkms.")
        if known:
            found: object = importlib.import_module(module)
            for step in name.split("."):
                found = getattr(found, step)
            if isinstance(found, type) and found.__module__ in (module, f"_{module}"):
                return found
        raise pickle.UnpicklingError(f"{module}.{name} is not part of a state")
