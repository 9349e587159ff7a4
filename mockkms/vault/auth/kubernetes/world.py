"""Kubernetes mounts in world files: the cluster, its service accounts, and roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.vault.auth.kubernetes.config import config
from mockkms.vault.auth.kubernetes.model import ServiceAccount
from mockkms.vault.auth.kubernetes.roles import roles
from mockkms.vault.framework.shapes.collections import Key, ListOf, MapOf, RecordShape, Text
from mockkms.vault.framework.world_section import mapping_at, mappings_at
from mockkms.vault.kernel.record_section import Part, named, one, record_section

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.framework.world_section import Filling
    from mockkms.vault.mounts.table import Mount


def _accounts() -> Key:
    account = {name: Key(Text(), "of the account", required=True) for name in ("name", "namespace", "uid")}
    annotations = Key(MapOf(Text()), "annotations of the account, for `use_annotations_as_alias_metadata`")
    return Key(
        ListOf(RecordShape({**account, "annotations": annotations})),
        "the cluster's service accounts, for its token reviews",
    )


def _fill_accounts(_to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    mount.state.reviewed = [
        ServiceAccount(
            str(account["name"]),
            str(account["namespace"]),
            str(account["uid"]),
            {name: str(value) for name, value in mapping_at(account, "annotations").items()},
        )
        for account in mappings_at(spec, "service_accounts")
    ]


def _dump_accounts(_core: Context, mount: Mount) -> object:
    return [{name: value for name, value in vars(account).items() if value} for account in mount.state.reviewed]


_OUTSIDE = {
    "disable_local_ca_jwt": True,
    "kubernetes_ca_cert": "-----BEGIN CERTIFICATE-----\nbW9ja2ttcw==\n-----END CERTIFICATE-----",
}
"""Of a captured server that uses the certificate of its pod, which the world does not have."""

section = record_section(
    one("config", "the cluster", config, lambda state: state.config, stand_in=_OUTSIDE),
    named("roles", "roles by name", roles),
    Part("service_accounts", _accounts, _fill_accounts, _dump_accounts),
)
