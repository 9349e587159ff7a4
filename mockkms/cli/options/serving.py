"""The server that the flags of ``serve`` and its configuration files describe."""

from __future__ import annotations

import argparse
import ipaddress
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mockkms.cli import screen
from mockkms.cli.arguments import CommandError
from mockkms.cli.options import cluster, control, tls, watch
from mockkms.cli.options import rustfs as rustfs_options
from mockkms.cli.options import upstream as upstream_options
from mockkms.vault.kernel.node import INITIAL_STATES, INMEM

if TYPE_CHECKING:
    from mockkms.cli.config import ListenerConfig, ServerConfig
    from mockkms.kms import Listener, MockKMS
    from mockkms.server.wire.tls import Tls, TlsFiles

HOST, PORT = "127.0.0.1", 8200
"""The default address to listen on."""


def described_server(options: argparse.Namespace) -> MockKMS:
    """Return the server, not yet started. Raises CommandError, and SeedError for an invalid world."""
    _separate_states(options)
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
    if not _is_loopback(options.host):
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
            plugin_directory=_plugin_directory(options, config),
            **control.guards(options),
            **upstream,
        )
    except SeedError:
        raise
    except ValueError as error:
        raise CommandError(str(error)) from None
    if kms.state_restored:
        _warn_of_ignored_flags(options, uninitialized=bool(config) and options.state == "uninitialized")
    control.shift(kms, options)
    return kms


def _plugin_directory(options: argparse.Namespace, config: ServerConfig | None) -> Path | str:
    """Return the folder of external plugins; empty without one. Raises CommandError if that of the flag is missing."""
    given: Path | None = options.plugin_directory
    if given is None:
        return config.plugin_directory if config else ""
    if not given.is_dir():
        raise CommandError(f"--plugin-directory {given}: the folder does not exist")
    return given


def _separate_states(options: argparse.Namespace) -> None:
    """Split the values of ``--state`` into the initial state and the state file. Raises CommandError."""
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


def _warn_of_ignored_flags(options: argparse.Namespace, *, uninitialized: bool) -> None:
    """Warn that the state in a file takes precedence over the flags that describe a world."""
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
        if options.root_token is None:  # A token that is known beforehand is one of a Vault that sys/init did not make.
            options.state = options.state or "uninitialized"
        options.pid_file = config.pid_file
    first = _main_listener(options, config)
    if options.host is None:
        options.host = first.host if first else HOST
    if options.port is None:
        options.port = first.port if first else PORT
    return config


def _main_listener(options: argparse.Namespace, config: ServerConfig | None) -> ListenerConfig | None:
    """Return the listener that gives the server's main address; None in dev mode, which has its own address."""
    dev = getattr(options, "dev", False)
    listeners = [one for one in config.listeners if one.socket is None] if config else []
    return listeners[0] if listeners and not dev else None


def _further(options: argparse.Namespace, config: ServerConfig | None) -> list[Listener]:
    """Return the additional addresses to listen on."""
    first = _main_listener(options, config)
    others = [listener for listener in config.listeners if listener is not first] if config else []
    if (others or options.listen) and options.nodes is not None:
        screen.warn("a node of a cluster has one listener; additional listeners are ignored")
        return []
    return [*(one.socket or (one.host, one.port, _files(one)) for one in others), *options.listen]


def _tls(options: argparse.Namespace, config: ServerConfig | None) -> Tls | None:
    files = tls.files(options)
    if files is not None:
        return files
    first = _main_listener(options, config)
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


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
