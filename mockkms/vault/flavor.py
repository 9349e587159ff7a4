"""Where the two products differ, in one place: names in texts, versions, token prefixes, and named switches."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Flavor:
    """One product. Code asks a named property of this, never the product's name."""

    name: str
    product: str
    """As it stands in texts: ``Vault is sealed``."""
    version: str
    build_date: str
    service_prefix: str
    batch_prefix: str
    recovery_prefix: str
    cluster_prefix: str
    builtin_suffix: str
    mount_type_in_envelope: bool
    """The envelope ends with ``mount_type``."""
    namespaces: bool
    """Namespaces are resolved; else the header is echoed and ignored."""
    json_string_limit: int
    """Most strings in one JSON body; 0 is no limit."""
    pagination: bool
    """Lists take ``after`` and ``limit``, and SCAN exists."""
    cli: str
    """The name of the command line client in texts."""
    kv_metadata_cas: bool
    """KV version 2 has check-and-set for metadata, and ``detailed-metadata``."""
    kv_attribution: bool
    """KV version 2 metadata tells who created, deleted and updated."""
    json_error_prefix: str

    def json_error(self, text: str) -> str:
        """The refusal of a body that is no JSON."""
        return self.json_error_prefix + text


FLAVORS = {
    "openbao": Flavor(
        name="openbao", product="OpenBao", version="2.6.2", build_date="2026-08-20T00:00:00Z",
        service_prefix="s.", batch_prefix="b.", recovery_prefix="r.", cluster_prefix="bao-cluster",
        builtin_suffix="+builtin.bao", mount_type_in_envelope=False, namespaces=True, json_string_limit=1000,
        pagination=True, cli="bao", kv_metadata_cas=True, kv_attribution=False,
        json_error_prefix="failed to decode JSON input: ",
    ),
    "vault": Flavor(
        name="vault", product="Vault", version="1.21.1", build_date="2025-11-18T13:04:32Z",
        service_prefix="hvs.", batch_prefix="hvb.", recovery_prefix="hvr.", cluster_prefix="vault-cluster",
        builtin_suffix="+builtin.vault", mount_type_in_envelope=True, namespaces=False, json_string_limit=0,
        pagination=False, cli="vault", kv_metadata_cas=False, kv_attribution=True,
        json_error_prefix="failed to parse JSON input: ",
    ),
}  # fmt: skip
