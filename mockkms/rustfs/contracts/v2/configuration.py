"""The bodies of ``/configure`` and ``/reconfigure``, parsed with the error texts of the server's parser (serde)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from mockkms.rustfs.errors import AdminError
from mockkms.rustfs.message import text_reply
from mockkms.rustfs.serde import JsonNode, SerdeError
from mockkms.rustfs.typed import (
    Reader,
    anything,
    boolean,
    invalid_type,
    listed,
    option,
    read_body,
    string,
    struct,
    unsigned,
)

TAGS = {
    "Local": "Local",
    "local": "Local",
    "Vault": "VaultKV2",
    "VaultKV2": "VaultKV2",
    "vault": "VaultKV2",
    "vault-kv2": "VaultKV2",
    "vault_kv2": "VaultKV2",
    "VaultTransit": "VaultTransit",
    "vault-transit": "VaultTransit",
    "vault_transit": "VaultTransit",
    "Static": "Static",
    "static": "Static",
    "AWS": "AWS",
    "AwsKms": "AWS",
    "aws": "AWS",
    "aws-kms": "AWS",
    "aws_kms": "AWS",
}
"""``backend_type`` and its aliases."""


def refused(text: str) -> AdminError:
    """Return the error for a body that cannot be used: 400 in plain text."""
    return AdminError(text_reply(400, text), text)


def _path(node: JsonNode) -> str:
    if node.kind != "string":
        raise invalid_type(node, "path string")
    return str(node.value)


_Text = Annotated[str, string]
_OptionalText = Annotated[str | None, option(string)]
_Path = Annotated[str, _path]
_OptionalPath = Annotated[str | None, option(_path)]
_Seconds = Annotated[int | None, option(unsigned(64))]
_Switch = Annotated[bool | None, option(boolean)]


@dataclass(frozen=True, kw_only=True)
class TokenCredential:
    """A token in the configuration itself."""

    token: _Text


@dataclass(frozen=True, kw_only=True)
class AppRoleCredential:
    """The credentials of an AppRole; the secret id may be in a file."""

    role_id: _Text
    secret_id: _Text = ""
    secret_id_file: _OptionalPath = None
    mount: _OptionalText = None
    refresh_safety_window_secs: _Seconds = None


@dataclass(frozen=True, kw_only=True)
class KubernetesCredential:
    """The token of a service account, for a role of the Kubernetes auth method."""

    role: _Text
    mount: _OptionalText = None
    jwt_path: _OptionalPath = None
    refresh_safety_window_secs: _Seconds = None


@dataclass(frozen=True, kw_only=True)
class TokenFileCredential:
    """A token in a file, read again every ``poll_interval_secs``."""

    path: _Path
    poll_interval_secs: _Seconds = None
    refresh_safety_window_secs: _Seconds = None


Credential = TokenCredential | AppRoleCredential | KubernetesCredential | TokenFileCredential
_METHODS: Mapping[str, Reader[Credential]] = {
    "Token": struct("variant StrictVaultAuthMethod::Token", TokenCredential),
    "AppRole": struct("variant StrictVaultAuthMethod::AppRole", AppRoleCredential),
    "Kubernetes": struct("variant StrictVaultAuthMethod::Kubernetes", KubernetesCredential),
    "TokenFile": struct("variant StrictVaultAuthMethod::TokenFile", TokenFileCredential),
}


def _auth_method(node: JsonNode) -> Credential:
    """Read an externally tagged credential: ``{"Token": {…}}``."""
    if node.kind not in ("string", "map"):
        raise invalid_type(node, "string or map")
    entries = node.entries
    if node.kind == "map" and len(entries) != 1:
        raise SerdeError("invalid value: map, expected map with a single key")
    name = str(node.value) if node.kind == "string" else entries[0][0]
    if name not in _METHODS:
        raise SerdeError(f"unknown variant `{name}`, {listed(list(_METHODS))}")
    if node.kind == "string":
        raise SerdeError("invalid type: unit variant, expected struct variant")
    value = entries[0][2]
    assert isinstance(value, JsonNode)  # Syntax errors are raised before any field is read.
    return _METHODS[name](value)


# The order of the members is that of the server's messages: those of the first base class come last.


@dataclass(frozen=True, kw_only=True)
class _CommonMembers:
    default_key_id: _OptionalText = None
    timeout_seconds: _Seconds = None
    retry_attempts: Annotated[int | None, option(unsigned(32))] = None
    enable_cache: _Switch = None
    max_cached_keys: Annotated[int | None, option(unsigned(64, "usize"))] = None
    cache_ttl_seconds: _Seconds = None
    allow_insecure_dev_defaults: _Switch = None


@dataclass(frozen=True, kw_only=True)
class _LocalMembers:
    key_dir: _Path
    master_key: _OptionalText = None
    file_permissions: Annotated[int | None, option(unsigned(32))] = None


@dataclass(frozen=True, kw_only=True)
class LocalBody(_CommonMembers, _LocalMembers):
    """The configuration of a local backend."""


@dataclass(frozen=True, kw_only=True)
class _VaultMembers:
    address: _Text
    auth_method: Annotated[Credential, _auth_method]
    namespace: _OptionalText = None
    mount_path: _OptionalText = None


@dataclass(frozen=True, kw_only=True)
class _KvMembers:
    kv_mount: _OptionalText = None
    key_path_prefix: _OptionalText = None


@dataclass(frozen=True, kw_only=True)
class _TlsMembers:
    skip_tls_verify: _Switch = None
    ca_cert_path: _OptionalPath = None
    client_cert_path: _OptionalPath = None
    client_key_path: _OptionalPath = None


@dataclass(frozen=True, kw_only=True)
class VaultTransitBody(_CommonMembers, _TlsMembers, _VaultMembers):
    """The configuration of a backend that uses a Vault's transit engine."""


