"""One request of the current contract, its JSON body, and the errors that several routes share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, TypeVar
from urllib.parse import parse_qsl

from mockkms.rustfs.errors import AdminError, KmsError, s3_error
from mockkms.rustfs.message import AdminRequest
from mockkms.rustfs.typed import (
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
from mockkms.vault.golang.number import of_digits

if TYPE_CHECKING:
    from mockkms.rustfs.context import AdminContext

MISSING_KEY_ID = "missing required parameter: 'keyId'"
"""The message for a request that names no key."""

T = TypeVar("T")


@dataclass(slots=True)
class AdminCall:
    """A request, as the handler of a route gets it."""

    admin: AdminContext
    request: AdminRequest
    key_id: str = ""
    """The last segment of ``/keys/{key_id}``, not decoded."""

    @property
    def body(self) -> bytes:
        """The body as it was sent."""
        return self.request.body

    @property
    def query(self) -> dict[str, str]:
        """The query, parsed as a form: ``+`` is a space, and of equal names the last one counts."""
        return dict(parse_qsl(self.request.query_string, keep_blank_values=True))


# -- errors ------------------------------------------------------------------------------------------------------------


def not_initialized(text: str = "KMS service not initialized") -> AdminError:
    """Return the error of the older routes for a service that is not running."""
    return s3_error(500, "InternalError", text)


@contextmanager
def s3_failures(doing: str) -> Iterator[None]:
    """Turn a KmsError of the body into an error of the older routes, whose message begins with ``doing``."""
    try:
        yield
    except KmsError as error:
        raise s3_error(error.status, error.code, f"{doing}: {error.text}") from None


# -- bodies ------------------------------------------------------------------------------------------------------------


def read(body: bytes, reader: Reader[T]) -> T:
    """Read a body. Raises AdminError: 400 in the S3 format, which most routes send."""
    return read_body(body, reader, lambda error: s3_error(400, "InvalidRequest", f"invalid JSON: {error}"))


def unsigned_number(text: str, bits: int) -> int | None:
    """Return the value of a parameter that is an unsigned integer of ``bits``; None if it is anything else."""
    digits = text.removeprefix("+")
    value = of_digits(digits) if digits.isascii() and digits.isdigit() else 2**bits
    return value if value < 2**bits else None


_OptionalText = Annotated[str | None, option(string)]
_Text = Annotated[str, string]


@dataclass(frozen=True)
class StartBody:
    """The body of ``/start``."""

    force: Annotated[bool | None, option(boolean)] = None


@dataclass(frozen=True)
class CreateBody:
    """The body of the routes that create keys."""

    key_usage: Annotated[str | None, option(variant("EncryptDecrypt", "SignVerify"))] = None
    description: _OptionalText = None
    tags: Annotated[dict[str, str] | None, option(mapping(string))] = None


@dataclass(frozen=True)
class DataKeyBody:
    """The body of ``/generate-data-key``."""

    key_id: _Text
    key_spec: Annotated[str, variant("Aes256", "Aes128", "ChaCha20")]
    encryption_context: Annotated[dict[str, str] | None, option(mapping(string))] = None


@dataclass(frozen=True)
class DeleteBody:
    """The body of ``/keys/delete``."""

    key_id: _Text
    pending_window_in_days: Annotated[int | None, option(unsigned(32))] = None
    force_immediate: Annotated[bool | None, option(boolean)] = None
    confirm_key_id: _OptionalText = None


@dataclass(frozen=True)
class KeyBody:
    """A body that only names a key."""

    key_id: _Text


@dataclass(frozen=True)
class DescriptionBody:
    """The body of ``/keys/update-description``."""

    key_id: _Text
    description: _Text


@dataclass(frozen=True)
class TagBody:
    """The body of ``/keys/tag``."""

    key_id: _Text
    tags: Annotated[dict[str, str], mapping(string)]


@dataclass(frozen=True)
class UntagBody:
    """The body of ``/keys/untag``."""

    key_id: _Text
    tag_keys: Annotated[list[str], sequence(string)]


@dataclass(frozen=True)
class RekeyBody:
    """The body of ``/keys/rekey``."""

    buckets: Annotated[list[str] | None, option(sequence(string))] = None
    prefix: _OptionalText = None


@dataclass(frozen=True)
class BackupBody:
    """The body of ``/backup``."""

    backup_id: _OptionalText = None


@dataclass(frozen=True)
class DryRunBody:
    """The body of ``/restore/dry-run``."""

    bundle: _Text
    observed_generation: Annotated[int | None, option(unsigned(64))] = None


@dataclass(frozen=True, kw_only=True)
class RestoreBody:
    """The body of ``/restore``."""

    bundle: _Text
    observed_generation: Annotated[int | None, option(unsigned(64))] = None
    confirm_backup_id: _Text
    confirm_conflict_policy: Annotated[str, variant("fail", "restore-into-empty-target")]


@dataclass(frozen=True)
class AbortBody:
    """The body of ``/restore/abort``."""

    confirm_target_key_dir: _Text


@dataclass(frozen=True)
class KeyIdProbe:
    """What a body is searched for before the signer's permission is checked."""

    key_id: _Text = ""


NAMED_KEY = struct("KeyIdProbe", KeyIdProbe, closed=False)
START = struct("StartKmsRequest", StartBody)
CREATE = struct("CreateKmsKeyRequest", CreateBody)
CREATE_LEGACY = struct("CreateKeyApiRequest", CreateBody)
DATA_KEY = struct("GenerateDataKeyApiRequest", DataKeyBody)
DELETE = struct("DeleteKmsKeyRequest", DeleteBody)
CANCEL = struct("CancelKmsKeyDeletionRequest", KeyBody)
LIFECYCLE = struct("KmsKeyLifecycleRequest", KeyBody)
DESCRIPTION = struct("UpdateKmsKeyDescriptionRequest", DescriptionBody)
TAG = struct("TagKmsKeyRequest", TagBody)
UNTAG = struct("UntagKmsKeyRequest", UntagBody)
REKEY = struct("StartKmsRekeyRequest", RekeyBody)
BACKUP = struct("KmsBackupRequest", BackupBody)
DRY_RUN = struct("KmsRestoreDryRunRequest", DryRunBody)
RESTORE = struct("KmsRestoreRequest", RestoreBody)
ABORT = struct("KmsRestoreAbortRequest", AbortBody)
