"""``mockkms server``: ``serve`` with the flags, environment and output of ``vault server``, to replace that binary.

Flags are Go's: one dash or two, ``-flag=value`` or ``-flag value``. Flags without a meaning here are ignored.
"""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockkms.cli import server_screen
from mockkms.cli.arguments import DESCRIPTION, CommandError, default_flavor, flavor, is_port
from mockkms.cli.commands import serve
from mockkms.error_context import file_context
from mockkms.pem_folders import PemFolder
from mockkms.vault.products import PRODUCTS

if TYPE_CHECKING:
    from mockkms.kms import MockKMS

_ADDRESS = "127.0.0.1:8200"
_IGNORED_FLAGS = (
    "exit-on-core-shutdown",
    "dev-no-kv",
    "dev-ha",
    "dev-transactional",
    "dev-leased-kv",
    "dev-auto-seal",
    "dev-plugin-init",
    "dev-skip-plugin-verification",
    "combine-logs",
    "disable-gated-logs",
    "log-requests-level",
    "non-interactive",
)
_IGNORED_WORDS = (
    "log-level",
    "log-format",
    "log-file",
    "log-rotate-duration",
    "log-rotate-bytes",
    "log-rotate-max-files",
    "dev-latency",
    "dev-latency-jitter",
    "dev-cluster-json",
    "experiment",
    "address",
)
_CA, _CERTIFICATE, _KEY = "vault-ca.pem", "vault-cert.pem", "vault-key.pem"
"""The files of ``-dev-tls``."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        "server", help="serve with the flags of `vault server`", description=__doc__, allow_abbrev=False
    )
    config = "a Vault server's configuration, HCL or JSON, or a directory of such files; may be repeated"
    _word(parser, "config", metavar="PATH", action="append", default=[], help=config)
    dev = parser.add_argument_group("dev mode")
    _flag(dev, "dev", "start unsealed, with one unseal key and a root token")
    _word(dev, "dev-root-token-id", metavar="TOKEN", help="default: $VAULT_DEV_ROOT_TOKEN_ID, else a new one")
    _word(dev, "dev-listen-address", metavar="ADDRESS", help=f"default: $VAULT_DEV_LISTEN_ADDRESS, else {_ADDRESS}")
    _flag(dev, "dev-tls", "HTTPS with a new authority and certificate")
    _word(dev, "dev-tls-cert-dir", metavar="DIR", help=f"directory of {_CA}, {_CERTIFICATE} and {_KEY} while it runs")
    _word(dev, "dev-tls-san", metavar="NAME", action="append", default=[], help="additional name in the certificate")
    _flag(dev, "dev-no-store-token", "do not write the root token to ~/.vault-token")
    _flag(dev, "dev-kv-v1", "secret/ is KV version 1")
    _flag(dev, "dev-skip-init", "start uninitialized")
    _word(dev, "dev-plugin-dir", metavar="DIR", help="folder with the programs of external plugins; none is run")
    _flag(dev, "dev-three-node", "three nodes, on every second port")
    own = parser.add_argument_group("mockkms")
    _word(own, "flavor", type=flavor, metavar="NAME", help=f"default: openbao for a command named bao; {DESCRIPTION}")
    _word(own, "seed", metavar="FILE", action="append", default=[], help="world in YAML; later files override")
    _word(own, "ready-file", metavar="PATH", help="write addresses and token as JSON when ready")
    for name in _IGNORED_FLAGS:
        _flag(parser, name, argparse.SUPPRESS)
    for name in _IGNORED_WORDS:
        _word(parser, name, action="append", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def _word(parser: argparse._ActionsContainer, name: str, **words: Any) -> None:
    parser.add_argument(f"-{name}", f"--{name}", **words)


def _flag(parser: argparse._ActionsContainer, name: str, text: str) -> None:
    words = {"nargs": "?", "const": True, "default": False, "type": _truth, "metavar": "true|false"}
    _word(parser, name, help=text, **words)


def _truth(text: str) -> bool:
    word = text.lower()
    if word in ("1", "t", "true"):
        return True
    if word in ("0", "f", "false"):
        return False
    raise argparse.ArgumentTypeError(f'"{text}" is not a boolean: use true or false')


def run(options: argparse.Namespace) -> int:
    """Serve until SIGINT or SIGTERM."""
    name = options.flavor or default_flavor()
    dev = options.dev or options.dev_tls or options.dev_three_node or options.dev_skip_init
    words = ["serve", "--flavor", name]
    for path in _configurations(options, dev=dev):
        words += ["--config", str(path)]
    for seed in options.seed:
        words += ["--seed", seed]
    if options.ready_file:
        words += ["--ready-file", options.ready_file]
    if dev:
        words += _dev_words(options, name)
    elif not options.config:
        raise CommandError("Must specify at least one config path using -config", 1)
    elif options.dev_root_token_id:
        print('You cannot specify a custom root token ID outside of "dev" mode. It is ignored.', file=sys.stderr)
    asked = _parsed(words)
    asked.dev = dev
    if options.dev_kv_v1:
        asked.seed.append({"vault": {"mounts": {"secret/": {"type": "kv", "version": 1}}}})
    certificates = _DevTls(options, asked) if options.dev_tls else None

    def banner(kms: MockKMS) -> str:
        server_screen.ignore_reloads(kms)
        if dev and not options.dev_no_store_token and kms.token:
            _store(kms.token)
        server_screen.follow(kms)
        return server_screen.started(kms, options.config, dev=dev, ca_file=certificates.ca_file if certificates else "")

    return serve.serve_until_signal(asked, banner, certificates.remove if certificates else lambda: None)


def _parsed(words: list[str]) -> argparse.Namespace:
    from mockkms.cli import parsers

    parser, _ = parsers(["serve"])
    options: argparse.Namespace = parser.parse_args(words)
    return options


def _configurations(options: argparse.Namespace, *, dev: bool) -> list[Path]:
    """Return the paths of ``-config``, in dev mode without empty directories: container images always pass theirs."""
    paths = [Path(path) for path in options.config]
    if not dev:
        return paths
    return [p for p in paths if not (p.is_dir() and not any(f.suffix in (".hcl", ".json") for f in p.iterdir()))]


def _dev_words(options: argparse.Namespace, flavor: str) -> list[str]:
    address = options.dev_listen_address or _environ("DEV_LISTEN_ADDRESS", flavor) or _ADDRESS
    host, colon, port = address.rpartition(":")
    if not colon or not is_port(port):
        raise CommandError(f"-dev-listen-address {address}: expected HOST:PORT")
    words = [f"--host={host.strip('[]') or '0.0.0.0'}", f"--port={port}"]
    if options.dev_plugin_dir:
        words += [f"--plugin-directory={options.dev_plugin_dir}"]
    if options.dev_skip_init:
        return [*words, "--state", "uninitialized"]
    words += ["--state", "unsealed"]
    token = options.dev_root_token_id or _environ("DEV_ROOT_TOKEN_ID", flavor)
    if not token and not options.seed:
        from mockkms.world.entropy import Entropy

        token = PRODUCTS[flavor].service_prefix + Entropy().base62(24)
    if token:
        words += [f"--root-token={token}"]
    if options.dev_three_node:
        words += ["--nodes", "3"]
    return words


def _environ(name: str, flavor: str) -> str:
    """Return an environment variable: that of the product's own command line, such as ``BAO_``, else ``VAULT_``."""
    prefixes = (f"{PRODUCTS[flavor].texts.cli.upper()}_", "VAULT_")
    return next((value for prefix in prefixes if (value := os.environ.get(prefix + name))), "")


