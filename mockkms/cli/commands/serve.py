"""``mockkms serve``: run a server in the foreground until SIGINT or SIGTERM."""

from __future__ import annotations

import argparse
import errno
import gc
import ipaddress
import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from mockkms.cli import screen
from mockkms.cli.arguments import DESCRIPTION, CommandError, flavor, port_number, rng
from mockkms.cli.ending_signals import ENDING, EndingSignals
from mockkms.cli.options import cluster, control, watch
from mockkms.cli.options import rustfs as rustfs_options
from mockkms.cli.options import upstream as upstream_options
from mockkms.cli.progress import progress
from mockkms.vault.kernel.node import INITIAL_STATES, INMEM, STORAGES

if TYPE_CHECKING:
    from mockkms.cli.config import ListenerConfig, ServerConfig
    from mockkms.kms import Listener, MockKMS
    from mockkms.server.wire.tls import Tls, TlsFiles

_HOST, _PORT = "127.0.0.1", 8200
_RSA_SIZES = (2048, 3072, 4096)


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser("serve", help="serve a world until interrupted", description=__doc__)
    listen = parser.add_argument_group("listening")
    listen.add_argument("--host", help=f"address to listen on (default: {_HOST})")
    listen.add_argument("--port", type=port_number, help=f"port; 0 picks a free one (default: {_PORT})")
    sockets = "also listen on a Unix socket: unix:/run/vault.sock[,mode=0660][,user=NAME][,group=NAME]; may be repeated"
    listen.add_argument("--listen", action="append", default=[], metavar="unix:PATH", help=sockets)
    listen.add_argument("--tls", action="store_true", help="HTTPS with a new certificate for localhost")
    listen.add_argument("--tls-cert", metavar="PEM", help="HTTPS with this certificate (chain)")
    listen.add_argument("--tls-key", metavar="PEM", help="its key, unencrypted")
    clients = "require client certificates that this authority issued (mutual TLS)"
    listen.add_argument("--tls-client-ca", metavar="PEM", help=clients)
    listen.add_argument("--config", action="append", type=Path, metavar="FILE", help="Vault configuration, HCL or JSON")
    world = parser.add_argument_group("world")
    world.add_argument(
        "--seed", action="append", default=[], metavar="FILE", help="world in YAML; later files override"
    )
    state = "file that keeps the state over restarts; or the state of the Vault: " + ", ".join(INITIAL_STATES)
    world.add_argument("--state", action="append", metavar="FILE|STATE", help=state)
    world.add_argument("--root-token", metavar="TOKEN", help="id of the root token (default: the world's, else root)")
    world.add_argument("--flavor", type=flavor, metavar="NAME", help=f"default: the world's, else vault; {DESCRIPTION}")
    world.add_argument("--rng", type=rng, metavar="SEED", help="number or text that all ids, keys and nonces follow")
    world.add_argument("--storage", choices=STORAGES, help="raft: with the endpoints of raft storage (default: inmem)")
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
    """Serve until SIGINT or SIGTERM."""
    return serve_until_signal(options)


def serve_until_signal(
    options: argparse.Namespace,
    banner: Callable[[MockKMS], str] = screen.banner,
    farewell: Callable[[], None] = lambda: None,
) -> int:
    """Serve until SIGINT or SIGTERM. ``banner`` returns the text printed once it listens; ``farewell`` runs at exit."""
    from mockkms.worldfile.problems import SeedError

    if options.log_format == "json":
        screen.write_json()
    # Everything imported from here on stays alive, so garbage collection would only delay the start.
    gc.disable()
    try:
        _import_aiohttp()
        with progress("loading the world"):
            kms = _made(options)
    except SeedError as error:
        print("\n".join(str(problem) for problem in error.problems), file=sys.stderr)
        return 2
    finally:
        gc.enable()
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
    port = kms.url.rpartition(":")[2]
    screen.take_log()
    _ignore_reloads()
    watcher = watch.watcher(kms, options, signals)
    try:
        # Programs that start a server wait for its first line, and then read the file.
        if options.ready_file is not None:
            screen.write_ready_file(options.ready_file, kms)
        if options.pid_file:
            screen.write_pid_file(options.pid_file)
        screen.say(banner(kms), "ready", screen.ready(kms))
        if kms.rng is None and not options.fresh_keys and not kms.world.upstream:
            _prepare_keys()
        gc.freeze()
        if watcher is not None:
            watcher.start()
        if options.stop_on_eof:
            signals.end_with_input()
        signals.wait()
    finally:
        kms.stop()
        if kms.recorder is not None:
            screen.say(kms.recorder.summary())
        if options.pid_file:
            Path(options.pid_file).unlink(missing_ok=True)
        farewell()
    if signals.restart:
        screen.finish()
        _start_again(port)
    return _leave(0 if kms.state_complete else 1)


