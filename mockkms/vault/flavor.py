"""Where the two products differ, in one place: names in texts, versions, token prefixes, and named switches."""

from __future__ import annotations

from dataclasses import dataclass

from mockkms.vault.builtins import OPENBAO, VAULT, Builtins
from mockkms.vault.policy.dialect import OPENBAO_POLICIES, VAULT_POLICIES, PolicyDialect


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
    cel_roles: bool
    """JWT mounts have roles that are programs."""
    cli: str
    """The name of the command line client in texts."""
    kv_metadata_cas: bool
    """KV version 2 has check-and-set for metadata, and ``detailed-metadata``."""
    kv_exclude_deleted: bool
    """Lists of KV version 2 keys can leave deleted ones out."""
    kv_attribution: bool
    """KV version 2 metadata tells who created, deleted and updated."""
    transit_additions: bool
    """Transit has soft deletion, ``derive-key``, ``xchacha20-poly1305``, and associated data for data keys."""
    transit_enterprise: bool
    """Transit knows the names of enterprise key types and refuses them; versions show ``hybrid_public_key``."""
    transit_nonce: bool
    """Encryption takes a nonce, RSA keys a padding scheme."""
    transit_first_version: str
    """The warning for a minimum version of 0."""
    pki_additions: bool
    """PKI lists certificates in detail, tidies page by page and invalid ones, and bounds validity and addresses."""
    unified_crl: bool
    """PKI knows the paths and settings of revocation over all clusters, and refuses to switch it on."""
    pki_serial_source: bool
    """PKI roles tell where a subject's serial number comes from."""
    policies: PolicyDialect
    """What the policy language knows."""
    json_error_prefix: str
    retry_after_rounded_up: bool
    """Seconds in rate limit headers are rounded up, else down."""
    enterprise_stubs: bool
    """Paths of the enterprise edition are known and answer that they are that."""
    open_key_endpoints: bool
    """``sys/rekey`` and ``sys/generate-root`` answer without a token; else they are switched off."""
    authenticated_rotation: bool
    """``sys/rotate/root``, ``sys/rotate/keyring`` and ``sys/generate-root-token`` exist."""
    build_key: str
    """Name of the key that tells the build's date in seal status and version history."""
    status_extras: bool
    """Health and leader status name every replication, clock and licence key, also those without a value."""
    builtins: Builtins
    """The mount types that come with it."""
    ssh_issuers: bool
    """SSH mounts have several signing keys, with ids and names."""
    client_counting: bool
    """Clients are counted: ``sys/internal/counters/activity`` and its configuration exist."""
    feature_switches: bool
    """``sys/activation-flags``, ``sys/experiments``, plugin runtimes and pins, and reloading a licence exist."""
    plugin_origins: bool
    """The catalog tells of a plugin whether it is declared in the configuration or comes as an image."""
    kv_plugin_version: str
    """Version that ``kv`` mounts run, where it is not the server's; empty where it is."""
    api_audit: bool
    """Audit devices are enabled over the API, else by configuration only."""

    signed_tokens: bool
    """Service tokens are long: a signed message around the random part."""
    explains_bad_tokens: bool
    """The 403 for an unknown token says so."""
    missing_credentials: int
    """Status of a login without its credentials."""
    strictly_bound_ips: bool
    """Roles and users have ``token_strictly_bind_ip``."""
    old_lease_paths: bool
    """``sys/renew``, ``sys/revoke``, ``sys/revoke-prefix`` and ``sys/revoke-force`` are still there."""
    names_missing_tls: bool
    """A login by certificate over a connection without TLS is told so."""
    inline_auth: bool
    """Requests may bring their login along in headers."""
    workflows: bool
    """``sys/workflows`` exists."""
    ldap_additions: bool
    """LDAP mounts have ``enable_samaccountname_login``, and settings of a rotation that only other editions do."""
    lease_details: bool
    """Lease look-ups show ``path``, ``namespace_path`` and ``revoke_error``."""

    @property
    def policy_versions(self) -> bool:
        """Policies have versions, check-and-set and expiry."""
        return self.policies.versions

    def json_error(self, text: str) -> str:
        """The refusal of a body that is no JSON."""
        return self.json_error_prefix + text


FLAVORS = {
    "openbao": Flavor(
        name="openbao", policies=OPENBAO_POLICIES, product="OpenBao", version="2.6.2",
        build_date="2026-08-20T00:00:00Z",
        service_prefix="s.", batch_prefix="b.", recovery_prefix="r.", cluster_prefix="bao-cluster",
        builtin_suffix="+builtin.bao", mount_type_in_envelope=False, namespaces=True, json_string_limit=1000,
        transit_additions=True, transit_enterprise=False, transit_nonce=False, transit_first_version=(
            "since Vault 0.3 (prior to the OpenBao fork), transit key numbering starts at 1; forcing minimum to 1"),
        pki_additions=True, unified_crl=False, pki_serial_source=False, cel_roles=True,
        pagination=True, cli="bao", kv_metadata_cas=True, kv_exclude_deleted=False, kv_attribution=False,
        json_error_prefix="failed to decode JSON input: ", retry_after_rounded_up=False, enterprise_stubs=False,
        open_key_endpoints=False, authenticated_rotation=True, build_key="commit_date", status_extras=False,
        api_audit=False, builtins=OPENBAO, plugin_origins=True, client_counting=False, ssh_issuers=True,
        feature_switches=False,
        kv_plugin_version="",
        signed_tokens=False, explains_bad_tokens=False, missing_credentials=500, strictly_bound_ips=True,
        names_missing_tls=False, lease_details=True, old_lease_paths=False, workflows=True, inline_auth=True,
        ldap_additions=False,
    ),
    "vault": Flavor(
        name="vault", policies=VAULT_POLICIES, product="Vault", version="1.21.1", build_date="2025-11-18T13:04:32Z",
        service_prefix="hvs.", batch_prefix="hvb.", recovery_prefix="hvr.", cluster_prefix="vault-cluster",
        builtin_suffix="+builtin.vault", mount_type_in_envelope=True, namespaces=False, json_string_limit=0,
        transit_additions=False, transit_enterprise=True, transit_nonce=True, transit_first_version=(
            "since Vault 0.3, transit key numbering starts at 1; forcing minimum to 1"),
        pki_additions=False, unified_crl=True, pki_serial_source=True, cel_roles=False,
        pagination=False, cli="vault", kv_metadata_cas=False, kv_exclude_deleted=True, kv_attribution=True,
        json_error_prefix="failed to parse JSON input: ", retry_after_rounded_up=True, enterprise_stubs=True,
        open_key_endpoints=True, authenticated_rotation=False, build_key="build_date", status_extras=True,
        api_audit=True, builtins=VAULT, plugin_origins=False, client_counting=True, ssh_issuers=False,
        feature_switches=True, kv_plugin_version="v0.25.0+builtin",
        signed_tokens=True, explains_bad_tokens=True, missing_credentials=400, strictly_bound_ips=False,
        names_missing_tls=True, lease_details=False, old_lease_paths=True, workflows=False, inline_auth=False,
        ldap_additions=True,
    ),
}  # fmt: skip
