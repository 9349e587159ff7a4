"""The output of ``serve``: the banner, the ready file for scripts, warnings."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mockkms.cli.arguments import CommandError
from mockkms.cli.line_writer import LONGEST_LINE, LineWriter, LogLines
from mockkms.error_context import file_context
from mockkms.files import remove_leftovers, replace_file
from mockkms.vault.products import product_named

if TYPE_CHECKING:
    from mockkms.kms import MockKMS
    from mockkms.world.journal.entry import Entry


_FLUSH_SECONDS = 0.1
"""Seconds to wait for the lines of each stream when the server ends."""

_LONGEST_TEXT, _MOST_ITEMS = 200, 10
"""Characters of a text and items of a list in a line of JSON that is too long."""


@cache
def _writer(name: str) -> LineWriter:
    return LineWriter(getattr(sys, name))


class _JsonLines(logging.Formatter):
    """Formats log records as lines of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return _line(record.levelname.lower(), "log", super().format(record))


_formats: list[logging.Formatter] = []
"""The format of lines, if it is not text."""


def write_json() -> None:
    """Write each message, warning and request as a line of JSON from now on."""
    _formats[:] = [_JsonLines()]


def _line(level: str, event: str, message: str, facts: Mapping[str, object] | None = None) -> str:
    """Return what is written for a message: itself, or a JSON object with its facts in place of the message."""
    if not _formats:
        return message
    from mockkms.world.clock import rfc3339

    said = {"message": message} if facts is None else facts
    line = {"time": rfc3339(time.time()), "level": level, "event": event, **said}
    text = json.dumps(line, ensure_ascii=False)
    if len(text) > LONGEST_LINE:
        # The writer would cut it, and what is left would not be JSON.
        text = json.dumps({name: _shortened(value) for name, value in line.items()}, ensure_ascii=False)
    return text


def _shortened(value: object) -> object:
    """Return a text without its end, and a list without its last items, if they are long."""
    if isinstance(value, list):
        return [_shortened(item) for item in value[:_MOST_ITEMS]]
    return f"{value[:_LONGEST_TEXT]}…" if isinstance(value, str) and len(value) > _LONGEST_TEXT else value


def say(text: str, event: str = "message", facts: Mapping[str, object] | None = None) -> None:
    """Write a line to stdout without waiting for its reader. ``facts``: what JSON has in place of the text."""
    _writer("stdout").write(_line("info", event, text, facts))


def note(text: str) -> None:
    """Write a line to stderr, where the real server's log goes, without waiting for its reader."""
    _writer("stderr").write(_line("info", "message", text))


def take_log() -> None:
    """Write log records of this process to stderr without waiting for its reader."""
    lines = LogLines(_writer("stderr"))
    for form in _formats:
        lines.setFormatter(form)
    logging.getLogger().addHandler(lines)


def say_request(entry: Entry) -> None:
    """Write a line about a request that was answered."""
    say(str(entry), "request", entry.data(bodies=False) if _formats else None)


def finish() -> None:
    """Flush both streams, as far as their readers allow."""
    for name in ("stdout", "stderr"):
        _writer(name).close(_FLUSH_SECONDS)


def warn(text: str) -> None:
    """Write a warning line to stderr."""
    with suppress(OSError, ValueError):
        line = _line("warning", "message", text) if _formats else f"mockkms serve: warning: {text}"
        print(line, file=sys.stderr, flush=True)