@dataclass(frozen=True, kw_only=True)
class VaultKV2Body(_CommonMembers, _TlsMembers, _KvMembers, _VaultMembers):
    """The configuration of a backend that keeps keys in a Vault's KV engine."""


@dataclass(frozen=True, kw_only=True)
class _StaticMembers:
    key_id: _Text
    secret_key: _Text


@dataclass(frozen=True, kw_only=True)
class StaticBody(_CommonMembers, _StaticMembers):
    """The configuration of a static backend, which is always refused."""


@dataclass(frozen=True, kw_only=True)
class _AwsMembers:
    region: _Text
    endpoint_url: _OptionalText = None


@dataclass(frozen=True, kw_only=True)
class AwsBody(_CommonMembers, _AwsMembers):
    """The configuration of an AWS backend."""


ConfigurationBody = LocalBody | VaultTransitBody | VaultKV2Body | StaticBody | AwsBody
_BODIES: Mapping[str, Reader[ConfigurationBody]] = {
    "Local": struct("ConfigureLocalKmsRequest", LocalBody),
    "VaultKV2": struct("ConfigureVaultKmsRequest", VaultKV2Body),
    "VaultTransit": struct("ConfigureVaultTransitKmsRequest", VaultTransitBody),
    "Static": struct("ConfigureStaticKmsRequest", StaticBody),
    "AWS": struct("ConfigureAwsKmsRequest", AwsBody),
}


def read(body: bytes) -> ConfigurationBody:
    """Parse a body. Raises AdminError (400)."""
    if not body:
        raise refused("Request body is required")
    return read_body(body, _tagged, invalid_json)


def invalid_json(error: str) -> AdminError:
    """Return the error for a body that the parser refuses."""
    return refused(f"Invalid JSON: {error}")


def _tagged(node: JsonNode) -> ConfigurationBody:
    backend = _tag(node)
    node.entries = [entry for entry in node.entries if entry[0] != "backend_type"]
    try:
        return _BODIES[backend](node)
    except SerdeError as error:
        # serde buffers the members of a tagged enum before it reads them; the messages have no position.
        error.at = None
        raise


def _tag(node: JsonNode) -> str:
    """Return the backend that ``backend_type`` names; other members are only checked to be JSON. Raises SerdeError."""
    if node.kind not in ("map", "sequence"):
        raise invalid_type(node, "internally tagged enum ConfigureKmsRequest")
    found = ""
    for name, name_end, value in node.entries:
        if isinstance(value, SerdeError):
            raise value
        if name != "backend_type":
            anything(value)
            continue
        if found:
            raise SerdeError("duplicate field `backend_type`", name_end)
        if value.kind != "string":
            raise invalid_type(value, "variant identifier")
        if str(value.value) not in TAGS:
            raise SerdeError(f"unknown variant `{value.value}`, {listed(list(TAGS))}", value.end)
        found = TAGS[str(value.value)]
    if node.broken:
        raise node.broken
    if not found:
        raise SerdeError("missing field `backend_type`", node.end)
    return found
