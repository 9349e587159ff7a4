"""Reading recordings. Every error names the file, the line, and what was expected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mockkms.error_context import file_context
from mockkms.recording.exchange import Exchange, read_exchange
from mockkms.recording.placeholders import Form, placeholder, read_form
from mockkms.recording.writer import FORMAT
from mockkms.vault.golang import json as go_json

LARGEST = 1024 * 1024 * 1024
"""Bytes of the largest recording that is read."""
_BEGINNING = b'{"mockkms_recording":'


class RecordingError(ValueError):
    """A recording that cannot be used: the message names the file and says what to do."""


@dataclass
class Recording:
    """What a file holds."""

    path: Path
    upstream: str = ""
    started: str = ""
    """RFC 3339."""
    exchanges: list[Exchange] = field(default_factory=list)
    forms: dict[str, tuple[Form, int]] = field(default_factory=dict)
    """Form and number of each secret, by its placeholder."""
    sections: dict[str, list[Exchange]] = field(default_factory=dict)
    """The exchanges of each section; those before the first one have an empty name."""
    section: str = ""
    """The section that was read last."""
    notes: list[str] = field(default_factory=list)
    """What the recording left out, and whether its last line is incomplete."""


def section_of(recording: Recording, name: str) -> str:
    """Return the name of a section: this one, or the only one that differs by folders before it."""
    if name in recording.sections:
        return name
    alike = [known for known in recording.sections if known and (_below(known, name) or _below(name, known))]
    return alike[0] if len(alike) == 1 else name


def _below(longer: str, shorter: str) -> bool:
    return longer.endswith("/" + shorter)


def read(path: Path) -> Recording:
    """Return the recording in a file. Raises RecordingError."""
    with file_context(f"cannot read the recording {path}: ", RecordingError, of=(OSError, ValueError)):
        if path.is_dir() or (path.exists() and not path.is_file()):
            raise RecordingError("it is not a regular file")
        if path.stat().st_size > LARGEST:
            raise RecordingError(f"it has more than {LARGEST} bytes")
        content = path.read_bytes()
    lines = content.split(b"\n")
    found = Recording(path)
    last = lines.pop()
    if not lines or not lines[0].startswith(_BEGINNING):
        raise RecordingError(
            f"{path} is not a recording of mockkms: `mockkms serve --upstream URL --record FILE` writes one"
        )
    for number, line in enumerate(lines, 1):
        try:
            _take(found, number, _parsed(line))
        except ValueError as error:
            raise RecordingError(f"{path}, line {number}: {error}; the file was edited or damaged") from None
    if last:
        found.notes.append("the last request is incomplete and ignored: the server that recorded it was killed")
    return found


def is_recording(path: Path) -> bool:
    """Return whether a file begins as a recording."""
    try:
        if not path.is_file():
            return False  # A pipe, such as that of ``<(command)``, can be read once.
        with path.open("rb") as file:
            return file.read(len(_BEGINNING)) == _BEGINNING
    except (OSError, ValueError):
        return False


def _parsed(line: bytes) -> Mapping[str, object]:
    try:
        value = go_json.decode(line, any_number=True, whole=True)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"it is not JSON: {error}") from None
    if not isinstance(value, Mapping):
        raise ValueError("it is not an object")
    return value


def _take(found: Recording, number: int, line: Mapping[str, object]) -> None:
    if number == 1:
        version = line.get("mockkms_recording")
        if version != FORMAT:
            raise RecordingError(
                f"{found.path} has format {version}, written by mockkms {line.get('version', '?')}; this version reads "
                f"format {FORMAT}: upgrade mockkms, or record again"
            )
        found.upstream, found.started = str(line.get("upstream", "")), str(line.get("started", ""))
    elif "secret" in line:
        which = line["secret"]
        if not isinstance(which, int) or not 0 < which < 10**9:
            raise ValueError("secret is not a number above 0")
        form = read_form(line)
        found.forms[placeholder(form, which)] = form, which
    elif "request" in line:
        exchange = read_exchange(line)
        found.exchanges.append(exchange)
        found.sections.setdefault(found.section, []).append(exchange)
        found.notes += [f"{exchange.request.line}: {reason}" for reason in exchange.left_out if len(found.notes) < 1000]
    elif "section" in line:
        found.section = str(line["section"])
        found.sections.setdefault(found.section, [])
    elif "end" in line:
        if line["end"] != "closed":
            found.notes.append(str(line["end"]))
    else:
        raise ValueError("expected a secret, or a request with its answer")
