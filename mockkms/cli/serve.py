"""``mockkms serve``: a server in the foreground until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockkms.cli.errors import CommandError

if TYPE_CHECKING:
    from mockkms.kms import MockKMS


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("serve", help="serve a world until interrupted", description=__doc__)
    add_flags(parser)
    parser.set_defaults(run=run)


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of a server, for every command that starts one."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=_port, default=8200, help="port; 0 picks a free one (default: %(default)s)")
    parser.add_argument("--rustfs-port", type=_port, metavar="PORT", help="a second port, usually 9000; both serve both APIs")
    parser.add_argument("--root-token", metavar="TOKEN", help="id of the root token (default: the world's, else root)")
    parser.add_argument("--seed", action="append", default=[], metavar="FILE", help="a world in YAML; later files win")
    parser.add_argument("--rng", type=int, metavar="N", help="repeat every id, key and nonce from this seed")
    parser.add_argument("--flavor", choices=("vault", "openbao"), help="which product to be (default: the world's, else vault)")
    parser.add_argument("--ready-file", type=Path, metavar="PATH", help="write addresses and token as JSON once it listens")
    parser.add_argument("-v", "--verbose", action="store_true", help="one line per request")


def _port(text: str) -> int:
    if not text.isdigit() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


def run(options: argparse.Namespace) -> int:
    """Serve until a signal says stop."""
    kms = started(options)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        if options.ready_file is not None:
            write_ready_file(options.ready_file, kms)
        sys.stdout.write(banner(kms))
        sys.stdout.flush()
        stop.wait()
    finally:
        kms.stop()
    return 0


def started(options: argparse.Namespace) -> MockKMS:
    """A server as the flags say, listening. Raises CommandError for a seed with faults and a taken port."""
    from mockkms.kms import MockKMS
    from mockkms.seed import SeedError

    try:
        kms = MockKMS(
            seed=options.seed or None,
            host=options.host,
            port=options.port,
            rustfs_port=options.rustfs_port,
            root_token=options.root_token,
            rng=options.rng,
            flavor=options.flavor,
        )
    except SeedError as error:
        raise CommandError(str(error)) from None
    if options.verbose:
        kms.journal.listeners.append(_print_line)
    try:
        return kms.start()
    except OSError as error:
        raise CommandError(_listen_error(options, error)) from None


def _listen_error(options: argparse.Namespace, error: OSError) -> str:
    ports = [port for port in (options.port, options.rustfs_port) if port]
    where = " or ".join(f"{options.host}:{port}" for port in ports) or options.host
    return f"cannot listen on {where}: {error.strerror or error}; --port 0 picks a free port"


def ready(kms: MockKMS) -> dict[str, Any]:
    """What a script needs to use the server."""
    return {"url": kms.url, "rustfs_url": kms.rustfs_url, "token": kms.token, "unseal_keys": kms.unseal_keys}


def write_ready_file(path: Path, kms: MockKMS) -> None:
    """Write ``ready`` to ``path`` in one step, readable by its owner alone: it holds the token."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(ready(kms), file)
            file.write("\n")
        os.replace(name, path)
    except OSError as error:
        raise CommandError(f"cannot write the ready file {path}: {error.strerror or error}") from None


def banner(kms: MockKMS) -> str:
    """What users of ``vault server -dev`` look for on the screen."""
    keys = "".join(f"Unseal Key: {key}\n" for key in kms.unseal_keys)
    names = ("VAULT", "BAO") if kms.flavor == "openbao" else ("VAULT",)
    exports = "".join(f"    export {n}_ADDR='{kms.url}'\n    export {n}_TOKEN='{kms.token}'\n" for n in names)
    return (
        f"mockkms emulates {kms.flavor} at {kms.url}\n"
        f"RustFS admin KMS API at {kms.rustfs_url}/rustfs/admin/v3/kms\n"
        f"Faults, journal and clock at {kms.url}/_mockkms/\n\n"
        f"{exports}\n{keys}Root Token: {kms.token}\n\n"
        "For tests only: keys are predictable or shared, nothing is stored. Ctrl-C stops it.\n"
    )


def _print_line(entry: Any) -> None:
    print(entry.line(), flush=True)
