"""Backup and restore of the local backend's keys: bundles are kept in the state, not on disk."""

from __future__ import annotations

import hashlib
import pickle
import re
from typing import Any

from mockkms.rustfs.message import AdminReply, json_reply
from mockkms.rustfs.state import Settings
from mockkms.rustfs.store import new_key_id
from mockkms.rustfs.v2 import bodies
from mockkms.rustfs.v2.backends import BACKENDS
from mockkms.rustfs.v2.call import Call
from mockkms.rustfs.v2.service import service_state

INCOMPLETE = (
    "backup bundle is incomplete (bundle has no manifest; the export never sealed it); "
    "incomplete bundles must never be restored"
)


class Failed(Exception):
    """A refusal of these routes: ``{"success": false, "message": …}``."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.reply = json_reply(status, {"success": False, "message": message})


def deployment(call: Call) -> str:
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
        raise Failed(400, f'invalid bundle name "{name}": {fault}; expected a single name of [A-Za-z0-9._-]')
    return name


def local(call: Call) -> Settings:
    """The settings, where they are of a backend that has bundles."""
    settings = call.admin.state.settings
    if settings is None:
        raise Failed(409, "kms is not configured")
    if settings.backend != "Local":
        raise Failed(
            501,
            f"backend {BACKENDS[settings.backend].name} has no RustFS-side restore: the cryptographic root is "
            "protected by the external system's own snapshot flow",
        )
    return settings


def show(call: Call) -> AdminReply:
    """``GET /backup``: works in every state."""
    state, settings = call.admin.state, call.admin.state.settings
    kek, backend = state.environment.backup_kek_id, BACKENDS[settings.backend] if settings else None
    is_local = settings is not None and settings.backend == "Local"
    shown: dict[str, Any] = {
        "service_status": service_state(call.admin),
        "backend": backend.name if backend else None,
        "responsibility": backend.responsibility if backend else None,
        "export_supported": is_local and bool(kek),
        "deployment_identity": deployment(call),
        "backup_root": state.environment.backup_dir or None,
        "backup_kek_configured": bool(kek),
        "backup_kek_id": kek or None,
        "backup_kek_version": state.environment.backup_kek_version if kek else None,
        "target_key_dir": settings.key_dir if settings and is_local else None,
    }
    if settings is None:
        shown["unavailable_reason"] = "kms is not configured"
    elif is_local and not kek:
        shown["unavailable_reason"] = "no backup key encryption key is configured"
    return json_reply(200, shown)


def export(call: Call) -> AdminReply:
    """``POST /backup``: seal all keys under a name."""
    body = bodies.read(call.body, bodies.BACKUP) if call.body else {"backup_id": None}
    state = call.admin.state
    asked = body["backup_id"]
    name = bundle_name(asked) if asked is not None else f"backup-{call.admin.core.entropy.hex(16)}"
    settings = local(call)
    if not state.running:
        raise Failed(503, "kms service is not running; a consistent export needs the running backend's fence")
    environment = state.environment
    if not environment.backup_kek_id:
        raise Failed(500, "backup export failed: no backup key encryption key is configured")
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


def shown_config(settings: Settings) -> dict[str, Any]:
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


def dry_run(call: Call) -> AdminReply:
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


def conflicts(call: Call, bundle: dict[str, Any], observed: int | None) -> list[dict[str, str]]:
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


def restore(call: Call) -> AdminReply:
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
    return json_reply(200, {"success": True, "backup_id": name, "restored_key_ids": sorted(bundle["keys"])})


def abort(call: Call) -> AdminReply:
    """``POST /restore/abort``: no restore is ever half done here."""
    body = bodies.read(call.body, bodies.ABORT)
    settings = local(call)
    if body["confirm_target_key_dir"] != settings.key_dir:
        raise Failed(400, "confirm_target_key_dir does not match the configured key directory")
    raise Failed(409, f"restore abort refused: Invalid operation: no restore is in progress under {settings.key_dir}")
