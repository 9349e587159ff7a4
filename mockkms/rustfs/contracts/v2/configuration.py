"""The body of ``/configure`` and ``/reconfigure``: read, checked against what is there, made into settings."""

from __future__ import annotations

import tempfile
from pathlib import PurePosixPath
from typing import Any

from mockkms.rustfs.contracts.v2.errors import ConfigurationError
from mockkms.rustfs.serde import JsonNode, SerdeError, end, parse
from mockkms.rustfs.state import KmsSettings
from mockkms.rustfs.typed import (
    REQUIRED,
    Reader,
    anything,
    boolean,
    invalid_type,
    listed,
    option,
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


class Refused(Exception):
    """A body that is answered 400 in plain text."""


def _path(node: JsonNode) -> str:
    if node.kind != "string":
        raise invalid_type(node, "path string")
    return str(node.value)


_TEXT: tuple[Reader, Any] = (option(string), None)
_PATH: tuple[Reader, Any] = (option(_path), None)
_SECONDS: tuple[Reader, Any] = (option(unsigned(64)), None)
_COMMON: dict[str, tuple[Reader, Any]] = {
    "default_key_id": _TEXT,
    "timeout_seconds": _SECONDS,
    "retry_attempts": (option(unsigned(32)), None),
    "enable_cache": (option(boolean), None),
    "max_cached_keys": (option(unsigned(64, "usize")), None),
    "cache_ttl_seconds": _SECONDS,
    "allow_insecure_dev_defaults": (option(boolean), None),
}
_METHODS: dict[str, dict[str, tuple[Reader, Any]]] = {
    "Token": {"token": (string, REQUIRED)},
    "AppRole": {
        "role_id": (string, REQUIRED),
        "secret_id": (string, ""),
        "secret_id_file": _PATH,
        "mount": _TEXT,
        "refresh_safety_window_secs": _SECONDS,
    },
    "Kubernetes": {
        "role": (string, REQUIRED),
        "mount": _TEXT,
        "jwt_path": _PATH,
        "refresh_safety_window_secs": _SECONDS,
    },
    "TokenFile": {
        "path": (_path, REQUIRED),
        "poll_interval_secs": _SECONDS,
        "refresh_safety_window_secs": _SECONDS,
    },
}


def _auth_method(node: JsonNode) -> tuple[str, dict[str, Any]]:
    """An externally tagged credential: ``{"Token": {…}}``."""
    if node.kind not in ("string", "map"):
        raise invalid_type(node, "string or map")
    entries = node.entries
    if node.kind == "map" and len(entries) != 1:
        raise SerdeError("invalid value: map, expected map with a single key")
    name = node.value if node.kind == "string" else entries[0][0]
    if name not in _METHODS:
        raise SerdeError(f"unknown variant `{name}`, {listed(list(_METHODS))}")
    if node.kind == "string":
        raise SerdeError("invalid type: unit variant, expected struct variant")
    value = entries[0][2]
    assert isinstance(value, JsonNode)  # a broken tree was refused before
    return name, struct(f"variant StrictVaultAuthMethod::{name}", _METHODS[name])(value)


_VAULT_HEAD: dict[str, tuple[Reader, Any]] = {
    "address": (string, REQUIRED),
    "auth_method": (_auth_method, REQUIRED),
    "namespace": _TEXT,
    "mount_path": _TEXT,
}
_VAULT_TAIL: dict[str, tuple[Reader, Any]] = {
    "skip_tls_verify": (option(boolean), None),
    "ca_cert_path": _PATH,
    "client_cert_path": _PATH,
    "client_key_path": _PATH,
    **_COMMON,
}
_BODIES = {
    "Local": struct(
        "ConfigureLocalKmsRequest",
        {
            "key_dir": (_path, REQUIRED),
            "master_key": _TEXT,
            "file_permissions": (option(unsigned(32)), None),
            **_COMMON,
        },
    ),
    "VaultKV2": struct(
        "ConfigureVaultKmsRequest",
        {**_VAULT_HEAD, "kv_mount": _TEXT, "key_path_prefix": _TEXT, **_VAULT_TAIL},
    ),
    "VaultTransit": struct("ConfigureVaultTransitKmsRequest", {**_VAULT_HEAD, **_VAULT_TAIL}),
    "Static": struct(
        "ConfigureStaticKmsRequest", {"key_id": (string, REQUIRED), "secret_key": (string, REQUIRED), **_COMMON}
    ),
    "AWS": struct("ConfigureAwsKmsRequest", {"region": (string, REQUIRED), "endpoint_url": _TEXT, **_COMMON}),
}


def read(body: bytes) -> tuple[str, dict[str, Any]]:
    """Backend and fields of a body. Raises Refused with the sentence of the 400."""
    if not body:
        raise Refused("Request body is required")
    try:
        node = parse(body)
        backend = _tag(node)
        end(body, node)
    except SerdeError as error:
        raise Refused(f"Invalid JSON: {error.located(body)}") from None
    node.entries = [entry for entry in node.entries if entry[0] != "backend_type"]
    try:
        return backend, _BODIES[backend](node)
    except SerdeError as error:
        raise Refused(f"Invalid JSON: {error.text}") from None


def _tag(node: JsonNode) -> str:
    """The backend that ``backend_type`` names; every other member only has to be JSON here."""
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
        if value.value not in TAGS:
            raise SerdeError(f"unknown variant `{value.value}`, {listed(list(TAGS))}", value.end)
        found = TAGS[value.value]
    if node.broken:
        raise node.broken
    if not found:
        raise SerdeError("missing field `backend_type`", node.end)
    return found


def settings_of(backend: str, data: dict[str, Any], existing: KmsSettings | None) -> KmsSettings:
    """The settings a body asks for, beside those that are there. Raises Refused or ConfigurationError."""
    _refuse_changes(backend, data, existing)
    settings = KmsSettings(
        backend,
        default_key_id=data["default_key_id"],
        timeout_seconds=_or(data["timeout_seconds"], 30),
        retry_attempts=_or(data["retry_attempts"], 3),
        enable_cache=_or(data["enable_cache"], True),
        max_cached_keys=_or(data["max_cached_keys"], 1000),
        cache_ttl_seconds=_or(data["cache_ttl_seconds"], 300),
        dev_defaults=bool(data["allow_insecure_dev_defaults"]),
    )
    if backend == "Local":
        _local(settings, data, existing)
    elif backend == "AWS":
        settings.region, settings.endpoint_url = data["region"], data["endpoint_url"]
    elif backend.startswith("Vault"):
        _vault(settings, data, existing)
    else:
        raise Refused(
            "Static KMS must be configured through RUSTFS_KMS_STATIC_SECRET_KEY or RUSTFS_KMS_STATIC_SECRET_KEY_FILE"
        )
    return settings


def _or(value: Any, default: Any) -> Any:
    return default if value is None else value


def _refuse_changes(backend: str, data: dict[str, Any], existing: KmsSettings | None) -> None:
    if existing is None or existing.backend != "Local":
        return
    if backend != "Local":
        raise Refused("Changing from the Local KMS backend is not supported")
    if data["key_dir"] != existing.key_dir:
        raise Refused("Changing the Local KMS key directory is not supported")
    if data["file_permissions"] is not None and data["file_permissions"] != existing.file_permissions:
        raise Refused("Changing Local KMS file permissions is not supported")
    if data["master_key"]:
        raise Refused("Changing the Local KMS master key is not supported")


def _local(settings: KmsSettings, data: dict[str, Any], existing: KmsSettings | None) -> None:
    settings.key_dir = data["key_dir"]
    settings.master_key, settings.file_permissions = data["master_key"], data["file_permissions"]
    if existing is not None:
        settings.master_key = existing.master_key
        settings.file_permissions = existing.file_permissions
        settings.dev_defaults = existing.dev_defaults


def _vault(settings: KmsSettings, data: dict[str, Any], existing: KmsSettings | None) -> None:
    method, secret = data["auth_method"]
    settings.address, settings.namespace = data["address"], data["namespace"]
    settings.mount_path = _or(data["mount_path"], "transit")
    settings.kv_mount = _or(data.get("kv_mount"), "secret")
    settings.key_path_prefix = _or(data.get("key_path_prefix"), "rustfs/kms/keys")
    settings.skip_tls_verify = bool(data["skip_tls_verify"])
    settings.custom_ca = data["ca_cert_path"] is not None
    settings.client_identity = data["client_cert_path"] is not None
    settings.auth_method = {"AppRole": "approle", "TokenFile": "token_file"}.get(method, method.lower())
    settings.auth_mount = _or(secret.get("mount"), settings.auth_method)
    settings.token = secret.get("token", "")
    settings.role_id = secret.get("role_id", secret.get("role", ""))
    settings.secret_id = secret.get("secret_id", "") or _or(secret.get("secret_id_file"), "")
    if method == "Token" and not settings.token.strip():
        if existing is None or not existing.backend.startswith("Vault"):
            raise Refused("Vault token is required when no existing KMS credentials are available")
        for name in ("auth_method", "auth_mount", "token", "role_id", "secret_id"):
            setattr(settings, name, getattr(existing, name))
    elif method == "TokenFile":
        settings.token = secret["path"]
        if secret["poll_interval_secs"] == 0:
            settings.secret_id = "0"


def validate(settings: KmsSettings) -> None:
    """The rules every configuration must keep. Raises ConfigurationError."""
    if settings.timeout_seconds == 0:
        raise ConfigurationError("Timeout must be greater than 0")
    if settings.retry_attempts == 0:
        raise ConfigurationError("Retry attempts must be greater than 0")
    {"Local": _validate_local, "AWS": _validate_aws}.get(settings.backend, _validate_vault)(settings)


def _insecure(reason: str) -> ConfigurationError:
    return ConfigurationError(f"{reason}; set RUSTFS_KMS_ALLOW_INSECURE_DEV_DEFAULTS=true only for development")


def _validate_local(settings: KmsSettings) -> None:
    directory = PurePosixPath(settings.key_dir)
    if not directory.is_absolute():
        raise ConfigurationError("Local key directory must be an absolute path")
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
        raise ConfigurationError("AWS KMS region cannot be empty when set")
    endpoint = settings.endpoint_url
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise ConfigurationError("AWS KMS endpoint URL must use http or https scheme")
    if endpoint and endpoint.startswith("http://") and not settings.dev_defaults:
        raise _insecure("AWS KMS endpoint URL must use https")


def _validate_vault(settings: KmsSettings) -> None:
    transit = settings.backend == "VaultTransit"
    name = "Vault Transit" if transit else "Vault KV2"
    if not settings.address.startswith(("http://", "https://")):
        raise ConfigurationError(f"{name} address must use http or https scheme")
    _validate_credential(settings, name)
    if not settings.dev_defaults:
        if settings.address.startswith("http://"):
            raise _insecure(f"{name} requires HTTPS outside explicit development mode")
        if settings.auth_method == "token" and settings.token == "dev-token":
            raise _insecure(f"{name} default dev-token is not allowed outside explicit development mode")
        if settings.skip_tls_verify:
            raise _insecure(f"{name} skip TLS verification is not allowed outside explicit development mode")
    if transit and not settings.mount_path:
        raise ConfigurationError("Vault Transit mount path cannot be empty")
    if not transit and not settings.kv_mount:
        raise ConfigurationError("Vault KV2 mount cannot be empty")


def _validate_credential(settings: KmsSettings, name: str) -> None:
    if settings.auth_method == "approle":
        if not settings.role_id:
            raise ConfigurationError(f"{name} AppRole role_id cannot be empty")
        if not settings.secret_id:
            raise ConfigurationError(f"{name} AppRole requires a secret_id or a secret_id_file")
        if not settings.auth_mount:
            raise ConfigurationError(f"{name} AppRole mount cannot be empty")
    elif settings.auth_method == "kubernetes":
        if not settings.role_id:
            raise ConfigurationError(f"{name} Kubernetes role cannot be empty")
        if not settings.auth_mount:
            raise ConfigurationError(f"{name} Kubernetes mount cannot be empty")
    elif settings.auth_method == "token_file":
        if not settings.token:
            raise ConfigurationError(f"{name} token file path cannot be empty")
        if settings.secret_id == "0":
            raise ConfigurationError(f"{name} token file poll interval must be greater than 0")
