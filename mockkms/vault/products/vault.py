"""HashiCorp Vault 2.1, community edition, by its differences from OpenBao 2.6."""

from __future__ import annotations

from mockkms.vault.builtins import VAULT as VAULT_BUILTINS
from mockkms.vault.policy.dialect import VAULT_POLICIES
from mockkms.vault.products.features import Feature
from mockkms.vault.products.openbao import OPENBAO

VAULT = OPENBAO.derive(
    "vault",
    version="2.1.0",
    build_date="2026-10-14T12:00:00Z",
    service_prefix="hvs.",
    batch_prefix="hvb.",
    recovery_prefix="hvr.",
    cluster_prefix="vault-cluster",
    builtin_suffix="+builtin.vault",
    plugin_versions={"kv": "v0.26.2+builtin"},
    json_string_limit=0,
    missing_credentials=400,
    words={
        "product": "Vault",
        "cli": "vault",
        "json_error_prefix": "failed to parse JSON input: ",
        "transit_first_version": "since Vault 0.3, transit key numbering starts at 1; forcing minimum to 1",
        "build_key": "build_date",
    },
    policies=VAULT_POLICIES,
    builtins=VAULT_BUILTINS,
    has={
        Feature.MOUNT_TYPE,
        Feature.ENTERPRISE_STUBS,
        Feature.SIGNED_TOKENS,
        Feature.EXPLAINS_BAD_TOKENS,
        Feature.NAMES_MISSING_TLS,
        Feature.LDAP_ROTATION,
        Feature.KEY_ENDPOINTS,
        Feature.STATUS_EXTRAS,
        Feature.OLD_LEASE_PATHS,
        Feature.CLIENT_COUNTING,
        Feature.FEATURE_SWITCHES,
        Feature.API_AUDIT,
        Feature.RETRY_AFTER_ROUNDED_UP,
        Feature.KV_EXCLUDE_DELETED,
        Feature.KV_ATTRIBUTION,
        Feature.TRANSIT_ENTERPRISE,
        Feature.TRANSIT_NONCE,
        Feature.UNIFIED_CRL,
        Feature.PKI_SERIAL_SOURCE,
    },
    lacks={
        Feature.NAMESPACES,
        Feature.PAGINATION,
        Feature.INLINE_AUTH,
        Feature.STRICT_IP_BINDING,
        Feature.CEL_ROLES,
        Feature.AUTHENTICATED_ROTATION,
        Feature.LEASE_DETAILS,
        Feature.PLUGIN_ORIGINS,
        Feature.WORKFLOWS,
        Feature.POLICY_VERSIONS,
        Feature.KV_METADATA_CAS,
        Feature.TRANSIT_ADDITIONS,
        Feature.PKI_ADDITIONS,
        Feature.SSH_ISSUERS,
    },
)
