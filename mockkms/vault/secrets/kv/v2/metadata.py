"""``config``, ``metadata/{path}`` and ``detailed-metadata/{path}``: settings of mounts and secrets, and histories."""

from __future__ import annotations

from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.custom_metadata import parsed
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.folders import children, walk
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.framework.storage_keys import refuse_bytes
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.kv.v2.engine import engine, time_text
from mockkms.vault.secrets.kv.v2.model import DISABLED, KV2, UINT32, Kv2Config, SecretMetadata, Version, clean

_PATH = Field(Kind.STRING, help="Path of the secret.")

config = engine.path("config", Kv2Config.fields, help="Settings for all secrets of the mount.")
metadata = engine.path(
    "metadata/{path:all}",
    lambda: {
        "path": _PATH,
        **SecretMetadata.fields(),
        "custom_metadata": Field(Kind.MAP, help="Names and texts, at most 64."),
        "metadata_cas": Field(
            Kind.INT,
            needs=Feature.KV_METADATA_CAS,
            help="The current metadata version that the write expects; 0: none.",
        ),
        "exclude_deleted": Field(
            Kind.BOOL,
            needs=Feature.KV_EXCLUDE_DELETED,
            query=True,
            help="Leave out secrets whose current version is deleted.",
        ),
        **PAGE,
    },
    help="Read and change metadata, list secrets, and remove a secret with all its versions.",
    go_errors=True,
)
detailed = engine.path(
    "detailed-metadata/{path:all}",
    fields={"path": _PATH, **PAGE},
    help="List secrets with their metadata.",
    needs=Feature.KV_METADATA_CAS,
)


@config.on(Operation.READ)
def read_config(state: KV2, call: Call) -> Reply:
    """Return the settings."""
    lifetime = {"delete_version_after": go_duration(state.config.delete_version_after)}
    return state.config.shown(call.core.product) | lifetime


@config.on(Operation.CREATE, Operation.UPDATE)
def write_config(state: KV2, call: Call) -> None:
    """Change the settings that were sent."""
    state.config.update_from(call)
    state.config.max_versions &= UINT32
    state.config.delete_version_after = max(state.config.delete_version_after, DISABLED)


@metadata.existence
def _exists(state: KV2, call: Call, *, path: str) -> bool:
    return state.find(path) is not None


@metadata.on(Operation.READ)
def read(state: KV2, call: Call, *, path: str) -> dict[str, object] | None:
    """Return settings and history of a secret."""
    key = state.find(path)
    return None if key is None else shown(key, call.core.product)


def shown(key: SecretMetadata, product: Product) -> dict[str, object]:
    """Return metadata as a read shows it."""
    data = {
        **key.shown(product),
        "custom_metadata": key.custom_metadata,
        "created_time": time_text(key.created),
        "current_version": key.current,
        "delete_version_after": go_duration(key.delete_version_after),
        "oldest_version": key.oldest,
        "updated_time": time_text(key.updated),
        "versions": {str(number): _version(version, product) for number, version in key.versions.items()},
    }
    if product.has(Feature.KV_METADATA_CAS):
        data["current_metadata_version"] = key.metadata_version
    if product.has(Feature.KV_ATTRIBUTION):
        data["last_updated_by"] = key.updated_by
    return data


def _version(version: Version, product: Product) -> dict[str, object]:
    answer: dict[str, object] = {
        "created_time": time_text(version.created),
        "deletion_time": time_text(version.deleted),
        "destroyed": version.destroyed,
    }
    if product.has(Feature.KV_ATTRIBUTION):
        answer["created_by"] = version.created_by
        answer["deleted_by"] = version.deleted_by
    return answer


@metadata.on(Operation.LIST)
def list_keys(state: KV2, call: Call, *, path: str, after: str, limit: int, exclude_deleted: bool) -> Reply:
    """Return the names directly below a folder."""
    names = page(children(state.keys, _folder(path)), after, limit)
    if exclude_deleted:
        # A deletion time in the future counts too; folders and destroyed versions are listed.
        names = [name for name in names if not _deleted(state.keys.get(_folder(path) + name))]
    return {"keys": names} if names else {}


def _deleted(key: SecretMetadata | None) -> bool:
    version = key.versions.get(key.current) if key else None
    return version is not None and version.deleted is not None


@metadata.on(Operation.SCAN)
def scan_keys(state: KV2, call: Call, *, path: str) -> Reply:
    """Return every path below a folder."""
    names = walk(state.keys, _folder(path))
    return {"keys": names} if names else {}


@detailed.on(Operation.LIST)
def list_detailed(state: KV2, call: Call, *, path: str, after: str, limit: int) -> Reply:
    """Return the names directly below a folder with their metadata; an empty object for a folder."""
    return _with_info(state, call, path, page(children(state.keys, _folder(path)), after, limit))


