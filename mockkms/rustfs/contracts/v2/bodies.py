"""The JSON bodies of the current contract, except the configuration's."""

from __future__ import annotations

from typing import Any

from mockkms.rustfs.contracts.v2.errors import XmlFault
from mockkms.rustfs.serde import SerdeError
from mockkms.rustfs.typed import (
    REQUIRED,
    Reader,
    boolean,
    mapping,
    option,
    read_body,
    sequence,
    string,
    struct,
    unsigned,
    variant,
)

_TAGS = mapping(string)

START = struct("StartKmsRequest", {"force": (option(boolean), None)})
_CREATE: dict[str, tuple[Reader, Any]] = {
    "key_usage": (option(variant("EncryptDecrypt", "SignVerify")), None),
    "description": (option(string), None),
    "tags": (option(_TAGS), None),
}
CREATE = struct("CreateKmsKeyRequest", _CREATE)
CREATE_LEGACY = struct("CreateKeyApiRequest", _CREATE)
DATA_KEY = struct(
    "GenerateDataKeyApiRequest",
    {
        "key_id": (string, REQUIRED),
        "key_spec": (variant("Aes256", "Aes128", "ChaCha20"), REQUIRED),
        "encryption_context": (option(_TAGS), None),
    },
)
DELETE = struct(
    "DeleteKmsKeyRequest",
    {
        "key_id": (string, REQUIRED),
        "pending_window_in_days": (option(unsigned(32)), None),
        "force_immediate": (option(boolean), None),
        "confirm_key_id": (option(string), None),
    },
)
CANCEL = struct("CancelKmsKeyDeletionRequest", {"key_id": (string, REQUIRED)})
LIFECYCLE = struct("KmsKeyLifecycleRequest", {"key_id": (string, REQUIRED)})
DESCRIPTION = struct(
    "UpdateKmsKeyDescriptionRequest", {"key_id": (string, REQUIRED), "description": (string, REQUIRED)}
)
TAG = struct("TagKmsKeyRequest", {"key_id": (string, REQUIRED), "tags": (_TAGS, REQUIRED)})
UNTAG = struct("UntagKmsKeyRequest", {"key_id": (string, REQUIRED), "tag_keys": (sequence(string), REQUIRED)})
REKEY = struct("RekeyRequest", {"buckets": (option(sequence(string)), None), "prefix": (option(string), None)})
BACKUP = struct("KmsBackupRequest", {"backup_id": (option(string), None)})
DRY_RUN = struct(
    "KmsRestoreDryRunRequest", {"bundle": (string, REQUIRED), "observed_generation": (option(unsigned(64)), None)}
)
RESTORE = struct(
    "KmsRestoreRequest",
    {
        "bundle": (string, REQUIRED),
        "observed_generation": (option(unsigned(64)), None),
        "confirm_backup_id": (string, REQUIRED),
        "confirm_conflict_policy": (variant("fail", "restore-into-empty-target"), REQUIRED),
    },
)
ABORT = struct("KmsRestoreAbortRequest", {"confirm_target_key_dir": (string, REQUIRED)})


def read(body: bytes, reader: Reader) -> dict[str, Any]:
    """The body, or the 400 in the S3 style that most routes send."""
    try:
        found: dict[str, Any] = read_body(body, reader)
    except SerdeError as error:
        raise XmlFault(400, "InvalidRequest", f"invalid JSON: {error.located(body)}") from None
    return found
