"""Backup and restore of the local backend's keys: bundles are kept in the state, not on disk."""

from __future__ import annotations

import hashlib
import pickle
import re
from typing import Any

from mockkms.rustfs.contracts.v2 import bodies
from mockkms.rustfs.contracts.v2.backends import BACKENDS
from mockkms.rustfs.contracts.v2.call import AdminCall
from mockkms.rustfs.contracts.v2.service import service_state
from mockkms.rustfs.message import AdminReply, json_reply
from mockkms.rustfs.state import KmsSettings, RustfsEnvironment
from mockkms.rustfs.store import new_key_id
from mockkms.rustfs.typed import quoted

INCOMPLETE = (
    "backup bundle is incomplete (bundle has no manifest; the export never sealed it); "
    "incomplete bundles must never be restored"
)


class Failed(Exception):
    """A refusal of these routes: ``{"success": false, "message": …}``."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.reply = json_reply(status, {"success": False, "message": message})


def deployment(call: AdminCall) -> str:
    """The id of this installation, made when first asked for."""
    state = call.admin.state
    if not state.deployment_id:
        state.deployment_id = new_key_id(call.admin.core.entropy).removeprefix("rustfs-key-")
    return state.deployment_id


def bundle_name(name: str) -> str:
    """The name, if it is one."""
    fault = ""
    if not name:
        fault = "empty"
    elif len(name) > 128:
        fault = "longer than 128 characters"
    elif name.startswith("."):
        fault = "must not start with a dot"
    elif not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        fault = "contains characters outside the accepted set"
    if fault:
        raise Failed(400, f"invalid bundle name {quoted(name)}: {fault}; expected a single name of [A-Za-z0-9._-]")
    return name


DUTIES = {
    "full-material": "the bundle owns the complete material",
    "reference-only": "the secret is delivered externally and must be re-supplied by the operator",
    "metadata-plus-external-root": "the cryptographic root is protected by the external system's own snapshot flow",
    None: "this backend has no backup responsibility defined",
}


def missing_setting(environment: RustfsEnvironment) -> str:
    """Which of the server's settings is not made; nothing where all are."""
    missing = "" if environment.backup_kek_id else "RUSTFS_KMS_BACKUP_KEK"
    missing = missing if environment.backup_dir else "RUSTFS_KMS_BACKUP_DIR"
    return f"{missing} is not set; KMS backup and restore are disabled until it is" if missing else ""


def ready(call: AdminCall) -> KmsSettings:
    """The settings, on a server that is set up for bundles."""
    settings = call.admin.state.settings
    if settings is None:
        raise Failed(409, "kms is not configured")
    missing = missing_setting(call.admin.state.environment)
    if missing:
        raise Failed(412, missing)
    return settings


def local(call: AdminCall) -> KmsSettings:
    """The settings, where they are of a backend that has bundles."""
    settings = ready(call)
    if settings.backend != "Local":
        backend = BACKENDS[settings.backend]
        raise Failed(501, f"backend {backend.name} has no RustFS-side restore: {DUTIES[backend.responsibility]}")
    return settings


