"""The routes of the service itself: configure, start, stop, status."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from mockkms.rustfs.backends import BACKENDS
from mockkms.rustfs.contracts.v2 import configuration, requests
from mockkms.rustfs.contracts.v2.cache import Descriptions, lifetime
from mockkms.rustfs.contracts.v2.keyring import ensure_probe
from mockkms.rustfs.contracts.v2.requests import StartBody, not_initialized
from mockkms.rustfs.contracts.v2.settings import settings_of, validate
from mockkms.rustfs.errors import KmsError, KmsFailure
from mockkms.rustfs.keystore import KeyStore
from mockkms.rustfs.message import AdminReply, json_reply
from mockkms.rustfs.state import KmsSettings
from mockkms.rustfs.typed import read_body
from mockkms.rustfs.vault_client import VaultClient
from mockkms.vault.framework.message import Operation

if TYPE_CHECKING:
    from mockkms.rustfs.context import AdminContext
    from mockkms.rustfs.contracts.v2.requests import AdminCall

NO_CONFIGURATION = "Cannot start KMS: no configuration provided"


def service_state(admin: AdminContext) -> str | dict[str, str]:
    """Return ``ServiceState``: a name, or the error of the last start."""
    state = admin.state
    if state.error:
        return {"Error": state.error}
    if state.settings is None:
        return "NotConfigured"
    return "Running" if state.running else "Configured"


def outcome(admin: AdminContext, message: str, *, success: bool) -> AdminReply:
    """Return the response of a route that configures, starts or stops the service."""
    return json_reply(200, {"success": success, "message": message, "status": service_state(admin)}, typed=False)


def configure(call: AdminCall) -> AdminReply:
    """``POST /configure``: store a configuration, without a connection to the backend."""
    admin = call.admin
    settings = settings_of(configuration.read(call.body), admin.state.settings)
    try:
        validate(settings)
        if admin.state.running:
            raise KmsError(
                KmsFailure.CONFIGURATION, "Cannot configure KMS while it is running; use reconfigure instead"
            )
    except KmsError as error:
        return outcome(admin, f"Failed to configure KMS: {error.text}", success=False)
    state = admin.state
    state.settings = state.persisted = settings
    state.running, state.error, state.contract = False, "", "v2"
    return outcome(admin, "KMS configured successfully", success=True)


def reconfigure(call: AdminCall) -> AdminReply:
    """``POST /reconfigure``: start with a new configuration; if that fails, the old one stays in use."""
    admin = call.admin
    settings = settings_of(configuration.read(call.body), admin.state.settings)
    try:
        validate(settings)
        swap(admin, settings)
    except KmsError as error:
        return outcome(admin, f"Failed to reconfigure KMS: {error.text}", success=False)
    admin.state.contract = "v2"
    return outcome(admin, "KMS reconfigured and restarted successfully", success=True)


def swap(admin: AdminContext, settings: KmsSettings) -> None:
    """Start the service with other settings. Raises KmsError if they do not work."""
    try:
        token = contact(admin, settings)
    except KmsError as error:
        raise KmsError(KmsFailure.BACKEND, f"Failed to reconfigure KMS: {error.text}") from None
    admin.state.persisted, admin.state.error = settings, ""
    admin.install(settings, token)
    ensure_probe(admin)


def reload(call: AdminCall) -> AdminReply:
    """``POST /reload``: start the service with the stored configuration, unless it already runs with it."""
    admin = call.admin
    kept = admin.state.persisted
    if kept is None:
        return outcome(
            admin,
            "Failed to reload persisted KMS configuration: no persisted KMS configuration is available",
            success=False,
        )
    if service_state(admin) != "Running" or kept != admin.state.settings:
        try:
            swap(admin, kept)
        except KmsError as error:
            text = f"failed to apply persisted KMS configuration: {error.text}"
            return outcome(admin, f"Failed to reload persisted KMS configuration: {text}", success=False)
    return outcome(admin, "Persisted KMS configuration reloaded successfully", success=True)


def start(call: AdminCall) -> AdminReply:
    """``POST /start``; ``{"force": true}`` restarts."""
    admin, state = call.admin, call.admin.state
    body = read_body(call.body, requests.START, configuration.invalid_json) if call.body else StartBody()
    was_running = state.configured
    if was_running and not body.force:
        return outcome(admin, "KMS service is already running. Use force=true to restart.", success=False)
    try:
        if state.settings is None:
            state.error = NO_CONFIGURATION
            raise KmsError(KmsFailure.CONFIGURATION, NO_CONFIGURATION)
        token = contact(admin, state.settings)
    except KmsError as error:
        if error.kind is KmsFailure.CONFIGURATION:
            return outcome(admin, f"Failed to start or restart KMS service: {error.text}", success=False)
        text = f"Failed to create KMS backend: {error.text}"
        if not was_running:
            state.error = text
        return outcome(admin, f"Failed to start or restart KMS service: Backend error: {text}", success=False)
    state.error = ""
    admin.install(state.settings, token)
    ensure_probe(admin)
    return outcome(admin, f"KMS service {'restarted' if was_running else 'started'} successfully", success=True)


def stop(call: AdminCall) -> AdminReply:
    """``POST /stop``: always succeeds."""
    call.admin.state.running, call.admin.state.error = False, ""
    return outcome(call.admin, "KMS service stopped successfully", success=True)


def contact(admin: AdminContext, settings: KmsSettings) -> str:
    """Connect to the backend as a start does; return the token for the Vault. Raises KmsError of kind BACKEND."""
    kv = settings.backend == "VaultKV2"
    doing = (
        f"Failed to list keys in Vault kv_mount '{settings.kv_mount}'" if kv else "Vault Transit health check failed"
    )
    if not admin.reachable(settings):
        raise KmsError(KmsFailure.BACKEND, f"{doing}: An error occurred with the request")
    if not admin.embedded(settings):
        return settings.token
    client = VaultClient(admin.core, settings.namespace, settings.token)
    if settings.auth_method == "approle":
        client.login(settings.auth_mount, settings.role_id, settings.secret_id)
    if not kv:
        KeyStore(admin, settings, client).names()
        return client.token
    try:
        client.call(doing, Operation.LIST, f"{settings.kv_mount}/metadata/{settings.key_path_prefix}/", absent=True)
    except KmsError as error:
        if error.vault_status != 404:
            raise
        # For a KV mount that does not exist, RustFS repeats the Vault's own message.
        raise KmsError(KmsFailure.BACKEND, f"{doing}: {error.vault_text}") from None
    return client.token


def reachable(admin: AdminContext, settings: KmsSettings) -> bool:
    """Return whether the backend of the running service can be used."""
    try:
        contact(admin, settings)
    except KmsError:
        return False
    return True


def service_status(call: AdminCall) -> AdminReply:
    """``GET /service-status``, also of a service that is not running."""
    admin = call.admin
    settings = admin.state.settings
    condition = service_state(admin)
    healthy = reachable(admin, settings) if settings is not None and condition == "Running" else None
    return json_reply(
        200,
        {
            "status": condition,
            "backend_type": settings.backend if settings else None,
            "healthy": healthy,
            "config_summary": summary(settings) if settings else None,
        },
        typed=False,
    )


def summary(settings: KmsSettings) -> dict[str, object]:
    """Return ``ConfigSummary``, the configuration without secrets."""
    cache = {"max_keys": settings.max_cached_keys, "ttl_seconds": lifetime(settings), "enable_metrics": True}
    return {
        "backend_type": settings.backend,
        "default_key_id": settings.default_key_id,
        "timeout_seconds": settings.timeout_seconds,
        "retry_attempts": settings.retry_attempts,
        "enable_cache": settings.enable_cache,
        "max_cached_keys": settings.max_cached_keys,
        "cache_ttl_seconds": lifetime(settings),
        "cache_summary": cache if settings.enable_cache else None,
        "backend_summary": backend_summary(settings),
    }


def backend_summary(settings: KmsSettings) -> dict[str, object]:
    """Return the part of ``ConfigSummary`` about the backend."""
    shown: dict[str, object] = {"backend_type": BACKENDS[settings.backend].name}
    if settings.backend == "Local":
        return {
            **shown,
            "key_dir": settings.key_dir,
            "has_master_key": settings.master_key is not None,
            "file_permissions": settings.file_permissions,
        }
    if settings.backend == "Static":
        return {**shown, "key_id": settings.key_id}
    if settings.backend == "AWS":
        return {**shown, "region": settings.region, "endpoint_url": settings.endpoint_url}
    shown.update(
        address=settings.address,
        auth_method_type=settings.auth_method,
        has_stored_credentials=True,
        namespace=settings.namespace,
        mount_path=settings.mount_path,
    )
    if settings.backend == "VaultKV2":
        shown.update(kv_mount=settings.kv_mount, key_path_prefix=settings.key_path_prefix)
    shown.update(
        skip_tls_verify=settings.skip_tls_verify,
        has_custom_ca=settings.custom_ca,
        has_client_identity=settings.client_identity,
    )
    return shown


def running(call: AdminCall) -> KmsSettings:
    """Return the settings of the running service. Raises AdminError if it is not running."""
    state = call.admin.state
    if state.settings is None or not state.running:
        raise not_initialized()
    return state.settings


def descriptions(call: AdminCall, settings: KmsSettings) -> Descriptions:
    """Return the cache of the running service."""
    return Descriptions(call.admin.state.cache, settings, call.admin.core.clock.now())


def status_body(call: AdminCall) -> dict[str, object]:
    """Return ``Status``, with capabilities."""
    settings = running(call)
    backend = BACKENDS[settings.backend]
    node = {"host": "local", "config_fingerprint": fingerprint(settings)}
    return {
        "backend_type": backend.name,
        "backend_status": "healthy" if reachable(call.admin, settings) else "error",
        "cache_enabled": settings.enable_cache,
        "cache_stats": descriptions(call, settings).counters(),
        "default_key_id": settings.default_key_id,
        "capabilities": backend.capabilities(),
        "cluster_config": {"consistent": True, "nodes": [node]},
    }


def status(call: AdminCall) -> AdminReply:
    """``GET`` and ``POST /status``."""
    return json_reply(200, status_body(call))


def fingerprint(settings: KmsSettings) -> str:
    """Return the SHA-256 of the configuration, with its secrets replaced, in hex."""
    shown = asdict(settings)
    for name in ("token", "role_id", "secret_id", "master_key", "secret_key"):
        shown[name] = "redacted"
    return hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).hexdigest()


def config(call: AdminCall) -> AdminReply:
    """``GET /config``."""
    settings = running(call)
    return json_reply(
        200,
        {
            "backend": BACKENDS[settings.backend].name,
            "cache_enabled": settings.enable_cache,
            "cache_max_keys": settings.max_cached_keys,
            "cache_ttl_seconds": lifetime(settings),
            "default_key_id": settings.default_key_id,
        },
    )


def clear_cache(call: AdminCall) -> AdminReply:
    """``POST /clear-cache``, with any body."""
    descriptions(call, running(call)).clear()
    return json_reply(200, {"status": "success", "message": "cache cleared successfully"})