def banner(kms: MockKMS) -> str:
    """Return the text printed at start: addresses, environment variables, unseal keys and token."""
    names = ("VAULT", "BAO") if product_named(kms.flavor).texts.cli == "bao" else ("VAULT",)
    if kms.world.upstream:
        return _proxy_banner(kms)
    lines = [
        f"mockkms emulates {kms.flavor} at {kms.url} ({kms.state})",
        *([f"Requests in {kms.world.recording} are answered from it"] if kms.world.recording else []),
        *(f"Also at {url}" for url in kms.further_urls),
        *(f"Node {number} at {url}" for number, url in enumerate(_nodes(kms))),
        f"RustFS admin KMS API at {kms.rustfs_url}/rustfs/admin/v3/kms",
        f"Inspector at {kms.control_url}/_mockkms/ui/ (control API: {kms.control_url}/_mockkms/)",
        "",
        *(f"    export {name}_ADDR='{kms.url}'" for name in names),
        *(f"    export {name}_TOKEN='{kms.token}'" for name in names if kms.token),
        *(f"    export {name}_CACERT='{os.path.abspath(kms.ca_file)}'" for name in names if kms.ca_file),
        "",
        *(f"Unseal Key: {key}" for key in kms.unseal_keys),
    ]
    client = product_named(kms.flavor).texts.cli
    if kms.state == "uninitialized":
        lines.append(f"Not initialized yet: `{client} operator init` creates the unseal keys and the root token.")
    else:
        lines.append(f"Root Token: {kms.token}")
    lines += _chaos(kms)
    if kms.state == "sealed":
        lines.append(f"Sealed: `{client} operator unseal` with the unseal key unseals it.")
    stored = f"the state is kept in {kms.state_file}" if kms.state_file else "nothing is stored"
    lines += ["", f"For tests only: keys are predictable or shared, {stored}. Press Ctrl-C to stop."]
    return "\n".join(lines)


def _chaos(kms: MockKMS) -> list[str]:
    """Return the lines about a plan of chaos that runs from the start."""
    run = kms.faults.chaos.run
    return [] if run is None else [f"Chaos: {run.plan.name}, seed {run.seed}; `mockkms chaos status` shows its phase."]


def _proxy_banner(kms: MockKMS) -> str:
    known = {"ADDR": kms.url, "TOKEN": kms.token, "CACERT": os.path.abspath(kms.ca_file) if kms.ca_file else ""}
    lines = [
        _what_it_does(kms),
        f"Inspector at {kms.control_url}/_mockkms/ui/ (control API: {kms.control_url}/_mockkms/)",
        "",
        *(f"    export VAULT_{name}='{value}'" for name, value in known.items() if value),
        "",
        *_chaos(kms),
        "For tests only: the journal keeps requests and responses, secrets included. Press Ctrl-C to stop.",
    ]
    return "\n".join(lines)


def _what_it_does(kms: MockKMS) -> str:
    if kms.world.mode == "replay":
        return f"mockkms answers at {kms.url} from the recording {kms.world.upstream}"
    recorder = kms.recorder
    recorded = f", recorded without secrets in {recorder.path}" if recorder is not None else ""
    return f"mockkms forwards requests at {kms.url} to {kms.world.upstream}{recorded}"


def ready(kms: MockKMS) -> dict[str, object]:
    """Return the content of the ready file."""
    return {
        "url": kms.url,
        "rustfs_url": kms.rustfs_url,
        "further_urls": kms.further_urls,
        "control_url": kms.control_url,
        "nodes": _nodes(kms),
        "flavor": kms.flavor,
        "state": kms.state,
        "upstream": kms.world.upstream,
        "token": kms.token,
        "unseal_keys": kms.unseal_keys,
        "ca_file": os.path.abspath(kms.ca_file) if kms.ca_file else "",
        "pid": os.getpid(),
    }


def _nodes(kms: MockKMS) -> list[str]:
    """Return the addresses of the nodes; empty if ``kms`` is a single server."""
    return list(getattr(kms, "urls", ()))


def forget_ready_file(path: Path) -> None:
    """Remove the ready file of an earlier server. Raises CommandError if the path cannot be written."""
    with _writing(path):
        if path.exists() and not path.is_file():
            raise CommandError(f"cannot write the ready file {path}: it is not a regular file")
        if not path.parent.is_dir():
            raise CommandError(f"cannot write the ready file {path}: {path.parent} is not a directory")
        path.unlink(missing_ok=True)
        remove_leftovers(path)


def write_ready_file(path: Path, kms: MockKMS) -> None:
    """Write the ready file atomically, readable by its owner only: it holds the token. Raises CommandError."""
    with _writing(path):
        replace_file(path, json.dumps(ready(kms)).encode(), b"\n")


def write_pid_file(path: str) -> None:
    """Write the process id to ``path``. Raises CommandError."""
    with file_context(f"cannot write the pid file {path}: ", CommandError, of=(OSError, ValueError)):
        Path(path).write_text(f"{os.getpid()}")


def _writing(path: Path) -> file_context:
    return file_context(f"cannot write the ready file {path}: ", CommandError, of=(OSError, ValueError))
