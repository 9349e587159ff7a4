"""Backup and restore of the keys of the local backend. Bundles are kept in the state, not on disk."""

from __future__ import annotations

import hashlib
import re
from copy import deepcopy

from mockkms.rustfs.backends import BACKENDS
from mockkms.rustfs.contracts.v2 import requests
from mockkms.rustfs.contracts.v2.requests import AdminCall
from mockkms.rustfs.contracts.v2.service import service_state
from mockkms.rustfs.errors import AdminError
from mockkms.rustfs.keystore import new_key_id
from mockkms.rustfs.message import AdminReply, json_reply
from mockkms.rustfs.state import BackupBundle, KmsKey, KmsSettings, RustfsEnvironment
from mockkms.rustfs.typed import quoted

INCOMPLETE = (
    "backup bundle is incomplete (bundle has no manifest; the export never sealed it); "
    "incomplete bundles must never be restored"
)


def failed(status: int, message: str) -> AdminError:
    """Return an error in the format of these routes: ``{"success": false, "message": …}``."""
    return AdminError(json_reply(status, {"success": False, "message": message}), message)


def deployment(call: AdminCall) -> str:
    """Return the id of this installation, which is generated at its first use."""
    state = call.admin.state
    if not state.deployment_id:
        state.deployment_id = new_key_id(call.admin.core.entropy).removeprefix("rustfs-key-")
    return state.deployment_id


def bundle_name(name: str) -> str:
    """Return a valid name of a bundle. Raises AdminError."""
    fault = ""
    if not name:
        fault = "empty"
    elif len(name.encode()) > 128:
        fault = "longer than 128 characters"
    elif name in (".", ".."):
        fault = "path traversal"
    elif name.startswith("."):
        fault = "must not start with a dot"
    elif not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        fault = "contains characters outside the accepted set"
    if fault:
        raise failed(400, f"invalid bundle name {quoted(name)}: {fault}; expected a single name of [A-Za-z0-9._-]")
    return name


DUTIES = {
    "full-material": "the bundle owns the complete material",
    "reference-only": "the secret is delivered externally and must be re-supplied by the operator",
    "metadata-plus-external-root": "the cryptographic root is protected by the external system's own snapshot flow",
    None: "this backend has no backup responsibility defined",
}


def missing_variable(environment: RustfsEnvironment) -> str:
    """Return the message for an environment variable that is not set; empty if all are set."""
    missing = "" if environment.backup_kek_id else "RUSTFS_KMS_BACKUP_KEK"
    missing = missing if environment.backup_dir else "RUSTFS_KMS_BACKUP_DIR"
    return f"{missing} is not set; KMS backup and restore are disabled until it is" if missing else ""


def ready(call: AdminCall) -> KmsSettings:
    """Return the settings of a server that is configured for backups. Raises AdminError."""
    settings = call.admin.state.settings
    if settings is None:
        raise failed(409, "kms is not configured")
    missing = missing_variable(call.admin.state.environment)
    if missing:
        raise failed(412, missing)
    return settings


def local(call: AdminCall) -> KmsSettings:
    """Return the settings of a local backend that is configured for backups. Raises AdminError."""
    settings = ready(call)
    if settings.backend != "Local":
        backend = BACKENDS[settings.backend]
        raise failed(501, f"backend {backend.name} has no RustFS-side restore: {DUTIES[backend.responsibility]}")
    return settings


def show(call: AdminCall) -> AdminReply:
    """``GET /backup``: works in every state."""
    state, settings = call.admin.state, call.admin.state.settings
    environment = state.environment
    backend = BACKENDS[settings.backend] if settings else None
    is_local = settings is not None and settings.backend == "Local"
    reason = missing_variable(environment) if settings else "kms is not configured"
    condition = service_state(call.admin)
    shown: dict[str, object] = {
        "service_status": condition if isinstance(condition, str) else f"Error({quoted(state.error)})",
        "backend": backend.name if backend else None,
        "responsibility": backend.responsibility if backend else None,
        "export_supported": is_local and not reason,
        "deployment_identity": deployment(call),
        "backup_root": None if reason else environment.backup_dir,
        "backup_kek_configured": not reason,
        "backup_kek_id": None if reason else environment.backup_kek_id,
        "backup_kek_version": None if reason else environment.backup_kek_version,
        "target_key_dir": settings.key_dir if settings and is_local else None,
    }
    if reason:
        shown["unavailable_reason"] = reason
    return json_reply(200, shown)


