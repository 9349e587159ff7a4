"""The body of ``/configure`` and ``/reconfigure``: parsed, turned into settings, and validated."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Annotated, TypeVar

from mockkms.rustfs.errors import AdminError, Failure, KmsError
from mockkms.rustfs.message import text_reply
from mockkms.rustfs.serde import JsonNode, SerdeError
from mockkms.rustfs.state import KmsSettings
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

T = TypeVar("T")

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
class _TokenCredential:
    token: _Text

    def apply(self, settings: KmsSettings) -> None:
        settings.auth_method = settings.auth_mount = "token"
        settings.token = self.token


@dataclass(frozen=True, kw_only=True)
class _AppRoleCredential:
    role_id: _Text
    secret_id: _Text = ""
    secret_id_file: _OptionalPath = None
    mount: _OptionalText = None
    refresh_safety_window_secs: _Seconds = None

    def apply(self, settings: KmsSettings) -> None:
        settings.auth_method = "approle"
        settings.auth_mount = _or(self.mount, "approle")
        settings.role_id, settings.secret_id = self.role_id, self.secret_id or _or(self.secret_id_file, "")


@dataclass(frozen=True, kw_only=True)
class _KubernetesCredential:
    role: _Text
    mount: _OptionalText = None
    jwt_path: _OptionalPath = None
    refresh_safety_window_secs: _Seconds = None

    def apply(self, settings: KmsSettings) -> None:
        settings.auth_method = "kubernetes"
        settings.auth_mount, settings.role_id = _or(self.mount, "kubernetes"), self.role


@dataclass(frozen=True, kw_only=True)
class _TokenFileCredential:
    path: _Path
    poll_interval_secs: _Seconds = None
    refresh_safety_window_secs: _Seconds = None

    def apply(self, settings: KmsSettings) -> None:
        settings.auth_method = settings.auth_mount = "token_file"
        settings.token = self.path
        if self.poll_interval_secs == 0:
            settings.secret_id = "0"


_Credential = _TokenCredential | _AppRoleCredential | _KubernetesCredential | _TokenFileCredential
_METHODS: Mapping[str, Reader[_Credential]] = {
    "Token": struct("variant StrictVaultAuthMethod::Token", _TokenCredential),
    "AppRole": struct("variant StrictVaultAuthMethod::AppRole", _AppRoleCredential),
    "Kubernetes": struct("variant StrictVaultAuthMethod::Kubernetes", _KubernetesCredential),
    "TokenFile": struct("variant StrictVaultAuthMethod::TokenFile", _TokenFileCredential),
}


def _auth_method(node: JsonNode) -> _Credential:
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
    auth_method: Annotated[_Credential, _auth_method]
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


def settings_of(body: ConfigurationBody, existing: KmsSettings | None) -> KmsSettings:
    """Return the settings that a body describes; some are taken from existing ones. Raises AdminError (400)."""
    settings = KmsSettings(
        "Local",
        default_key_id=body.default_key_id,
        timeout_seconds=_or(body.timeout_seconds, 30),
        retry_attempts=_or(body.retry_attempts, 3),
        enable_cache=_or(body.enable_cache, True),
        max_cached_keys=_or(body.max_cached_keys, 1000),
        cache_ttl_seconds=_or(body.cache_ttl_seconds, 300),
        dev_defaults=bool(body.allow_insecure_dev_defaults),
    )
    local = existing if existing is not None and existing.backend == "Local" else None
    if local is not None:
        _refuse_changes(body, local)
    if isinstance(body, LocalBody):
        _local(settings, body, existing)
    elif isinstance(body, AwsBody):
        settings.backend, settings.region, settings.endpoint_url = "AWS", body.region, body.endpoint_url
    elif isinstance(body, StaticBody):
        raise refused(
            "Static KMS must be configured through RUSTFS_KMS_STATIC_SECRET_KEY or RUSTFS_KMS_STATIC_SECRET_KEY_FILE"
        )
    else:
        _vault(settings, body, existing)
    return settings


def _or(value: T | None, default: T) -> T:
    return default if value is None else value


def _refuse_changes(body: ConfigurationBody, existing: KmsSettings) -> None:
    """Raise AdminError for changes that a local backend does not allow."""
    if not isinstance(body, LocalBody):
        raise refused("Changing from the Local KMS backend is not supported")
    if body.key_dir != existing.key_dir:
        raise refused("Changing the Local KMS key directory is not supported")
    if body.file_permissions is not None and body.file_permissions != existing.file_permissions:
        raise refused("Changing Local KMS file permissions is not supported")
    if body.master_key:
        raise refused("Changing the Local KMS master key is not supported")


def _local(settings: KmsSettings, body: LocalBody, existing: KmsSettings | None) -> None:
    settings.key_dir = body.key_dir
    settings.master_key, settings.file_permissions = body.master_key, body.file_permissions
    if existing is not None:
        settings.master_key = existing.master_key
        settings.file_permissions = existing.file_permissions
        settings.dev_defaults = existing.dev_defaults


def _vault(settings: KmsSettings, body: VaultTransitBody | VaultKV2Body, existing: KmsSettings | None) -> None:
    settings.backend = "VaultTransit"
    settings.address, settings.namespace = body.address, body.namespace
    settings.mount_path = _or(body.mount_path, "transit")
    if isinstance(body, VaultKV2Body):
        settings.backend = "VaultKV2"
        settings.kv_mount = _or(body.kv_mount, "secret")
        settings.key_path_prefix = _or(body.key_path_prefix, "rustfs/kms/keys")
    settings.skip_tls_verify = bool(body.skip_tls_verify)
    settings.custom_ca = body.ca_cert_path is not None
    settings.client_identity = body.client_cert_path is not None
    body.auth_method.apply(settings)
    if settings.auth_method == "token" and not settings.token.strip():
        # A token that is not sent is the one that is known.
        if existing is None or not existing.backend.startswith("Vault"):
            raise refused("Vault token is required when no existing KMS credentials are available")
        for name in ("auth_method", "auth_mount", "token", "role_id", "secret_id"):
            setattr(settings, name, getattr(existing, name))


def validate(settings: KmsSettings) -> None:
    """Check a configuration. Raises KmsError of kind CONFIGURATION."""
    if settings.timeout_seconds == 0:
        raise KmsError(Failure.CONFIGURATION, "Timeout must be greater than 0")
    if settings.retry_attempts == 0:
        raise KmsError(Failure.CONFIGURATION, "Retry attempts must be greater than 0")
    {"Local": _validate_local, "AWS": _validate_aws}.get(settings.backend, _validate_vault)(settings)


def _insecure(reason: str) -> KmsError:
    return KmsError(
        Failure.CONFIGURATION, f"{reason}; set RUSTFS_KMS_ALLOW_INSECURE_DEV_DEFAULTS=true only for development"
    )


def _validate_local(settings: KmsSettings) -> None:
    directory = PurePosixPath(settings.key_dir)
    if not directory.is_absolute():
        raise KmsError(Failure.CONFIGURATION, "Local key directory must be an absolute path")
    if settings.dev_defaults:
        return
    if not settings.master_key:
        raise _insecure("Local KMS requires a master key outside explicit development mode")
    if directory.is_relative_to(tempfile.gettempdir()):
        raise _insecure(
            "Local KMS key directory must not be under the process temp directory outside explicit development mode"
        )


def _validate_aws(settings: KmsSettings) -> None:
    if settings.region == "":
        raise KmsError(Failure.CONFIGURATION, "AWS KMS region cannot be empty when set")
    endpoint = settings.endpoint_url
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise KmsError(Failure.CONFIGURATION, "AWS KMS endpoint URL must use http or https scheme")
    if endpoint and endpoint.startswith("http://") and not settings.dev_defaults:
        raise _insecure("AWS KMS endpoint URL must use https")


def _validate_vault(settings: KmsSettings) -> None:
    transit = settings.backend == "VaultTransit"
    name = "Vault Transit" if transit else "Vault KV2"
    if not settings.address.startswith(("http://", "https://")):
        raise KmsError(Failure.CONFIGURATION, f"{name} address must use http or https scheme")
    _validate_credential(settings, name)
    if not settings.dev_defaults:
        if settings.address.startswith("http://"):
            raise _insecure(f"{name} requires HTTPS outside explicit development mode")
        if settings.auth_method == "token" and settings.token == "dev-token":
            raise _insecure(f"{name} default dev-token is not allowed outside explicit development mode")
        if settings.skip_tls_verify:
            raise _insecure(f"{name} skip TLS verification is not allowed outside explicit development mode")
    if transit and not settings.mount_path:
        raise KmsError(Failure.CONFIGURATION, "Vault Transit mount path cannot be empty")
    if not transit and not settings.kv_mount:
        raise KmsError(Failure.CONFIGURATION, "Vault KV2 mount cannot be empty")


def _validate_credential(settings: KmsSettings, name: str) -> None:
    if settings.auth_method == "approle":
        if not settings.role_id:
            raise KmsError(Failure.CONFIGURATION, f"{name} AppRole role_id cannot be empty")
        if not settings.secret_id:
            raise KmsError(Failure.CONFIGURATION, f"{name} AppRole requires a secret_id or a secret_id_file")
        if not settings.auth_mount:
            raise KmsError(Failure.CONFIGURATION, f"{name} AppRole mount cannot be empty")
    elif settings.auth_method == "kubernetes":
        if not settings.role_id:
            raise KmsError(Failure.CONFIGURATION, f"{name} Kubernetes role cannot be empty")
        if not settings.auth_mount:
            raise KmsError(Failure.CONFIGURATION, f"{name} Kubernetes mount cannot be empty")
    elif settings.auth_method == "token_file":
        if not settings.token:
            raise KmsError(Failure.CONFIGURATION, f"{name} token file path cannot be empty")
        if settings.secret_id == "0":
            raise KmsError(Failure.CONFIGURATION, f"{name} token file poll interval must be greater than 0")
