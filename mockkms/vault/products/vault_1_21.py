"""HashiCorp Vault 1.21, community edition, by its differences from Vault 2.1."""

from __future__ import annotations

from mockkms.vault.products.features import Feature
from mockkms.vault.products.policy_dialects import VAULT_1_21_POLICIES
from mockkms.vault.products.vault import VAULT

_LATER_SETTINGS = ("deny_slash_in_templated_paths", "enable_unauthenticated_access")

VAULT_1_21 = VAULT.derive(
    "vault-1.21",
    version="1.21.1",
    build_date="2025-11-18T13:04:32Z",
    plugin_versions={"kv": "v0.25.0+builtin"},
    settings={name: value for name, value in VAULT.settings.items() if name not in _LATER_SETTINGS},
    experiments=("events.alpha1", "core.audit.events.alpha1", "secrets.import.alpha1"),
    most_random_bytes=128 * 1024,
    policies=VAULT_1_21_POLICIES,
    texts={"cubbyhole_tokens": '"service"', "malformed_version": "Malformed version"},
    has={
        Feature.RELATIVE_PATHS,
        Feature.OLDER_POSTGRES_DRIVER,
        Feature.OPEN_KEY_ENDPOINTS,
        Feature.KEY_HANDLERS,
        Feature.LDAP_QUEUE_FIRST,
    },
    lacks={
        Feature.SSH_KEY_BOUNDS,
        Feature.PKI_AUTHORITY_KEY_ID,
        Feature.PKI_ISSUER_HASH,
        Feature.PKI_KEYSTORES,
        Feature.PKI_STRICTER,
        Feature.PKI_CSR_CONSTRAINTS,
        Feature.ACME_CHALLENGE_RANGES,
        Feature.ALIAS_METADATA,
        Feature.LDAP_SCHEMA,
        Feature.ROTATION_POLICY,
        Feature.RADIUS_CASE,
        Feature.ALIAS_ISSUERS,
        Feature.IDENTITY_ANSWERS,
        Feature.CERT_ORGANIZATIONS,
        Feature.CF_NEW_CLIENTS,
        Feature.ENTITY_TIMES_LISTED,
        Feature.IDENTITY_SOURCES,
        Feature.SUDO_FOR_MERGES,
        Feature.AUDIENCE_OPTIONAL,
        Feature.STRICT_JSON,
        Feature.CLEAN_PATHS,
        Feature.PLAIN_TEMPLATE_VALUES,
        Feature.AGENT_REGISTRY,
        Feature.IDENTITY_LOCATION,
        Feature.ACL_SHOWS_SEGMENTS,
        Feature.SEAL_SETTINGS,
        Feature.BILLING,
        Feature.REPORTING_SCAN,
        Feature.GENERATE_ROOT_ALIAS,
        Feature.AUTH_TUNE_PROTECTED,
        Feature.SOURCES_CHOSEN,
        Feature.KV_ATTRIBUTION,
        Feature.KV_NULL_PATCH,
        Feature.TRANSIT_NAMES_PKCS8,
    },
)
