"""``keys/{name}/config``: version bounds and switches of a key."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.secrets.transit import NAME, engine
from mockkms.vault.secrets.transit.keys.keyring import existing
from mockkms.vault.secrets.transit.keys.keys import check_rotation_period
from mockkms.vault.secrets.transit.keys.reading import shown
from mockkms.vault.secrets.transit.model import Transit, TransitKey

config = engine.path(
    "keys/{name}/config",
    {
        "name": NAME,
        "min_decryption_version": Field(Kind.INT, help="Oldest version that still decrypts and verifies."),
        "min_encryption_version": Field(Kind.INT, help="Oldest version that may encrypt and sign; 0 sets no bound."),
        "deletion_allowed": Field(Kind.BOOL, help="Whether the key may be deleted."),
        "exportable": Field(Kind.BOOL, help="Allow the key to leave the server; cannot be taken back."),
        "allow_plaintext_backup": Field(Kind.BOOL, help="Allow backups; cannot be taken back."),
        "auto_rotate_period": Field(Kind.SECONDS, help="Age at which a new version is made; 0 is never."),
    },
    help="Settings of one key.",
)


@config.on(Operation.UPDATE)
def configure(state: Transit, call: Call, *, name: str, auto_rotate_period: int) -> Reply:
    """Change what was sent; a refused request changes nothing."""
    key = existing(state, name, call.core, f"no existing key named {name} could be found")
    decryption, encryption, warnings = _new_bounds(key, call)
    if "auto_rotate_period" in call:
        check_rotation_period(auto_rotate_period)
    if _changes(key, call, decryption, encryption):
        if key.min_available_version > encryption:
            raise ErrorResponse("min encryption version should not be less than min available version")
        if key.min_available_version > decryption:
            raise ErrorResponse("min decryption version should not be less then min available version")
        _apply(key, call, decryption, encryption)
    return Response(data=shown(key, call.core.product), warnings=warnings)


def _new_bounds(key: TransitKey, call: Call) -> tuple[int, int, list[str]]:
    """The bounds for decryption and encryption after this request, and warnings."""
    warnings = []
    decryption, encryption = key.min_decryption_version, key.min_encryption_version
    if "min_decryption_version" in call:
        decryption = call["min_decryption_version"]
        if decryption < 0:
            raise ErrorResponse("min decryption version cannot be negative")
        if decryption == 0:
            decryption = 1
            warnings = [call.core.product.texts.transit_first_version]
        if decryption > key.latest_version and decryption != key.min_decryption_version:
            raise ErrorResponse(
                f"cannot set min decryption version of {decryption}, latest key version is {key.latest_version}"
            )
    if "min_encryption_version" in call:
        encryption = call["min_encryption_version"]
        if encryption < 0:
            raise ErrorResponse("min encryption version cannot be negative")
        if encryption > key.latest_version and encryption != key.min_encryption_version:
            raise ErrorResponse(
                f"cannot set min encryption version of {encryption}, latest key version is {key.latest_version}"
            )
    if 0 < encryption < decryption:
        raise ErrorResponse(
            f"cannot set min encryption/decryption values; min encryption version of {encryption} must be greater "
            f"than or equal to min decryption version of {decryption}"
        )
    return decryption, encryption, warnings


def _changes(key: TransitKey, call: Call, decryption: int, encryption: int) -> bool:
    """Whether anything is to be stored; only then the trimmed versions are looked at."""
    return (
        (decryption, encryption) != (key.min_decryption_version, key.min_encryption_version)
        or call.get("deletion_allowed", key.deletion_allowed) != key.deletion_allowed
        or call.get("auto_rotate_period", key.auto_rotate_period) != key.auto_rotate_period
        or (call["exportable"] and not key.exportable)
        or (call["allow_plaintext_backup"] and not key.allow_plaintext_backup)
    )


def _apply(key: TransitKey, call: Call, decryption: int, encryption: int) -> None:
    key.min_decryption_version = decryption
    key.min_encryption_version = encryption
    key.deletion_allowed = call.get("deletion_allowed", key.deletion_allowed)
    key.exportable = key.exportable or call["exportable"]
    key.allow_plaintext_backup = key.allow_plaintext_backup or call["allow_plaintext_backup"]
    key.auto_rotate_period = call.get("auto_rotate_period", key.auto_rotate_period)
