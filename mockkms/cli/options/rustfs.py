"""The RustFS flags of ``serve``, and the real server's environment variables, as a ``rustfs:`` section."""

from __future__ import annotations

import argparse
import binascii
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path

from mockkms.cli.arguments import CommandError, port_number
from mockkms.error_context import error_context, file_context
from mockkms.files import read_file

_APIS = ("auto", "guide", "handler", "current")
_AUTHS = ("none", "sigv4")
_DEFAULT = "rustfsadmin"
"""The real server's default access key and secret key."""
_KEK_SIZE = 32
_LARGEST = 1024 * 1024
"""Bytes of the largest file with a key that is read."""
_KEY, _KEY_FILE = "RUSTFS_KMS_STATIC_SECRET_KEY", "RUSTFS_KMS_STATIC_SECRET_KEY_FILE"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare the flags."""
    count = "RUSTFS_ACCESS_KEY, RUSTFS_KMS_STATIC_SECRET_KEY, RUSTFS_KMS_BACKUP_DIR, … are read too"
    group = parser.add_argument_group("RustFS admin KMS API", count)
    group.add_argument(
        "--rustfs-port", type=port_number, metavar="PORT", help="second port, usually 9000; both serve both APIs"
    )
    group.add_argument("--rustfs-api", choices=_APIS, help="version of the API (default: the world's, else auto)")
    group.add_argument("--rustfs-auth", choices=_AUTHS, help="whether requests must be signed (default: none)")
    group.add_argument("--rustfs-credentials", type=_credentials, metavar="ACCESS:SECRET", help="the owner's keys")


def _credentials(text: str) -> tuple[str, str]:
    access, colon, secret = text.partition(":")
    if not (access and colon and secret):
        raise argparse.ArgumentTypeError("expected ACCESS:SECRET")
    return access, secret


def section(options: argparse.Namespace, environ: Mapping[str, str]) -> dict[str, object]:
    """Return the ``rustfs:`` section for flags and environment; empty if none is set. Raises CommandError."""
    found: dict[str, object] = {}
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
    static = _static(environ)
    if static:
        found["static"] = static
    return found


def _static(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the key of a static backend, if the environment configures one. Raises CommandError."""
    if not _is_on(environ, "RUSTFS_KMS_ENABLE") or environ.get("RUSTFS_KMS_BACKEND") != "static":
        return {}
    from mockkms.rustfs.backends import decode_static_key, split_static_key

    path = environ.get(_KEY_FILE)
    with file_context(f"{_KEY_FILE}: {path}: ", CommandError, of=(OSError, ValueError)):
        text = read_file(Path(path), _LARGEST).decode() if path else environ.get(_KEY, "")
    if not text.strip():
        raise CommandError(f"Static KMS requires {_KEY} or {_KEY_FILE} to be set")
    with error_context(f"{_KEY_FILE if path else _KEY}: ", CommandError):
        name, secret = split_static_key(text)
        decode_static_key(name, secret)
    default = environ.get("RUSTFS_KMS_DEFAULT_KEY_ID")
    return {"key_id": name, "secret_key": secret, **({"default_key_id": default} if default else {})}


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() in ("1", "true", "yes", "on")


def _environment(environ: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    if _is_on(environ, "RUSTFS_KMS_ALLOW_IMMEDIATE_DELETION"):
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
        raise CommandError(f"RUSTFS_KMS_BACKUP_KEK: expected {_KEK_SIZE} bytes in base64")


def _version(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) <= 9 or int(text) < 1:
        raise CommandError(f"RUSTFS_KMS_BACKUP_KEK_VERSION: {text!r} is not a positive integer")
    return int(text)
