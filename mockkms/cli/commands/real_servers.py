"""``mockkms diff`` and ``capture``: compare worlds or servers, and describe a real server as a world."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from mockkms.cli.arguments import DESCRIPTION, CommandError, flavor, seconds, sendable, vault_token, whole
from mockkms.cli.calling import add_json, show
from mockkms.cli.options import upstream
from mockkms.cli.progress import progress
from mockkms.cli.streams import write_data
from mockkms.error_context import error_context, file_context
from mockkms.files import write_text

if TYPE_CHECKING:
    from mockkms.comparing.servers import Difference, Marks, Side
    from mockkms.recording.reader import Recording

_KINDS = "two worlds (YAML, ready-made or state files), two servers with --requests, or a recording and a server"

_SILENCE = 20.0
"""Seconds without data after which a request of a capture is given up."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the commands."""
    _add_diff(subparsers)
    _add_capture(subparsers)


def _add_diff(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = f"Show what differs between A and B: {_KINDS}. Exit code 1 if they differ."
    parser = subparsers.add_parser("diff", help="compare two worlds, or two servers", description=text)
    parser.add_argument("a", metavar="A", help="world, address of a server, or recording")
    parser.add_argument("b", metavar="B", help="the same")
    requests = "recording (serve --record) whose requests are sent to both servers, writes included"
    parser.add_argument("--requests", type=Path, metavar="FILE", help=requests)
    parser.add_argument("--reads-only", action="store_true", help="send only requests that read or list")
    token = "token for the requests whose token is not from an earlier answer (default: $VAULT_TOKEN)"
    parser.add_argument("--token", type=sendable, metavar="TOKEN", help=token)
    parser.add_argument("--token-b", type=sendable, metavar="TOKEN", help="the token for B, if it is another one")
    ignore = "key of worlds to ignore, with * and ?; may be repeated"
    parser.add_argument("--ignore", action="append", default=[], metavar="GLOB", help=ignore)
    upstream.add_connection(parser)
    add_json(parser)
    parser.set_defaults(run=_diff)


def _add_capture(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    text = "Write what a real server is configured with as a world in YAML, without secrets. Nothing is changed there."
    parser = subparsers.add_parser("capture", help="describe a real server as a world", description=text)
    parser.add_argument("--upstream", metavar="URL", help="address of the server (default: $VAULT_ADDR)")
    parser.add_argument("--token", type=sendable, metavar="TOKEN", help="token that may read (default: $VAULT_TOKEN)")
    parser.add_argument("--namespace", default="", metavar="PATH", help="start here (default: $VAULT_NAMESPACE)")
    world = f"product of the world (default: the one most like the server); {DESCRIPTION}"
    parser.add_argument("--flavor", type=flavor, metavar="NAME", help=world)
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write to this new file instead of stdout")
    parser.add_argument("--max-requests", type=whole(1, 10**9), default=10_000, metavar="N", help="default: 10000")
    parser.add_argument("--max-seconds", type=seconds, default=300.0, metavar="SECONDS", help="default: 300")
    upstream.add_connection(parser)
    parser.set_defaults(run=_capture)


def _capture(options: argparse.Namespace) -> int:
    """Read the server and write the world; say on stderr what is left out."""
    from mockkms.capture.walk import CaptureLimits, Walk
    from mockkms.capture.world import capture
    from mockkms.server.proxy.client import ServerClient

    environ = os.environ
    url = options.upstream or environ.get("VAULT_ADDR", "")
    if not url:
        raise CommandError("which server? Give its address with --upstream, or set VAULT_ADDR")
    output: Path | None = options.output
    if output is not None and output.exists():
        raise CommandError(f"{output} exists already; remove it, or name another file")
    if options.upstream_timeout is None:
        options.upstream_timeout = _SILENCE
    limits = CaptureLimits(options.max_requests, options.max_seconds)
    namespace = options.namespace or environ.get("VAULT_NAMESPACE", "")
    real = upstream.connection(options, url)
    # ServerSilent is a ValueError.
    with error_context(raised=CommandError), ServerClient(real) as client:
        walk = Walk(client, vault_token(options.token), limits)
        with progress(lambda: f"reading {walk.now} ({walk.requests} requests)"):
            found = capture(walk, url=client.url, namespace=namespace, flavor=options.flavor)
    if output is None:
        write_data(found.text)
    else:
        with file_context(f"cannot write {output}: ", CommandError):
            write_text(output, found.text)
    lines = [f"captured {client.url} with {found.requests} requests, without secrets; left out:"]
    lines += [f"  {what}: {why}" for what, why in found.notes.items()]
    print("\n".join(lines), file=sys.stderr)
    return 0


def _diff(options: argparse.Namespace) -> int:
    """Compare and print; return 1 if there are differences."""
    given = (options.a, options.b)
    urls = [name.startswith(("http://", "https://")) for name in given]
    recordings = [not url and _is_recording(name) for name, url in zip(given, urls, strict=True)]
    if not any(urls) and not any(recordings):
        if options.requests is not None:
            raise CommandError("--requests is for the addresses of two servers; A and B are worlds")
        return _worlds(options)
    if all(urls) and options.requests is None:
        raise CommandError("two servers are compared by the requests of a recording: give it with --requests FILE")
    if not all(urls) and (options.requests is not None or not any(urls) or not any(recordings)):
        raise CommandError(f"{options.a} and {options.b} cannot be compared; expected {_KINDS}")
    source = options.requests or Path(given[recordings.index(True)])
    return _servers(options, source)


def _is_recording(name: str) -> bool:
    from mockkms.recording.reader import is_recording

    return is_recording(Path(name))


def _worlds(options: argparse.Namespace) -> int:
    from mockkms.comparing.worlds import VOLATILE, world_changes

    # SeedError and StateFileError name the file and the place.
    with error_context(raised=CommandError), progress(f"comparing {options.a} and {options.b}"):
        changes = world_changes(options.a, options.b, ignored=(*VOLATILE, *options.ignore))
    if options.json:
        show({"equal": not changes, "changes": changes})
    elif changes:
        print("\n".join(changes))
    return 1 if changes else 0


def _servers(options: argparse.Namespace, source: Path) -> int:
    from mockkms.comparing.servers import Marks, compare
    from mockkms.recording.reader import RecordingError, read
    from mockkms.server.proxy.client import ServerSilent

    with error_context(raised=CommandError, of=RecordingError):
        recording = read(source)
    marks = Marks()
    token = vault_token(options.token)
    found: list[Difference] = []
    count = skipped = unanswered = 0
    total = len(recording.exchanges)
    with ExitStack() as stack, error_context(raised=CommandError, of=ServerSilent):
        one = _side(options, options.a, token, recording, marks, stack)
        other = _side(options, options.b, options.token_b or token, recording, marks, stack)
        with progress(lambda: f"comparing answers ({count} of {total})"):
            for number, difference in compare(recording, one, other, reads_only=options.reads_only):
                count, skipped = number, skipped + (difference is None)
                if difference is not None and difference.changes:
                    unanswered += not difference.answered
                    found.append(difference)
                    if not options.json:
                        print(difference, flush=True)
    compared = count - skipped - unanswered
    if options.json:
        different = [asdict(difference) for difference in found]
        counts = {"compared": compared, "skipped": skipped, "unanswered": unanswered}
        show({"equal": not found, **counts, "differences": different})
    else:
        rest = {"not sent": skipped, "not answered": unanswered}
        more = "".join(f"; {number} {what}" for what, number in rest.items() if number)
        differ = len(found) - unanswered
        print(f"{compared} {'answer' if compared == 1 else 'answers'} compared, {differ} differ{more}")
    return 1 if found else 0


def _side(
    options: argparse.Namespace, name: str, token: str, recording: Recording, marks: Marks, stack: ExitStack
) -> Side:
    from mockkms.comparing.servers import RecordedSide, ServerSide
    from mockkms.server.proxy.client import ServerClient

    if not name.startswith(("http://", "https://")):
        return RecordedSide()
    client = stack.enter_context(ServerClient(upstream.connection(options, name)))
    return ServerSide(client, recording, token, marks)
