"""OpenBao 2.6."""

from __future__ import annotations

from mockkms.vault.products.builtins import OPENBAO as OPENBAO_BUILTINS
from mockkms.vault.products.features import Feature
from mockkms.vault.products.policy_dialects import OPENBAO_POLICIES
from mockkms.vault.products.product import Product, ProductTexts

OPENBAO = Product(
    name="openbao",
    version="2.6.2",
    build_date="2026-08-20T00:00:00Z",
    service_prefix="s.",
    batch_prefix="b.",
    recovery_prefix="r.",
    cluster_prefix="bao-cluster",
    builtin_suffix="+builtin.bao",
    plugin_versions={},
    json_string_limit=1000,
    most_random_bytes=128 * 1024,
    settings={"unsafe_allow_api_audit_creation": False, "unsafe_cross_namespace_identity": False},
    experiments=(),
    missing_credentials=500,
    texts=ProductTexts(
        product="OpenBao",
        cli="bao",
        json_error_prefix="failed to decode JSON input: ",
        json_error="failed to decode JSON input: ",
        transit_first_version=(
            "since Vault 0.3 (prior to the OpenBao fork), transit key numbering starts at 1; forcing minimum to 1"
        ),
        cubbyhole_tokens="'service'",
        seal_wrapper="",
        malformed_version="malformed version",
        build_key="commit_date",
        otp_length="has incorrect length",
    ),
    policies=OPENBAO_POLICIES,
    builtins=OPENBAO_BUILTINS,
    features=frozenset(
        {
            Feature.NAMESPACES,
            Feature.PAGINATION,
            Feature.INLINE_AUTH,
            Feature.STRICT_IP_BINDING,
            Feature.KERBEROS_DECODES_PAC,
            Feature.CEL_ROLES,
            Feature.TEMPLATE_DECODING,
            Feature.LDAP_QUEUE_FIRST,
            Feature.PLAIN_VERIFICATION,
            Feature.JWT_ADDITIONS,
            Feature.OIDC_GRANTS,
            Feature.OIDC_STRICT_TOKENS,
            Feature.MFA_ID_OPTIONAL,
            Feature.NAMES_IN_NAMESPACE,
            Feature.AUTHENTICATED_ROTATION,
            Feature.LEASE_DETAILS,
            Feature.RAFT_NON_VOTERS,
            Feature.PLUGIN_ORIGINS,
            Feature.CATALOG_NAMES_VERSIONED,
            Feature.WORKFLOWS,
            Feature.POLICY_FOLDERS,
            Feature.POLICY_VERSIONS,
            Feature.DATABASE_VALKEY_URLS,
            Feature.MYSQL_HOSTS,
            Feature.MYSQL_FINDS_USERS,
            Feature.KV_METADATA_CAS,
            Feature.KV_NULL_PATCH,
            Feature.OPEN_KEY_ENDPOINTS,
            Feature.REQUEST_INSPECTION,
            Feature.HOST_LOGGED,
            Feature.TOKEN_COUNTER,
            Feature.SINGLETON_ALIASES,
            Feature.CORS_CREDENTIALS,
            Feature.TRANSIT_ADDITIONS,
            Feature.TRANSACTIONS,
            Feature.PKI_ADDITIONS,
            Feature.ACME_ED25519,
            Feature.SSH_ISSUERS,
            Feature.SSH_KEY_BOUNDS,
            Feature.TOTP_DETAILS,
        }
    ),
)
