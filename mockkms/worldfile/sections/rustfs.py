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
from mockkms.vault.framework.world_section import SpecFault
from mockkms.world.world import World
from mockkms.worldfile.applying import Applier

_STATUSES = ("Enabled", "Disabled", "PendingDeletion", "Active")


def shape() -> RecordShape:
    """Return the shape of the section."""
    key = RecordShape(
        {
            "status": Key(Choice(_STATUSES, "status"), "default: Enabled"),
            "created": Key(Moment(), "default: now"),
            "key_id": Key(Text(), "default: random"),
            "algorithm": Key(Text(), "default: AES-256"),
            "usage": Key(Choice(("EncryptDecrypt", "SignVerify"), "usage"), "default: EncryptDecrypt"),
            "description": Key(Text(), "description for humans"),
            "tags": Key(MapOf(Text()), "tags"),
            "deletion_date": Key(Moment(), "time of its deletion"),
            "rotated_at": Key(Moment(), "time of its last rotation"),
            "marked": Key(Boolean(), "whether its immediate deletion was requested once"),
            "material": Key(ListOf(Text("base64 of 32 bytes")), "one for each version, newest last; default: random"),
        }
    )
    user = RecordShape(
        {
            "secret": Key(Text(), "secret key", required=True),
            "enabled": Key(Boolean(), "default: true"),
            "policies": Key(ListOf(Text()), "names of policies"),
        }
    )
    iam = RecordShape({"users": Key(MapOf(user), "users"), "policies": Key(MapOf(MapOf(Json())), "documents by name")})
    return RecordShape(
        {
            "configured": Key(Boolean(), "whether the KMS is configured"),
            "api": Key(Choice(APIS, "contract"), "default: auto"),
            "vault": Key(Choice(VAULTS, "kind of Vault behind it"), "default: any"),
            "auth": Key(Choice(AUTHS, "signature check"), "default: none"),
            "contract": Key(Choice(("v1", "v2"), "contract"), "contract of the last configuration"),
            "kms_type": Key(Choice(("vault", "local"), "kind of KMS"), "default: vault"),
            "vault_address": Key(Text(), "default: http://127.0.0.1:8200"),
            "vault_token": Key(Text(), "the root token when not given"),
            "vault_namespace": Key(Text(), "namespace of the Vault"),
            "vault_mount_path": Key(Text(), "default: transit"),
            "vault_timeout_seconds": Key(Integer(1), "default: 30"),
            "vault_app_role_id": Key(Text(), "AppRole instead of a token"),
            "vault_app_role_secret_id": Key(Text(), "secret id of the AppRole"),
            "settings": Key(_settings(), "a complete configuration in place of the keys above"),
            "static": Key(_static(), "the key of a static backend, in place of any other backend"),
            "unreachable": Key(ListOf(Text()), "globs of Vault addresses without a server"),
            "users": Key(MapOf(Text()), "access key to secret key of owners"),
            "iam": Key(iam, "users other than owners, and policies"),
            "environment": Key(_environment(), "the server's environment variables"),
            "buckets": Key(MapOf(MapOf(Text())), "by bucket and object: wrapped data key in base64, or empty"),
            "keys": Key(MapOf(key), "keys by name"),
        }
    )


def _static() -> RecordShape:
    return RecordShape(
        {
            "key_id": Key(Text(), "name of the key", required=True),
            "secret_key": Key(Text("base64 of 32 bytes"), "the key", required=True),
            "default_key_id": Key(Text(), "default: key_id"),
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
        try:
            to.world.rustfs.seed(section, root_token=to.world.root_token)
        except SpecFault as first:
            # The state is replaced as a whole, so that its first error ends it: the others are found by reading alone.
            found = {one.path: one for one in (first, *seeds.read_errors(section))}
            for one in found.values():
                with to.guard("rustfs"):
                    raise one from None


def dump(world: World) -> dict[str, object]:
    """Return the section that restores the admin API."""
    return seeds.dump(world.rustfs.state)
