"""``keys/{name}/config``: version bounds and switches of a key."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.secrets.transit import NAME, engine
from mockkms.vault.secrets.transit.keys.keyring import existing
from mockkms.vault.secrets.transit.keys.keys import check_rotation_period
from mockkms.vault.secrets.transit.keys.reading import shown
from mockkms.vault.secrets.transit.model import Transit, TransitKey

_SETTINGS = (
    "min_decryption_version", "min_encryption_version", "deletion_allowed", "exportable", "allow_plaintext_backup",
    "auto_rotate_period",
)  # fmt: skip
config = engine.path(
    "keys/{name}/config", lambda: {"name": NAME, **TransitKey.fields(*_SETTINGS)}, help="Settings of one key."
)


@config.on(Operation.UPDATE)
def configure(
    state: Transit,
    call: Call,
    *,
    name: str,
    exportable: bool,
    allow_plaintext_backup: bool,
    min_decryption_version: int | None = None,
    min_encryption_version: int | None = None,
    deletion_allowed: bool | None = None,
    auto_rotate_period: int | None = None,
) -> Reply:
    """Update the settings that were sent. Raises ErrorResponse, and then changes nothing."""
    key = existing(state, name, call.core, f"no existing key named {name} could be found")
    warnings = [call.core.product.texts.transit_first_version] if min_decryption_version == 0 else []
    decryption = _bound("decryption", key.min_decryption_version, min_decryption_version, key.latest_version) or 1
    encryption = _bound("encryption", key.min_encryption_version, min_encryption_version, key.latest_version)
    if 0 < encryption < decryption:
        raise ErrorResponse(
            f"cannot set min encryption/decryption values; min encryption version of {encryption} must be greater "
            f"than or equal to min decryption version of {decryption}"
        )
    if auto_rotate_period is not None:
        check_rotation_period(auto_rotate_period)
    wanted: dict[str, object] = {
        "min_decryption_version": decryption,
        "min_encryption_version": encryption,
        "deletion_allowed": key.deletion_allowed if deletion_allowed is None else deletion_allowed,
        "exportable": key.exportable or exportable,
        "allow_plaintext_backup": key.allow_plaintext_backup or allow_plaintext_backup,
        "auto_rotate_period": key.auto_rotate_period if auto_rotate_period is None else auto_rotate_period,
    }
    if any(getattr(key, setting) != value for setting, value in wanted.items()):
        # Only a change is checked against the trimmed versions.
        if key.min_available_version > encryption:
            raise ErrorResponse("min encryption version should not be less than min available version")
        if key.min_available_version > decryption:
            raise ErrorResponse("min decryption version should not be less then min available version")
        for setting, value in wanted.items():
            setattr(key, setting, value)
        key.unsaved = False
    return Response(data=shown(key, call.core.product), warnings=warnings)


def _bound(purpose: str, present: int, sent: int | None, latest: int) -> int:
    """Return the oldest version for a purpose after the request. Raises ErrorResponse."""
    if sent is None:
        return present
    if sent < 0:
        raise ErrorResponse(f"min {purpose} version cannot be negative")
    if sent > latest and sent != present:
        raise ErrorResponse(f"cannot set min {purpose} version of {sent}, latest key version is {latest}")
    return sent
