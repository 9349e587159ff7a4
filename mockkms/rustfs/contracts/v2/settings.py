"""The settings that a configuration describes, and which of them the server refuses."""

from __future__ import annotations

import tempfile
from pathlib import PurePosixPath
from typing import TypeVar

from mockkms.rustfs.contracts.v2.configuration import (
    AppRoleCredential,
    AwsBody,
    ConfigurationBody,
    Credential,
    KubernetesCredential,
    LocalBody,
    StaticBody,
    TokenCredential,
    TokenFileCredential,
    VaultKV2Body,
    VaultTransitBody,
    refused,
)
from mockkms.rustfs.errors import KmsError, KmsFailure
from mockkms.rustfs.state import KmsSettings

T = TypeVar("T")


def settings_of(body: ConfigurationBody, existing: KmsSettings | None) -> KmsSettings:
    """Return the settings that a body describes, completed from the ``existing`` ones. Raises AdminError (400)."""
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
        _local(settings, body, local)
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
    settings.client_key = body.client_key_path is not None
    _credential(settings, body.auth_method)
    if settings.auth_method == "token" and not settings.token.strip():
        # Without a token, the credentials of the existing configuration stay in use.
        if existing is None or not existing.backend.startswith("Vault"):
            raise refused("Vault token is required when no existing KMS credentials are available")
        for name in ("auth_method", "auth_mount", "token", "role_id", "secret_id", "poll_interval"):
            setattr(settings, name, getattr(existing, name))


def _credential(settings: KmsSettings, credential: Credential) -> None:
    match credential:
        case TokenCredential():
            settings.auth_method = settings.auth_mount = "token"
            settings.token = credential.token
        case AppRoleCredential():
            settings.auth_method = "approle"
            settings.auth_mount = _or(credential.mount, "approle")
            settings.role_id = credential.role_id
            settings.secret_id = credential.secret_id or _or(credential.secret_id_file, "")
        case KubernetesCredential():
            settings.auth_method = "kubernetes"
            settings.auth_mount, settings.role_id = _or(credential.mount, "kubernetes"), credential.role
            settings.token = _or(credential.jwt_path, "/var/run/secrets/kubernetes.io/serviceaccount/token")
        case TokenFileCredential():
            settings.auth_method = settings.auth_mount = "token_file"
            settings.token = credential.path
            settings.poll_interval = credential.poll_interval_secs


def validate(settings: KmsSettings) -> None:
    """Check a configuration. Raises KmsError of kind CONFIGURATION."""
    if settings.timeout_seconds == 0:
        raise KmsError(KmsFailure.CONFIGURATION, "Timeout must be greater than 0")
    if settings.retry_attempts == 0:
        raise KmsError(KmsFailure.CONFIGURATION, "Retry attempts must be greater than 0")
    {"Local": _validate_local, "AWS": _validate_aws}.get(settings.backend, _validate_vault)(settings)
    if settings.enable_cache and settings.max_cached_keys == 0:
        raise KmsError(KmsFailure.CONFIGURATION, "Cache max_keys must be greater than 0")
    if settings.enable_cache and settings.cache_ttl_seconds == 0:
        raise KmsError(KmsFailure.CONFIGURATION, "Cache ttl must be greater than 0")


def _insecure(reason: str) -> KmsError:
    return KmsError(
        KmsFailure.CONFIGURATION, f"{reason}; set RUSTFS_KMS_ALLOW_INSECURE_DEV_DEFAULTS=true only for development"
    )


def _validate_local(settings: KmsSettings) -> None:
    directory = PurePosixPath(settings.key_dir)
    if not directory.is_absolute():
        raise KmsError(KmsFailure.CONFIGURATION, "Local key directory must be an absolute path")
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
        raise KmsError(KmsFailure.CONFIGURATION, "AWS KMS region cannot be empty when set")
    endpoint = settings.endpoint_url
    if endpoint and not endpoint.startswith(("http://", "https://")):
        raise KmsError(KmsFailure.CONFIGURATION, "AWS KMS endpoint URL must use http or https scheme")
    if endpoint and endpoint.startswith("http://") and not settings.dev_defaults:
        raise _insecure("AWS KMS endpoint URL must use https")


def _validate_vault(settings: KmsSettings) -> None:
    transit = settings.backend == "VaultTransit"
    name = "Vault Transit" if transit else "Vault KV2"
    if not settings.address.startswith(("http://", "https://")):
        raise KmsError(KmsFailure.CONFIGURATION, f"{name} address must use http or https scheme")
    _validate_credential(settings, name)
    if not settings.dev_defaults:
        if settings.address.startswith("http://"):
            raise _insecure(f"{name} requires HTTPS outside explicit development mode")
        if settings.auth_method == "token" and settings.token == "dev-token":
            raise _insecure(f"{name} default dev-token is not allowed outside explicit development mode")
        if settings.skip_tls_verify:
            raise _insecure(f"{name} skip TLS verification is not allowed outside explicit development mode")
    if transit and not settings.mount_path:
        raise KmsError(KmsFailure.CONFIGURATION, "Vault Transit mount path cannot be empty")
    if not transit and not settings.kv_mount:
        raise KmsError(KmsFailure.CONFIGURATION, "Vault KV2 mount cannot be empty")
    if settings.client_identity != settings.client_key:
        text = "Vault client_cert_path and client_key_path must be configured together for mTLS"
        raise KmsError(KmsFailure.CONFIGURATION, text)


def _validate_credential(settings: KmsSettings, name: str) -> None:
    if settings.auth_method == "approle":
        if not settings.role_id:
            raise KmsError(KmsFailure.CONFIGURATION, f"{name} AppRole role_id cannot be empty")
        if not settings.secret_id:
            raise KmsError(KmsFailure.CONFIGURATION, f"{name} AppRole requires a secret_id or a secret_id_file")
        if not settings.auth_mount:
            raise KmsError(KmsFailure.CONFIGURATION, f"{name} AppRole mount cannot be empty")
    elif settings.auth_method == "kubernetes":
        if not settings.role_id:
            raise KmsError(KmsFailure.CONFIGURATION, f"{name} Kubernetes role cannot be empty")
        if not settings.auth_mount:
            raise KmsError(KmsFailure.CONFIGURATION, f"{name} Kubernetes mount cannot be empty")
        if not settings.token:
            raise KmsError(KmsFailure.CONFIGURATION, f"{name} Kubernetes ServiceAccount token path cannot be empty")
    elif settings.auth_method == "token_file":
        if not settings.token:
            raise KmsError(KmsFailure.CONFIGURATION, f"{name} token file path cannot be empty")
        if settings.poll_interval == 0:
            raise KmsError(KmsFailure.CONFIGURATION, f"{name} token file poll interval must be greater than 0")