def export(call: AdminCall) -> AdminReply:
    """``POST /backup``: store all keys under a name."""
    body = requests.read(call.body, requests.BACKUP) if call.body else requests.BackupBody()
    state = call.admin.state
    ready(call)
    if not state.running:
        raise failed(503, "kms service is not running; a consistent export needs the running backend's fence")
    settings, environment, asked = local(call), state.environment, body.backup_id
    name = bundle_name(asked) if asked is not None else f"backup-{call.admin.core.entropy.hex(16)}"
    if name in state.backups:
        raise failed(
            500,
            "backup export failed: Invalid operation: backup destination directory is not empty; "
            "refusing to mix bundles",
        )
    keys: dict[str, KmsKey] = deepcopy(state.keys)
    bundle = BackupBundle(
        generation=int(call.admin.core.clock.now()),
        keys=keys,
        config=shown_config(settings),
        digest=hashlib.sha256(repr((name, sorted(keys))).encode()).hexdigest(),
    )
    state.backups[name] = bundle
    return json_reply(
        200,
        {
            "backup_id": name,
            "snapshot_generation": bundle.generation,
            "deployment_identity": deployment(call),
            "artifact_count": len(keys) + 1,
            "manifest_digest": bundle.digest,
            "backup_kek_id": environment.backup_kek_id,
            "backup_kek_version": environment.backup_kek_version,
            "sanitized_config_included": True,
        },
    )


def shown_config(settings: KmsSettings) -> dict[str, object]:
    """Return a configuration without secrets, as a bundle has it."""
    return {
        "format_version": 1,
        "backend": "local",
        "default_key_id": settings.default_key_id,
        "timeout_secs": settings.timeout_seconds,
        "retry_attempts": settings.retry_attempts,
        "enable_cache": settings.enable_cache,
        "allow_insecure_dev_defaults": settings.dev_defaults,
        "backend_reference": {
            "kind": "local",
            "key_dir": settings.key_dir,
            "file_permissions": settings.file_permissions,
            "master_key_configured": settings.master_key is not None,
        },
    }


def dry_run(call: AdminCall) -> AdminReply:
    """``POST /restore/dry-run``: report the conflicts of a restore; writes nothing."""
    body = requests.read(call.body, requests.DRY_RUN)
    ready(call)
    name = bundle_name(body.bundle)
    settings = local(call)
    state = call.admin.state
    bundle = state.backups.get(name)
    report: dict[str, object] = {
        "backup_id": name if bundle else "",
        "target_deployment_identity": deployment(call),
        "blockers": [] if bundle else [{"code": "incomplete-bundle", "detail": INCOMPLETE}],
        "conflicts": conflicts(call, bundle, body.observed_generation) if bundle else [],
        "external_mismatches": [],
    }
    comparison = None
    if bundle:
        current = shown_config(settings)
        comparison = {"bundle": bundle.config, "current": current, "identical": bundle.config == current}
    return json_reply(200, {"report": report, "config_comparison": comparison})


def conflicts(call: AdminCall, bundle: BackupBundle, observed: int | None) -> list[dict[str, str]]:
    """Return the keys of a bundle that exist, and whether the bundle is older than ``observed``."""
    found = [
        {
            "kind": "key-already-exists",
            "key_id": name,
            "detail": f'target already has key file "{name}.key"',
        }
        for name in sorted(bundle.keys)
        if name in call.admin.state.keys
    ]
    if observed is not None and observed > bundle.generation:
        found.append(
            {
                "kind": "generation-regression",
                "key_id": "*",
                "detail": f"target observed snapshot generation {observed}, bundle carries {bundle.generation}; "
                "equal generations stay allowed for repeated drills",
            }
        )
    return found


def restore(call: AdminCall) -> AdminReply:
    """``POST /restore``: restore keys to an empty store of a stopped service."""
    body = requests.read(call.body, requests.RESTORE)
    ready(call)
    state = call.admin.state
    if service_state(call.admin) == "Running":
        raise failed(
            409,
            "kms service is running; stop it before restoring so the restore cannot race the live key directory",
        )
    name = bundle_name(body.bundle)
    bundle = state.backups.get(name)
    if bundle is None:
        raise failed(400, f"bundle is not restorable: {INCOMPLETE}")
    if body.confirm_backup_id != name:
        raise failed(
            400,
            "confirm_backup_id does not match the bundle manifest; review the dry-run report and confirm the backup "
            "id it reports",
        )
    local(call)
    if body.confirm_conflict_policy == "fail":
        raise failed(
            409,
            "restore refused: Invalid operation: restore conflict policy 'fail' never writes to the target; review "
            "the dry-run report and re-run with the 'restore-into-empty-target' policy to proceed",
        )
    if conflicts(call, bundle, body.observed_generation):
        raise failed(409, "restore refused: Invalid operation: restore target is not empty")
    state.keys.update(deepcopy(bundle.keys))
    return json_reply(
        200,
        {
            "backup_id": name,
            "snapshot_generation": bundle.generation,
            "restored_key_ids": sorted(bundle.keys),
            "salt_restored": True,
            "resumed": False,
        },
    )


def abort(call: AdminCall) -> AdminReply:
    """``POST /restore/abort``: restores complete at once, so none is in progress."""
    body = requests.read(call.body, requests.ABORT)
    settings = local(call)
    if body.confirm_target_key_dir != settings.key_dir:
        raise failed(400, "confirm_target_key_dir does not match the configured key directory")
    raise failed(409, f"restore abort refused: Invalid operation: no restore is in progress under {settings.key_dir}")
