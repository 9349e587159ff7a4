"""``config``: settings for every key of the mount."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.kv.v2.engine import engine
from mockkms.vault.secrets.kv.v2.model import DISABLED, KV2, UINT32

config = engine.path(
    "config",
    fields={
        "max_versions": Field(Kind.INT, help="How many versions to keep of each key; 0 is 10."),
        "cas_required": Field(Kind.BOOL, help="Every write must give cas."),
        "metadata_cas_required": Field(
            Kind.BOOL, needs=Feature.KV_METADATA_CAS, help="Every metadata write must give metadata_cas."
        ),
        "delete_version_after": Field(
            Kind.SIGNED_SECONDS, help="Lifetime of a version; 0 is unlimited, negative overrules the keys' own."
        ),
    },
    help="Settings for every key of the mount.",
)


@config.on(Operation.READ)
def read(state: KV2, call: Call) -> dict[str, object]:
    """The settings, those never set too."""
    shown = {
        "max_versions": state.config.max_versions,
        "cas_required": state.config.cas_required,
        "metadata_cas_required": state.config.metadata_cas_required,
        "delete_version_after": go_duration(state.config.delete_version_after),
    }
    if not call.core.product.has(Feature.KV_METADATA_CAS):
        del shown["metadata_cas_required"]
    return shown


@config.on(Operation.CREATE, Operation.UPDATE)
def write(
    state: KV2,
    call: Call,
    *,
    max_versions: int,
    cas_required: bool,
    metadata_cas_required: bool,
    delete_version_after: int,
) -> None:
    """Change what was sent."""
    if "max_versions" in call:
        state.config.max_versions = max_versions & UINT32
    if "cas_required" in call:
        state.config.cas_required = cas_required
    if "metadata_cas_required" in call:
        state.config.metadata_cas_required = metadata_cas_required
    if "delete_version_after" in call:
        state.config.delete_version_after = max(delete_version_after, DISABLED)