def _start_again(port: str) -> NoReturn:
    """Replace this process by a new one of the same command line, on the same port."""
    # A signal that comes meanwhile waits until the new process can handle it.
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:], "--port", port])


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


def _made(options: argparse.Namespace) -> MockKMS:
    """Return the server described by flags and configuration files, not yet started. Raises CommandError."""
    _sort_states(options)
    watch.files(options)
    upstream = upstream_options.words(options)
    config = _configured(options)
    uninitialized = options.state == "uninitialized"
    if options.root_token is not None and uninitialized:
        raise CommandError("--root-token cannot be used with --state uninitialized: sys/init creates the token")
    seeds: list[object] = list(options.seed)
    rustfs = rustfs_options.section(options, os.environ)
    if rustfs and not upstream:
        seeds.append(control.option("--rustfs-* and RUSTFS_*", {"rustfs": rustfs}))
    seeds += control.seeds(options)
    if not _loopback(options.host):
        screen.warn(
            f"--host {options.host}: anyone who can reach this machine can use this server and read all its secrets"
        )
    from mockkms.worldfile.problems import SeedError

    second = options.rustfs_port
    if options.control_port and options.control_port in (options.port, second):
        raise CommandError(f"--control-port {options.control_port}: this port has another use; 0 picks a free one")
    try:
        kms = cluster.server(
            options,
            seed=seeds or None,
            host=options.host,
            port=options.port,
            rustfs_port=None if second and second == options.port else second,
            root_token=options.root_token,
            rng=options.rng,
            flavor=options.flavor,
            state=options.state,
            state_file=options.state_file,
            tls=_tls(options, config),
            further=_further(options, config),
            fresh_keys=options.fresh_keys,
            default_lease_ttl=config.default_lease_ttl if config else None,
            max_lease_ttl=config.max_lease_ttl if config else None,
            cluster_name=config.cluster_name if config else "",
            storage=options.storage or (config.storage if config else INMEM),
            **control.guards(options),
            **upstream,
        )
    except SeedError:
        raise
    except ValueError as error:
        raise CommandError(str(error)) from None
    if kms.state_restored:
        _say_what_is_ignored(options, uninitialized=bool(config) and options.state == "uninitialized")
    control.shift(kms, options)
    return kms


def _sort_states(options: argparse.Namespace) -> None:
    """Tell the files given with ``--state`` from the states of a Vault. Raises CommandError."""
    given = options.state or []
    words = [value for value in given if value in INITIAL_STATES]
    files = [value for value in given if value not in INITIAL_STATES]
    for name in files:
        if not any(mark in name for mark in (os.sep, ".")):
            raise CommandError(f"--state {name}: {', '.join(INITIAL_STATES)}, or a file such as ./{name}.state")
    if len(words) > 1 or len(files) > 1:
        raise CommandError(f"--state {(words if len(words) > 1 else files)[1]}: --state is given twice")
    options.state = words[0] if words else None
    options.state_file = Path(files[0]) if files else None
    if options.state_file is not None and not options.state_file.parent.is_dir():
        raise CommandError(f"--state {files[0]}: the folder {options.state_file.parent} does not exist")