class _DevTls:
    """CA, certificate and key in files that exist while the server runs."""

    def __init__(self, options: argparse.Namespace, asked: argparse.Namespace) -> None:
        """Write the files and set them in ``asked``, the options of ``serve``. Raises CommandError."""
        from mockkms.crypto.x509.authority import issue

        self._made = None if options.dev_tls_cert_dir else PemFolder()
        self._folder = Path(options.dev_tls_cert_dir) if self._made is None else self._made.path
        names = ["localhost", "127.0.0.1", "::1", asked.host, *options.dev_tls_san]
        issued = issue(tuple(dict.fromkeys(name for name in names if name not in ("0.0.0.0", "::"))))
        files = {_CA: issued.authority, _CERTIFICATE: issued.certificate, _KEY: issued.key}
        with file_context(f"-dev-tls-cert-dir {self._folder}: ", CommandError):
            for name, content in files.items():
                (self._folder / name).write_bytes(content)
            (self._folder / _KEY).chmod(0o600)
        self.ca_file = str(self._folder / _CA)
        asked.tls_cert, asked.tls_key = str(self._folder / _CERTIFICATE), str(self._folder / _KEY)

    def remove(self) -> None:
        """Remove the files."""
        for name in (_CA, _CERTIFICATE, _KEY):
            with suppress(OSError):
                (self._folder / name).unlink()
        if self._made is not None:
            self._made.close()


def _store(token: str) -> None:
    """Write the token to ``~/.vault-token``, where Vault's command reads it, or warn that it cannot be written."""
    try:
        # Without O_NONBLOCK a pipe of that name would be waited for.
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_NONBLOCK", 0)
        handle = os.open(Path.home() / ".vault-token", flags, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(token)
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        print(
            f"mockkms server: warning: the root token cannot be kept in ~/.vault-token: {reason}; "
            "commands need it in VAULT_TOKEN (-dev-no-store-token: it is not to be kept)", file=sys.stderr
        )  # fmt: skip
