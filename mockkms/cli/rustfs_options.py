"""The RustFS side of ``serve``: flags, and the environment variables of the real server, as a ``rustfs:`` section."""

from __future__ import annotations

import argparse
import binascii
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from mockkms.cli.errors import CommandError

_APIS = ("auto", "guide", "handler", "current")
_AUTHS = ("none", "sigv4")
_DEFAULT = "rustfsadmin"
"""Access key and secret key of a real server that was given none."""
_KEK_SIZE = 32


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    group = parser.add_argument_group("RustFS admin KMS API", "RUSTFS_ACCESS_KEY, RUSTFS_KMS_BACKUP_DIR, … count too")
    group.add_argument("--rustfs-port", type=port, metavar="PORT", help="a second port, usually 9000; both serve both")
    group.add_argument("--rustfs-api", choices=_APIS, help="which contract answers (default: the world's, else auto)")
    group.add_argument("--rustfs-auth", choices=_AUTHS, help="whether requests must be signed (default: none)")
    group.add_argument("--rustfs-credentials", type=_credentials, metavar="ACCESS:SECRET", help="the owner's keys")


def port(text: str) -> int:
    """A port number for argparse."""
    if not text.isascii() or not text.isdecimal() or len(text) > 5 or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: 0 to 65535")
    return int(text)


def _credentials(text: str) -> tuple[str, str]:
    access, colon, secret = text.partition(":")
    if not (access and colon and secret):
        raise argparse.ArgumentTypeError("this must be ACCESS:SECRET")
    return access, secret


def section(options: argparse.Namespace, environ: Mapping[str, str]) -> dict[str, Any]:
    """The ``rustfs:`` section that flags and environment ask for; empty where they say nothing. Raises CommandError."""
    found: dict[str, Any] = {}
    if options.rustfs_api:
        found["api"] = options.rustfs_api
    if options.rustfs_auth:
        found["auth"] = options.rustfs_auth
    access, secret = environ.get("RUSTFS_ACCESS_KEY"), environ.get("RUSTFS_SECRET_KEY")
    if options.rustfs_credentials:
        access, secret = options.rustfs_credentials
    if access or secret:
        found["users"] = {access or _DEFAULT: secret or _DEFAULT}
    settings = _environment(environ)
    if settings:
        found["environment"] = settings
    return found


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if environ.get("RUSTFS_KMS_ALLOW_IMMEDIATE_DELETION", "").strip().lower() in ("1", "true", "yes", "on"):
        found["immediate_deletion"] = True
    if environ.get("RUSTFS_KMS_BACKUP_DIR"):
        found["backup_dir"] = environ["RUSTFS_KMS_BACKUP_DIR"]
    kek, name = environ.get("RUSTFS_KMS_BACKUP_KEK", ""), environ.get("RUSTFS_KMS_BACKUP_KEK_ID", "")
    if kek and name:
        _check_kek(kek)
        found["backup_kek_id"] = name
        found["backup_kek_version"] = _version(environ.get("RUSTFS_KMS_BACKUP_KEK_VERSION") or "1")
    return found


def _check_kek(text: str) -> None:
    try:
        size = len(b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        size = -1
    if size != _KEK_SIZE:
        raise CommandError(f"RUSTFS_KMS_BACKUP_KEK: this must be base64 of {_KEK_SIZE} bytes")


def _version(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) <= 9 or int(text) < 1:
        raise CommandError(f"RUSTFS_KMS_BACKUP_KEK_VERSION: {text!r} is no whole number from 1")
    return int(text)
