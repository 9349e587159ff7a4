"""``rustfs``: the admin KMS API."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields

from mockkms.rustfs import seeds
from mockkms.rustfs.backends import BACKENDS
from mockkms.rustfs.state import APIS, AUTHS, VAULTS, KmsSettings, RustfsEnvironment
from mockkms.vault.framework.shapes.collections import (
    Boolean,
    Choice,
    Integer,
    Json,
    Key,
    ListOf,
    MapOf,
    Moment,
    RecordShape,
    Text,
)
from mockkms.world.world import World
from mockkms.worldfile.applying import Applier

_STATUSES = ("Enabled", "Disabled", "PendingDeletion", "Active")


def shape() -> RecordShape:
    """Return the shape of the section."""
    key = RecordShape(
        {
            "status": Key(Choice(_STATUSES, "status"), "Enabled when not given"),
            "created": Key(Moment(), "now when not given"),
            "key_id": Key(Text(), "drawn when not given"),
            "algorithm": Key(Text(), "AES-256 when not given"),
            "usage": Key(Choice(("EncryptDecrypt", "SignVerify"), "usage"), "EncryptDecrypt when not given"),
            "description": Key(Text(), "a text for people"),
            "tags": Key(MapOf(Text()), "any texts"),
            "deletion_date": Key(Moment(), "when it is deleted"),
            "rotated_at": Key(Moment(), "when it was last rotated"),
            "cancelled": Key(Boolean(), "its deletion was cancelled once"),
            "material": Key(ListOf(Text("base64 of 32 bytes")), "one a version, newest last; made when not given"),
        }
    )
    user = RecordShape(
        {
            "secret": Key(Text(), "secret key", required=True),
            "enabled": Key(Boolean(), "true when not given"),
            "policies": Key(ListOf(Text()), "names of policies"),
        }
    )
    iam = RecordShape({"users": Key(MapOf(user), "users"), "policies": Key(MapOf(MapOf(Json())), "documents by name")})
    return RecordShape(
        {
            "configured": Key(Boolean(), "whether the KMS is configured already"),
            "api": Key(Choice(APIS, "contract"), "auto when not given"),
            "vault": Key(Choice(VAULTS, "kind of Vault behind it"), "any when not given"),
            "auth": Key(Choice(AUTHS, "signature check"), "none when not given"),
            "contract": Key(Choice(("v1", "v2"), "contract"), "of the last configuration"),
            "kms_type": Key(Choice(("vault", "local"), "kind of KMS"), "vault when not given"),
            "vault_address": Key(Text(), "http://127.0.0.1:8200 when not given"),
            "vault_token": Key(Text(), "the root token when not given"),
            "vault_namespace": Key(Text(), "namespace of the Vault"),
            "vault_mount_path": Key(Text(), "transit when not given"),
            "vault_timeout_seconds": Key(Integer(1), "30 when not given"),
            "vault_app_role_id": Key(Text(), "AppRole instead of a token"),
            "vault_app_role_secret_id": Key(Text(), "its secret id"),
            "settings": Key(_settings(), "a whole configuration instead of the words above"),
            "static": Key(_static(), "the one key of a static backend, which runs then; in place of any other backend"),
            "unreachable": Key(ListOf(Text()), "globs of Vault addresses at which nobody answers"),
            "users": Key(MapOf(Text()), "access key to secret key of owners"),
            "iam": Key(iam, "users other than owners, and policies"),
            "environment": Key(_environment(), "what the server reads from its environment"),
            "buckets": Key(MapOf(MapOf(Text())), "by bucket and object: wrapped data key in base64, or empty"),
            "keys": Key(MapOf(key), "keys by name"),
        }
    )


def _static() -> RecordShape:
    return RecordShape(
        {
            "key_id": Key(Text(), "name of the key", required=True),
            "secret_key": Key(Text("base64 of 32 bytes"), "the key", required=True),
            "default_key_id": Key(Text(), "key_id when not given"),
        }
    )


def _settings() -> RecordShape:
    backend = Key(Choice(tuple(BACKENDS), "backend"), "kind of backend", required=True)
    return RecordShape({field.name: Key(Json(), field.name) for field in fields(KmsSettings)} | {"backend": backend})


def _environment() -> RecordShape:
    kinds = {"bool": Boolean, "int": Integer}
    return RecordShape(
        {field.name: Key(kinds.get(str(field.type), Text)(), field.name) for field in fields(RustfsEnvironment)}
    )


def apply(to: Applier, section: Mapping[str, object]) -> None:
    """Replace the state of the admin API."""
    with to.guard("rustfs"):
        to.world.rustfs.seed(section, root_token=to.world.root_token)


def dump(world: World) -> dict[str, object]:
    """Return the section that restores the admin API."""
    return seeds.dump(world.rustfs.state)
