"""``mockkms serve``: run a server in the foreground until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import errno
import gc
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from mockkms.cli import screen
from mockkms.cli.arguments import CommandError, port_number
from mockkms.cli.ending_signals import ENDING, EndingSignals
from mockkms.cli.options import cluster, control, starting, tls, watch
from mockkms.cli.options import rustfs as rustfs_options
from mockkms.cli.options import upstream as upstream_options
from mockkms.cli.options.serving import HOST, PORT, described_server
from mockkms.cli.progress import progress
from mockkms.vault.kernel.node import INITIAL_STATES, STORAGES

if TYPE_CHECKING:
    from mockkms.kms import MockKMS

_RSA_SIZES = (2048, 3072, 4096)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("serve", help="serve a world until interrupted", description=__doc__)
    listen = parser.add_argument_group("listening")
    listen.add_argument("--host", help=f"address to listen on (default: {HOST})")
    listen.add_argument("--port", type=port_number, help=f"port; 0 picks a free one (default: {PORT})")
    sockets = "also listen on a Unix socket: unix:/run/vault.sock[,mode=0660][,user=NAME][,group=NAME]; may be repeated"
    listen.add_argument("--listen", action="append", default=[], metavar="unix:PATH", help=sockets)
    tls.add_options(listen)
    files = "Vault configuration, HCL or JSON; the Vault is uninitialized without --root-token or --state"
    listen.add_argument("--config", action="append", type=Path, metavar="FILE", help=files)
    world = parser.add_argument_group("world")
    world.add_argument(
        "--seed", action="append", default=[], metavar="FILE", help="world in YAML; later files override"
    )
    state = "file that keeps the state over restarts; or the state of the Vault: " + ", ".join(INITIAL_STATES)
    world.add_argument("--state", action="append", metavar="FILE|STATE", help=state)
    starting.add_world(world)
    world.add_argument("--storage", choices=STORAGES, help="raft: with the endpoints of raft storage (default: inmem)")
    plugins = "folder with the programs of external plugins, which can then be registered; none is run"
    world.add_argument("--plugin-directory", type=Path, metavar="DIR", help=plugins)
    world.add_argument("--fresh-keys", action="store_true", help="generate every RSA key on demand: slow")
    watch.add_options(world)
    control.add_options(parser)
    upstream_options.add_options(parser)
    cluster.add_options(parser)
    rustfs_options.add_options(parser)
    parser.add_argument("--ready-file", type=Path, metavar="PATH", help="write addresses and token as JSON when ready")
    parser.add_argument(
        "--stop-on-eof", action="store_true", help="stop when standard input ends, as it does with the parent process"
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="print one line per request")
    lines = "lines of JSON in place of text, for collectors of logs; requests come with -v"
    parser.add_argument("--log-format", choices=("text", "json"), default="text", help=lines)
    parser.set_defaults(run=run, pid_file="")


def run(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM. Raises CommandError."""
    return serve_until_signal(options)


def serve_until_signal(
    options: argparse.Namespace,
    banner: Callable[[MockKMS], str] = screen.banner,
    farewell: Callable[[], None] = lambda: None,
) -> int:
    """Serve until SIGINT or SIGTERM, and exit: with 1 if the state was not written completely.

    ``banner`` returns the text printed once the server listens; ``farewell`` is called once it has ended. Returns 2 for
    an invalid world, whose problems are printed. Raises CommandError if the server cannot start.
    """
    from mockkms.worldfile.problems import SeedError

    if options.log_format == "json":
        screen.write_json()
    try:
        kms = _loaded(options)
    except SeedError as error:
        print("\n".join(str(problem) for problem in error.problems), file=sys.stderr)
        return 2
    if options.verbose:
        kms.journal.subscribe(screen.say_request)
    if options.ready_file is not None:
        screen.forget_ready_file(options.ready_file)
    # Clients may see the port before the ready file, and end the server at once.
    signals = EndingSignals()
    try:
        with import_module("mockkms.server.wire.loops").fast_loops():
            _start(kms, options)
    except CommandError:
        signals.release()
        raise
    ports = _ports(kms, options)
    screen.take_log()
    _ignore_reloads()
    watcher = watch.watcher(kms, options, signals)
    try:
        _announce(kms, options, banner)
        if kms.rng is None and not options.fresh_keys and not kms.world.upstream:
            _prepare_keys()
        gc.freeze()
        if watcher is not None:
            watcher.start()
        if options.stop_on_eof:
            signals.end_with_input()
        signals.wait()
    finally:
        _stop(kms, options)
        farewell()
    if signals.restart:
        screen.finish()
        _start_again(ports)
    return _leave(0 if kms.state_complete else 1)


