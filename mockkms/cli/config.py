"""``serve --config``: the supported part of a Vault server's configuration (HCL or JSON).

Listeners, TLS, lease limits and the cluster name take effect. Blocks without effect are listed in one note; an unknown
key gets a warning that names the closest known key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from pathlib import Path

from mockkms.cli.arguments import CommandError, is_port
from mockkms.error_context import error_context
from mockkms.files import read_file
from mockkms.json_reading import read_json
from mockkms.server.wire.listening.addresses import UnixSocket, read_mode
from mockkms.vault import hcl
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.hcl import HclError, HclItem, HclItems, Literal, Object
from mockkms.vault.kernel.node import INMEM, RAFT


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SILENT = _words(
    "api_addr cluster_addr cluster_cipher_suites disable_cache cache_size disable_clustering disable_indexing "
    "disable_mlock disable_sealwrap disable_printable_check disable_performance_standby disable_sentinel_trace "
    "enable_ui ui log_level log_format log_file log_requests_level log_rotate_bytes log_rotate_duration "
    "log_rotate_max_files max_lease_count raw_storage_endpoint introspection_endpoint detect_deadlocks "
    "enable_response_header_hostname enable_response_header_raft_node_id imprecise_lease_role_tracking "
    "default_max_request_duration license_path plugin_tmpdir plugin_file_uid "
    "plugin_file_permissions allow_audit_log_prefixing unsafe_allow_api_audit_creation "
    "unsafe_cross_namespace_identity enable_post_unseal_trace post_unseal_trace_directory experiments "
    "administrative_namespace_path redirect_addr"
)
"""Settings without any effect that a client could observe; accepted silently."""
_NAMED = _words(
    "storage backend ha_storage ha_backend seal hsm kms_library telemetry service_registration user_lockout audit "
    "plugin plugin_auto_download plugin_auto_register plugin_download_behavior initialize entropy reporting "
    "request_limiter sentinel"
)
"""Blocks without effect that are reported in a note."""
_TOP = _words("listener default_lease_ttl max_lease_ttl cluster_name pid_file plugin_directory") | _SILENT | _NAMED
_LISTENER = _words(
    "address cluster_address tls_disable tls_cert_file tls_key_file tls_min_version tls_max_version tls_cipher_suites "
    "tls_prefer_server_cipher_suites tls_require_and_verify_client_cert tls_client_ca_file tls_disable_client_certs "
    "http_read_timeout http_read_header_timeout http_write_timeout http_idle_timeout max_request_size "
    "max_request_duration max_request_json_memory max_request_json_strings max_json_depth max_json_string_value_length "
    "max_json_object_entry_count max_json_array_element_count max_token_header_size proxy_protocol_behavior "
    "proxy_protocol_authorized_addrs x_forwarded_for_authorized_addrs x_forwarded_for_hop_skips "
    "x_forwarded_for_reject_not_authorized x_forwarded_for_reject_not_present x_forwarded_for_client_cert_header "
    "x_forwarded_for_client_cert_header_decoders telemetry profiling inflight_requests_logging custom_response_headers "
    "agent_api proxy_api role purpose redact_addresses redact_cluster_name redact_version cors_enabled "
    "cors_allowed_origins cors_allowed_headers require_request_header disable_request_limiter chroot_namespace "
    "disable_replication_status_endpoints disable_unauthed_rekey_endpoints disable_unauthed_generate_root_endpoints "
    "enable_rekey_endpoints socket_mode socket_user socket_group tls_acme_ca_directory tls_acme_email "
    "tls_acme_domains tls_acme_cache_path tls_acme_ca_root tls_acme_eab_key_id tls_acme_eab_mac_key"
)
_FLAGS = ("tls_disable", "tls_require_and_verify_client_cert", "tls_disable_client_certs")
_FILES = ("tls_cert_file", "tls_key_file", "tls_client_ca_file")
_SOCKET = ("socket_mode", "socket_user", "socket_group")
_SOCKET_PATH = "/run/vault.sock"
_LARGEST = 4 * 1024 * 1024
"""Bytes of the largest configuration that is read."""
_TRUE, _FALSE = ("1", "t", "true"), ("", "0", "f", "false")


def _reason(error: Exception) -> str:
    """Return what is wrong with a file, with the position: ``:1:5: message``, or ``: message`` without one."""
    if isinstance(error, OSError):
        return f": {error.strerror or error}"
    if isinstance(error, UnicodeDecodeError):
        return f":1:1: invalid UTF-8 at byte {error.start}"
    if isinstance(error, json.JSONDecodeError):
        return f":{error.lineno}:{error.colno}: {error.msg}"
    if isinstance(error, HclError):
        message = str(error)
        if error.position is not None:
            message = message.removeprefix(f"At {error.position}: ")
        return f":{max(error.line, 1)}:{max(error.column, 1)}: {' '.join(message.split())}"
    return ":1:1: nested too deeply"


@dataclass
class ListenerConfig:
    """One address to listen on. Paths are those of PEM files; without a certificate the listener uses plain HTTP."""

    host: str = "127.0.0.1"
    port: int = 8200
    tls_disable: bool = False
    tls_cert_file: str = ""
    tls_key_file: str = ""
    tls_client_ca_file: str = ""
    tls_require_and_verify_client_cert: bool = False
    tls_disable_client_certs: bool = False
    socket: UnixSocket | None = None
    """The Unix socket of a listener of type ``unix``, in place of host, port and TLS."""


@dataclass
class ServerConfig:
    """The settings of a configuration. None: not set."""

    listeners: list[ListenerConfig] = field(default_factory=list)
    default_lease_ttl: int | None = None
    """Seconds, like ``max_lease_ttl``."""
    max_lease_ttl: int | None = None
    cluster_name: str = ""
    storage: str = INMEM
    """``raft`` for that storage, which has endpoints of its own; all others are in memory."""
    plugin_directory: str = ""
    """Path of the folder with the programs of external plugins."""
    pid_file: str = ""
    """Path of the file that holds the process id while the server runs."""
    notes: list[str] = field(default_factory=list)
    """Lines for the user: unknown keys, and blocks without effect."""


def read(paths: list[Path]) -> ServerConfig:
    """Read configuration files, and the ``.hcl`` and ``.json`` files of directories; later files take precedence.

    Raises CommandError with ``file:line:column``.
    """
    config = ServerConfig()
    for path in paths:
        for file in _files(path):
            _Reader(file, config).read()
    default, largest = config.default_lease_ttl, config.max_lease_ttl
    if default is not None and largest is not None and default > largest:
        raise CommandError(f"{paths[-1]}: default_lease_ttl ({default}s) is larger than max_lease_ttl ({largest}s)")
    return config


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.iterdir() if file.suffix in (".hcl", ".json"))
    if not found:
        raise CommandError(f"{path}: the directory holds no .hcl or .json file")
    return found


class _Reader:
    """Reads one file into a configuration."""

    def __init__(self, file: Path, config: ServerConfig) -> None:
        self._file, self._config = file, config

    def read(self) -> None:
        """Read the file and store its settings in the configuration."""
        config, seen = self._config, []
        for item in self._parse().items:
            name = item.keys[0].name
            if name == "listener":
                self._listeners(item)
            elif name in ("default_lease_ttl", "max_lease_ttl"):
                setattr(config, name, self._seconds(item))
            elif name in ("cluster_name", "pid_file", "plugin_directory"):
                setattr(config, name, self._text(item))
            elif name == "storage" and self._is_raft(item):
                config.storage = RAFT
            elif name in _NAMED:
                seen.append(name if name not in seen else "")
            elif name not in _TOP:
                self._unknown(item, _TOP, "")
        named = ", ".join(filter(None, seen))
        if named:
            config.notes.append(f"{self._file}: without effect: {named} (data is in memory, the seal is Shamir's)")

    def _is_raft(self, item: HclItem) -> bool:
        """Return whether the storage is ``storage "raft" {…}``, or has the type as its only member."""
        inner = item.value.members.items if isinstance(item.value, Object) else []
        kinds = [item.keys[1].name] if len(item.keys) > 1 else [one.keys[0].name for one in inner]
        return kinds == [RAFT]

    def _parse(self) -> HclItems:
        try:
            text = read_file(self._file, _LARGEST).decode()
            if text.lstrip().startswith("{"):
                # The HCL parser knows few positions in JSON; the json module reports the position of every error.
                read_json(text)
            return hcl.parse(text)
        except (OSError, UnicodeDecodeError, json.JSONDecodeError, RecursionError, HclError) as error:
            raise CommandError(f"{self._file}{_reason(error)}") from None

    def _place(self, item: HclItem) -> str:
        position = item.keys[0].position if item.keys and item.keys[0].position.line else item.assign
        return f"{self._file}:{position.line or 1}:{position.column or 1}"

    def _wrong(self, item: HclItem, message: str) -> CommandError:
        return CommandError(f"{self._place(item)}: {message}")

    def _unknown(self, item: HclItem, known: frozenset[str], where: str) -> None:
        name = item.keys[0].name
        near = get_close_matches(name, sorted(known), n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        self._config.notes.append(f'{self._place(item)}: unknown key "{where}{name}" is ignored{hint}')

    def _value(self, item: HclItem) -> object:
        if isinstance(item.value, Literal):
            return item.value.value
        raise self._wrong(item, f"{item.keys[0].name}: this must be one value")

    def _text(self, item: HclItem) -> str:
        value = self._value(item)
        if not isinstance(value, str):
            raise self._wrong(item, f"{item.keys[0].name}: this must be a string")
        return value

    def _seconds(self, item: HclItem) -> int:
        name, value = item.keys[0].name, self._value(item)
        with error_context(f"{name}: ", partial(self._wrong, item), of=(ValueError, OverflowError)):
            seconds = int(parse_seconds(value))
        if seconds < 0:
            raise self._wrong(item, f"{name}: a duration cannot be negative")
        return seconds

    def _flag(self, item: HclItem) -> bool:
        word = str(self._value(item)).lower()
        if word not in _TRUE and word not in _FALSE:
            raise self._wrong(item, f"{item.keys[0].name}: this must be true or false")
        return word in _TRUE

    # -- listeners -----------------------------------------------------------------------------------------------

    def _listeners(self, item: HclItem) -> None:
        """Read a listener, in the form ``listener "tcp" {…}`` or with the type as its only member."""
        if not isinstance(item.value, Object):
            raise self._wrong(item, 'listener: write listener "tcp" { … }')
        if len(item.keys) > 1:
            self._listener(item, item.keys[1].name, item.value.members)
            return
        for inner in item.value.members.items:
            if not isinstance(inner.value, Object):
                raise self._wrong(inner, 'listener: write listener "tcp" { … }')
            self._listener(inner, inner.keys[0].name, inner.value.members)

    def _listener(self, item: HclItem, kind: str, members: HclItems) -> None:
        config = self._config
        if kind == "unix":
            config.listeners.append(ListenerConfig(tls_disable=True, socket=self._socket(item, members)))
            return
        if kind != "tcp":
            raise self._wrong(item, f'listener "{kind}": only "tcp" and "unix" are emulated')
        made = ListenerConfig()
        for inner in members.items:
            name = inner.keys[0].name
            if name == "address":
                made.host, made.port = self._address(inner)
            elif name in _FLAGS:
                setattr(made, name, self._flag(inner))
            elif name in _FILES:
                setattr(made, name, self._text(inner))
            elif name not in _LISTENER:
                self._unknown(inner, _LISTENER, "listener.")
        if not made.tls_disable:
            if not made.tls_cert_file or not made.tls_key_file:
                raise self._wrong(item, "listener: tls_cert_file and tls_key_file are needed, or tls_disable = true")
            if made.tls_require_and_verify_client_cert and made.tls_disable_client_certs:
                fault = "'tls_disable_client_certs' and 'tls_require_and_verify_client_cert' are mutually exclusive"
                raise self._wrong(item, f"listener: {fault}")
            if made.tls_require_and_verify_client_cert and not made.tls_client_ca_file:
                raise self._wrong(item, "listener: tls_require_and_verify_client_cert needs tls_client_ca_file")
        config.listeners.append(made)

    def _socket(self, item: HclItem, members: HclItems) -> UnixSocket:
        """Return a Unix socket. As in Vault, mode, user and group take effect only together."""
        given: dict[str, str] = {}
        for inner in members.items:
            name = inner.keys[0].name
            if name == "address" or name in _SOCKET:
                given[name] = self._text(inner)
            elif name not in _LISTENER:
                self._unknown(inner, _LISTENER, "listener.")
        path = given.pop("address", "").removeprefix("unix://") or _SOCKET_PATH
        if set(given) != set(_SOCKET) or not all(given.values()):
            if given:
                names = ", ".join(_SOCKET)
                self._config.notes.append(f"{self._place(item)}: {', '.join(given)} without effect: needs {names}")
            return UnixSocket(path)
        with error_context("socket_mode: ", partial(self._wrong, item)):
            mode = read_mode(given["socket_mode"])
        return UnixSocket(path, mode, given["socket_user"], given["socket_group"])

    def _address(self, item: HclItem) -> tuple[str, int]:
        text = self._text(item)
        host, colon, port = text.rpartition(":")
        if not colon or text.endswith("]"):
            host, port = text, "8200"
        host = host.strip("[]") or "0.0.0.0"
        if not is_port(port):
            raise self._wrong(item, f'address: "{text}" has no port from 0 to 65535')
        return host, int(port)