def show(call: AdminCall) -> AdminReply:
    """``GET /backup``: works in every state."""
    state, settings = call.admin.state, call.admin.state.settings
    environment = state.environment
    backend = BACKENDS[settings.backend] if settings else None
    is_local = settings is not None and settings.backend == "Local"
    reason = missing_setting(environment) if settings else "kms is not configured"
    condition = service_state(call.admin)
    shown: dict[str, Any] = {
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
    """``POST /backup``: seal all keys under a name."""
    body = bodies.read(call.body, bodies.BACKUP) if call.body else {"backup_id": None}
    state = call.admin.state
    ready(call)
    if not state.running:
        raise Failed(503, "kms service is not running; a consistent export needs the running backend's fence")
    settings, environment, asked = local(call), state.environment, body["backup_id"]
    name = bundle_name(asked) if asked is not None else f"backup-{call.admin.core.entropy.hex(16)}"
    if name in state.backups:
        raise Failed(
            500,
            "backup export failed: Invalid operation: backup destination directory is not empty; "
            "refusing to mix bundles",
        )
    keys = pickle.loads(pickle.dumps(state.keys))
    bundle = {
        "generation": int(call.admin.core.clock.now()),
        "keys": keys,
        "config": shown_config(settings),
        "digest": hashlib.sha256(repr((name, sorted(keys))).encode()).hexdigest(),
    }
    state.backups[name] = bundle
    return json_reply(
        200,
        {
            "backup_id": name,
            "snapshot_generation": bundle["generation"],
            "deployment_identity": deployment(call),
            "artifact_count": len(keys) + 1,
            "manifest_digest": bundle["digest"],
            "backup_kek_id": environment.backup_kek_id,
            "backup_kek_version": environment.backup_kek_version,
            "sanitized_config_included": True,
        },
    )


def shown_config(settings: KmsSettings) -> dict[str, Any]:
    """A configuration as a bundle keeps it, without secrets."""
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
    """``POST /restore/dry-run``: what a restore would meet; writes nothing."""
    body = bodies.read(call.body, bodies.DRY_RUN)
    name = bundle_name(body["bundle"])
    settings = local(call)
    state = call.admin.state
    bundle = state.backups.get(name)
    report: dict[str, Any] = {
        "backup_id": name if bundle else "",
        "target_deployment_identity": deployment(call),
        "blockers": [] if bundle else [{"code": "incomplete-bundle", "detail": INCOMPLETE}],
        "conflicts": conflicts(call, bundle, body["observed_generation"]) if bundle else [],
        "external_mismatches": [],
    }
    comparison = None
    if bundle:
        current = shown_config(settings)
        comparison = {"bundle": bundle["config"], "current": current, "identical": bundle["config"] == current}
    return json_reply(200, {"report": report, "config_comparison": comparison})


def conflicts(call: AdminCall, bundle: dict[str, Any], observed: int | None) -> list[dict[str, str]]:
    """Keys that are there already, and a bundle older than what was seen."""
    found = [
        {
            "kind": "key-already-exists",
            "key_id": name,
            "detail": f'target already has key file "{name}.key"',
        }
        for name in sorted(bundle["keys"])
        if name in call.admin.state.keys
    ]
    if observed is not None and observed > bundle["generation"]:
        found.append(
            {
                "kind": "generation-regression",
                "key_id": "*",
                "detail": f"target observed snapshot generation {observed}, bundle carries {bundle['generation']}; "
                "equal generations stay allowed for repeated drills",
            }
        )
    return found


def restore(call: AdminCall) -> AdminReply:
    """``POST /restore``: into an empty store, with the service stopped."""
    body = bodies.read(call.body, bodies.RESTORE)
    name = bundle_name(body["bundle"])
    local(call)
    state = call.admin.state
    if state.running:
        raise Failed(
            409,
            "kms service is running; stop it before restoring so the restore cannot race the live key directory",
        )
    bundle = state.backups.get(name)
    if bundle is None:
        raise Failed(400, f"bundle is not restorable: {INCOMPLETE}")
    if body["confirm_backup_id"] != name:
        raise Failed(
            400,
            "confirm_backup_id does not match the bundle manifest; review the dry-run report and confirm the backup "
            "id it reports",
        )
    if body["confirm_conflict_policy"] == "fail":
        raise Failed(
            409,
            "restore refused: Invalid operation: restore conflict policy 'fail' never writes to the target; review "
            "the dry-run report and re-run with the 'restore-into-empty-target' policy to proceed",
        )
    if conflicts(call, bundle, body["observed_generation"]):
        raise Failed(409, "restore refused: Invalid operation: restore target is not empty")
    state.keys.update(pickle.loads(pickle.dumps(bundle["keys"])))
    return json_reply(
        200,
        {
            "backup_id": name,
            "snapshot_generation": bundle["generation"],
            "restored_key_ids": sorted(bundle["keys"]),
            "salt_restored": True,
            "resumed": False,
        },
    )


def abort(call: AdminCall) -> AdminReply:
    """``POST /restore/abort``: no restore is ever half done here."""
    body = bodies.read(call.body, bodies.ABORT)
    settings = local(call)
    if body["confirm_target_key_dir"] != settings.key_dir:
        raise Failed(400, "confirm_target_key_dir does not match the configured key directory")
    raise Failed(409, f"restore abort refused: Invalid operation: no restore is in progress under {settings.key_dir}")