def _loaded(options: argparse.Namespace) -> MockKMS:
    """Return the server that the command line describes, not yet started. Raises CommandError and SeedError."""
    # Everything imported from here on stays alive, so garbage collection would only delay the start.
    gc.disable()
    try:
        _import_aiohttp()
        with progress("loading the world"):
            return described_server(options)
    finally:
        gc.enable()


def _announce(kms: MockKMS, options: argparse.Namespace, banner: Callable[[MockKMS], str]) -> None:
    """Write the files and the text that say that the server listens. Raises CommandError."""
    # Programs that start a server wait for its first line, and then read the file.
    if options.ready_file is not None:
        screen.write_ready_file(options.ready_file, kms)
    if options.pid_file:
        screen.write_pid_file(options.pid_file)
    screen.say(banner(kms), "ready", screen.ready(kms))


def _stop(kms: MockKMS, options: argparse.Namespace) -> None:
    """Stop the server, say what it recorded, and remove the pid file."""
    kms.stop()
    if kms.recorder is not None:
        screen.say(kms.recorder.summary())
    if options.pid_file:
        Path(options.pid_file).unlink(missing_ok=True)


def _ports(kms: MockKMS, options: argparse.Namespace) -> list[str]:
    """Return the flags with which a new start listens on the same ports as this one, also those that were picked."""
    found = ["--port", _port(kms.url)]
    if options.rustfs_port is not None:
        found += ["--rustfs-port", _port(kms.rustfs_url)]
    if options.control_port is not None:
        found += ["--control-port", _port(kms.control_url)]
    return found


def _port(url: str) -> str:
    return url.rpartition(":")[2]


def _start_again(ports: list[str]) -> NoReturn:
    """Replace this process by a new one of the same command line, on the same ports."""
    # A signal that comes meanwhile waits until the new process can handle it.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    given = sys.orig_argv[1:]
    if given[-len(ports) :] != ports:  # This process may have been started in the same way.
        given += ports
    os.execv(sys.executable, [sys.executable, *given])


def _import_aiohttp() -> None:
    """Import aiohttp without its client reading the CA certificates twice, which takes a tenth of a second."""
    given = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = os.devnull
    try:
        import_module("aiohttp")
    finally:
        if given is None:
            del os.environ["SSL_CERT_FILE"]
        else:
            os.environ["SSL_CERT_FILE"] = given


def _start(kms: MockKMS, options: argparse.Namespace) -> None:
    from mockkms.world.state_file import StateFileError

    try:
        kms.start()
    except StateFileError as error:
        raise CommandError(str(error)) from None
    except (OSError, ValueError) as error:
        where = getattr(error, "filename", None) or f"{options.host}:{options.port}"
        flag = _flag_of(options, where) if getattr(error, "errno", 0) == errno.EADDRINUSE else ""
        hint = f"; {flag} 0 picks a free port" if flag else ""
        raise CommandError(f"cannot listen on {where}: {getattr(error, 'strerror', None) or error}{hint}") from None


def _flag_of(options: argparse.Namespace, address: str) -> str:
    """Return the flag that sets the port of an address; empty for one of a configuration or a socket."""
    if options.command != "serve":
        return ""  # ``mockkms server`` has the flags of Vault.
    flags = {f"{options.host}:{options.port + 2 * node}": "--port" for node in range(options.nodes or 1)}
    flags[f"{options.host}:{options.rustfs_port}"] = "--rustfs-port"
    flags[f"127.0.0.1:{options.control_port}"] = "--control-port"
    return flags.get(address, "")


def _prepare_keys() -> None:
    """Generate RSA keys in advance, so that the first request for one does not wait."""
    from mockkms.crypto.rsa import pool

    pool.default_pool().prepare(*_RSA_SIZES)


def _ignore_reloads() -> None:
    """Answer SIGHUP with a line. It makes the real server reload its files and would end this process."""
    number = getattr(signal, "SIGHUP", None)
    if number is not None:
        signal.signal(number, lambda *_: screen.say("mockkms serve: SIGHUP ignored; files are read at start only"))


def _leave(code: int) -> int:
    """Exit at once: a key that is being generated would delay a regular exit by seconds."""
    screen.finish()
    os._exit(code)