def _say_what_is_ignored(options: argparse.Namespace, *, uninitialized: bool) -> None:
    """Say that a state file wins over the flags that describe a world."""
    flags = {"--seed": options.seed, "--root-token": options.root_token, "--rng": options.rng is not None}
    flags["--clock TIME"] = options.clock is not None and not control.is_offset(options.clock)
    flags |= {f"--rustfs-{name}": getattr(options, f"rustfs_{name}") for name in ("api", "auth", "credentials")}
    flags["--state " + str(options.state)] = options.state is not None and not uninitialized
    ignored = [flag for flag, given in flags.items() if given]
    if ignored:
        what = "is" if len(ignored) == 1 else "are"
        screen.warn(f"{options.state_file} has a state, which is used; {', '.join(ignored)} {what} ignored")


def _configured(options: argparse.Namespace) -> ServerConfig | None:
    """Read the configuration files and apply them to options that no flag has set."""
    config = None
    if options.config:
        from mockkms.cli.config import read

        config = read(options.config)
        for note in config.notes:
            screen.warn(note)
        options.state = options.state or "uninitialized"
        options.pid_file = config.pid_file
    first = _first(options, config)
    if options.host is None:
        options.host = first.host if first else _HOST
    if options.port is None:
        options.port = first.port if first else _PORT
    return config


def _first(options: argparse.Namespace, config: ServerConfig | None) -> ListenerConfig | None:
    """Return the listener that gives the server's main address; None in dev mode, which has its own address."""
    dev = getattr(options, "dev", False)
    listeners = [one for one in config.listeners if one.socket is None] if config else []
    return listeners[0] if listeners and not dev else None


def _further(options: argparse.Namespace, config: ServerConfig | None) -> list[Listener]:
    """Return the additional addresses to listen on."""
    first = _first(options, config)
    others = [listener for listener in config.listeners if listener is not first] if config else []
    if (others or options.listen) and options.nodes is not None:
        screen.warn("a node of a cluster has one listener; additional listeners are ignored")
        return []
    return [*(one.socket or (one.host, one.port, _files(one)) for one in others), *options.listen]


def _tls(options: argparse.Namespace, config: ServerConfig | None) -> Tls | None:
    if (options.tls_cert is None) != (options.tls_key is None):
        raise CommandError("--tls-cert and --tls-key must be used together")
    if options.tls and options.tls_cert is not None:
        raise CommandError("--tls and --tls-cert cannot be used together: --tls makes a certificate of its own")
    if options.tls_client_ca is not None and options.tls_cert is None:
        raise CommandError("--tls-client-ca needs --tls-cert and --tls-key")
    if options.tls_cert is not None:
        from mockkms.server.wire.tls import TlsFiles

        authority = options.tls_client_ca or ""
        return TlsFiles(options.tls_cert, options.tls_key, authority, client_required=bool(authority))
    first = _first(options, config)
    return True if options.tls else _files(first) if first else None


def _files(listener: ListenerConfig) -> TlsFiles | None:
    if listener.tls_disable:
        return None
    from mockkms.server.wire.tls import TlsFiles

    return TlsFiles(
        listener.tls_cert_file,
        listener.tls_key_file,
        client_authority=listener.tls_client_ca_file,
        client_required=listener.tls_require_and_verify_client_cert,
        ask_clients=not listener.tls_disable_client_certs,
    )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _start(kms: MockKMS, options: argparse.Namespace) -> None:
    from mockkms.world.state_file import StateFileError

    try:
        kms.start()
    except StateFileError as error:
        raise CommandError(str(error)) from None
    except (OSError, ValueError) as error:
        given = (options.port, options.rustfs_port, options.control_port)
        ports = [str(port) for port in given if port is not None]
        where = getattr(error, "filename", None) or f"{options.host}:{' or '.join(ports)}"
        taken = getattr(error, "errno", 0) == errno.EADDRINUSE and not getattr(error, "filename", None)
        hint = "; --port 0 picks a free port" if taken else ""
        raise CommandError(f"cannot listen on {where}: {getattr(error, 'strerror', None) or error}{hint}") from None


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
