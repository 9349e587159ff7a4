"""What one product has and another lacks, by area."""

from __future__ import annotations

from enum import StrEnum


class Feature(StrEnum):
    """A difference between products. A product lists the features that it has."""

    # -- requests and answers
    MOUNT_TYPE = "mount-type"
    """The envelope ends with ``mount_type``."""
    NAMESPACES = "namespaces"
    """Namespaces are resolved; otherwise the header is echoed and ignored."""
    PAGINATION = "pagination"
    """Lists take ``after`` and ``limit``, and SCAN exists."""
    INLINE_AUTH = "inline-auth"
    """Requests may carry their login in headers."""
    ENTERPRISE_STUBS = "enterprise-stubs"
    """Paths of the enterprise edition are registered, and refuse."""

    # -- tokens and logins
    SIGNED_TOKENS = "signed-tokens"
    """Service tokens are long: a signed message around the random part."""
    EXPLAINS_BAD_TOKENS = "explains-bad-tokens"
    """The 403 for an unknown token says ``invalid token``."""
    STRICT_IP_BINDING = "strict-ip-binding"
    """Roles and users have ``token_strictly_bind_ip``."""
    NAMES_MISSING_TLS = "names-missing-tls"
    """A certificate login over a connection without TLS is refused with a text of its own."""
    CEL_ROLES = "cel-roles"
    """JWT mounts have roles that are CEL programs."""
    LDAP_ROTATION = "ldap-rotation"
    """LDAP mounts have ``enable_samaccountname_login`` and the settings of password rotation."""

    # -- sys
    KEY_ENDPOINTS = "key-endpoints"
    """``sys/rekey`` and ``sys/generate-root`` exist; otherwise they are switched off (405)."""
    AUTHENTICATED_ROTATION = "authenticated-rotation"
    """``sys/rotate/root``, ``sys/rotate/keyring`` and ``sys/generate-root-token`` exist."""
    STATUS_EXTRAS = "status-extras"
    """Health and leader status list every replication, clock and licence key, also those without a value."""
    OLD_LEASE_PATHS = "old-lease-paths"
    """``sys/renew``, ``sys/revoke``, ``sys/revoke-prefix`` and ``sys/revoke-force`` exist."""
    LEASE_DETAILS = "lease-details"
    """Lease look-ups show ``path``, ``namespace_path`` and ``revoke_error``."""
    CLIENT_COUNTING = "client-counting"
    """``sys/internal/counters/activity`` and its configuration exist."""
    FEATURE_SWITCHES = "feature-switches"
    """``sys/activation-flags``, ``sys/experiments``, plugin runtimes and pins, and reloading a licence exist."""
    PLUGIN_ORIGINS = "plugin-origins"
    """The plugin catalog says whether a plugin is declared in the configuration or comes as an OCI image."""
    API_AUDIT = "api-audit"
    """Audit devices can be enabled over the API; otherwise by configuration only."""
    WORKFLOWS = "workflows"
    """``sys/workflows`` exists."""
    RETRY_AFTER_ROUNDED_UP = "retry-after-rounded-up"
    """Seconds in rate limit headers are rounded up; otherwise down."""
    POLICY_VERSIONS = "policy-versions"
    """Policies have versions, check-and-set and expiry."""

    # -- KV
    KV_METADATA_CAS = "kv-metadata-cas"
    """KV version 2 has check-and-set for metadata, and ``detailed-metadata``."""
    KV_EXCLUDE_DELETED = "kv-exclude-deleted"
    """Lists of KV version 2 keys can leave deleted ones out."""
    KV_ATTRIBUTION = "kv-attribution"
    """KV version 2 metadata names who created, deleted and updated."""

    # -- transit
    TRANSIT_ADDITIONS = "transit-additions"
    """Soft deletion, ``derive-key``, ``xchacha20-poly1305``, and associated data for data keys."""
    TRANSIT_ENTERPRISE = "transit-enterprise"
    """The names of enterprise key types are known and refused; versions show ``hybrid_public_key``."""
    TRANSIT_NONCE = "transit-nonce"
    """Encryption takes a nonce, RSA keys a padding scheme."""

    # -- PKI and SSH
    PKI_ADDITIONS = "pki-additions"
    """Detailed certificate lists, paged tidying, tidying of invalid certificates, bounds on validity and addresses."""
    UNIFIED_CRL = "unified-crl"
    """The paths and settings of revocation over all clusters are known, and refuse to be switched on."""
    PKI_SERIAL_SOURCE = "pki-serial-source"
    """Roles say where a subject's serial number comes from."""
    SSH_ISSUERS = "ssh-issuers"
    """SSH mounts have several signing keys, with ids and names."""