@detailed.on(Operation.SCAN)
def scan_detailed(state: KV2, call: Call, *, path: str) -> Reply:
    """Return every path below a folder with its metadata."""
    return _with_info(state, call, path, walk(state.keys, _folder(path)))


def _with_info(state: KV2, call: Call, folder: str, names: list[str]) -> Reply:
    if not names:
        return {}
    info = {}
    for name in names:
        key = state.keys.get(clean(f"{folder}/{name}"))
        info[name] = shown(key, call.core.product) if key else {}
    return {"keys": names, "key_info": info}


def _folder(path: str) -> str:
    path = clean(path)
    return path + "/" if path else ""


@metadata.on(Operation.CREATE, Operation.UPDATE)
def write(state: KV2, call: Call, *, path: str, custom_metadata: dict[str, object] | None = None) -> Reply:
    """Change the settings that were sent; create the metadata if it does not exist. Raises ErrorResponse."""
    now = call.now()
    if not path:
        raise ErrorResponse("missing path")
    if not any(name in call for name in (*SecretMetadata.params(), "custom_metadata")):
        return None
    custom = None if custom_metadata is None else parsed(custom_metadata)
    key = state.edit(path)
    _check_and_set(state, call, key)
    refuse_bytes(call.request, "string field contains invalid UTF-8")
    key = key or SecretMetadata(path=path, created=now, updated=now)
    key.update_from(call, "max_versions", "delete_version_after")
    key.max_versions &= UINT32
    if custom is not None:
        key.custom_metadata = custom or None
    _finish(state, call, path, key)
    return _warned(state, call)


@metadata.on(Operation.PATCH)
def patch(
    state: KV2,
    call: Call,
    *,
    path: str,
    custom_metadata: dict[str, object],
    max_versions: int | None = None,
    delete_version_after: int | None = None,
) -> Reply:
    """Update the sent parameters of existing metadata; null removes a setting, or a member of custom_metadata."""
    zero_counts = call.core.product.has(Feature.KV_PATCH_ZERO)
    if not zero_counts and not any(name in call for name in (*SecretMetadata.params(), "custom_metadata")):
        return None
    if not path:
        raise ErrorResponse("missing path")
    sent = {name: value for name, value in custom_metadata.items() if value is not None}
    parsed(sent)
    key = state.edit(path)
    if key is None:
        return Response(status=404, raw=b"")
    _check_and_set(state, call, key)
    for value in sent.values():
        if not isinstance(value, str):
            raise _unfit("bool" if isinstance(value, bool) else "number", "custom_metadata", "string")
    if max_versions is not None:
        if not 0 <= max_versions <= UINT32:
            raise _unfit(f"number {max_versions}", "max_versions", "uint32")
        key.max_versions = max_versions
    if delete_version_after is not None and (zero_counts or delete_version_after):
        # Other products merge 0 as an empty object, which changes nothing.
        key.delete_version_after = delete_version_after
    if "custom_metadata" in call:
        emptied = call.raw["custom_metadata"] is None
        key.custom_metadata = None if emptied else _patched(key.custom_metadata, custom_metadata)
    _finish(state, call, path, key)
    return _warned(state, call)


def _unfit(value: str, name: str, go_type: str) -> BackendError:
    return BackendError(f"json: cannot unmarshal {value} into Go struct field KeyMetadata.{name} of type {go_type}")


def _patched(before: dict[str, str] | None, sent: dict[str, object]) -> dict[str, str] | None:
    merged = {**(before or {}), **sent}
    return {name: str(text) for name, text in merged.items() if text is not None} or None


def _check_and_set(state: KV2, call: Call, key: SecretMetadata | None) -> None:
    required = state.config.metadata_cas_required or (key is not None and key.metadata_cas_required)
    if "metadata_cas" not in call:
        if required:
            raise ErrorResponse("metadata check-and-set parameter required for this call")
        return
    if key is None and call["metadata_cas"] != 0:
        raise ErrorResponse("metadata_cas must be 0 when creating new metadata")
    if key is not None and call["metadata_cas"] != key.metadata_version:
        raise ErrorResponse("metadata check-and-set parameter does not match the current version")


def _finish(state: KV2, call: Call, path: str, key: SecretMetadata) -> None:
    key.update_from(call, "cas_required", "metadata_cas_required")
    key.metadata_version += 1
    if call.core.product.has(Feature.KV_METADATA_CAS):
        key.updated = call.now()
    state.file(path, key)


def _warned(state: KV2, call: Call) -> Response | None:
    warnings = [
        f'"{name}" set to false, but is mandated by backend config. This value will be ignored.'
        for name, mandated in (
            ("cas_required", state.config.cas_required),
            ("metadata_cas_required", state.config.metadata_cas_required),
        )
        if mandated and call.get(name) is False
    ]
    return Response(warnings=warnings) if warnings else None


@metadata.on(Operation.DELETE)
def delete(state: KV2, call: Call, *, path: str) -> None:
    """Remove a secret with all its versions."""
    state.forget(path)
