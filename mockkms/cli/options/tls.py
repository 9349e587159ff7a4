"""The flags for HTTPS, of ``serve`` and of ``check``, which says what such a server would."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.cli.arguments import CommandError

if TYPE_CHECKING:
    from mockkms.server.wire.tls import TlsFiles


def add_options(group: argparse._ActionsContainer) -> None:
    """Declare the flags."""
    group.add_argument("--tls", action="store_true", help="HTTPS with a new certificate for localhost")
    group.add_argument("--tls-cert", metavar="PEM", help="HTTPS with this certificate (chain)")
    group.add_argument("--tls-key", metavar="PEM", help="its key, unencrypted")
    clients = "require client certificates that this authority issued (mutual TLS)"
    group.add_argument("--tls-client-ca", metavar="PEM", help=clients)


def files(options: argparse.Namespace) -> TlsFiles | None:
    """Return the files of the user; None without any. Raises CommandError for flags that do not fit together."""
    if (options.tls_cert is None) != (options.tls_key is None):
        raise CommandError("--tls-cert and --tls-key must be used together")
    if options.tls and options.tls_cert is not None:
        raise CommandError("--tls and --tls-cert cannot be used together: --tls makes a certificate of its own")
    if options.tls_client_ca is not None and options.tls_cert is None:
        raise CommandError("--tls-client-ca needs --tls-cert and --tls-key")
    if options.tls_cert is None:
        return None
    from mockkms.server.wire.tls import TlsFiles

    authority = options.tls_client_ca or ""
    return TlsFiles(options.tls_cert, options.tls_key, authority, client_required=bool(authority))


def refused_faults(options: argparse.Namespace) -> Mapping[str, str]:
    """Return the TLS faults that a server with these flags refuses, with the reasons.

    Raises CommandError for files that it refuses too.
    """
    found = files(options)
    if found is None:
        from mockkms.faults.kinds.connections import NO_TLS

        return {} if options.tls else NO_TLS
    try:
        return found.server().denied
    except ValueError as error:
        raise CommandError(str(error)) from None
