"""Settings of a mount: addresses, revocation lists, tidies and ACME."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.records import Record, param
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored

_OWN, _UNIFIED = Feature.PKI_ADDITIONS, Feature.UNIFIED_CRL
_ADDRESSES = "Addresses written into certificates."
_PART = "Do this part of the work."
_AFTER = "Seconds after the expiration."
_ENTERPRISE = "For the enterprise edition only."


@stored("pki.PkiUrls")
@dataclass
class PkiUrls(Record):
    """Addresses for relying parties; with templates, ``{{…}}`` is replaced with the mount's own addresses."""

    issuing_certificates: Annotated[list[str], param(Kind.COMMA_STRINGS, help=_ADDRESSES)] = field(default_factory=list)
    crl_distribution_points: Annotated[list[str], param(Kind.COMMA_STRINGS, help=_ADDRESSES)] = field(
        default_factory=list
    )
    delta_crl_distribution_points: Annotated[list[str], param(Kind.COMMA_STRINGS, help=_ADDRESSES)] = field(
        default_factory=list
    )
    ocsp_servers: Annotated[list[str], param(Kind.COMMA_STRINGS, help=_ADDRESSES)] = field(default_factory=list)
    enable_templating: Annotated[bool, param(Kind.BOOL, help="The addresses contain templates.")] = False
    unwritten: list[str] = field(default_factory=list)
    """Names of the lists that were never written: an issuer that has others shows these as null."""

    @property
    def empty(self) -> bool:
        """Return whether certificates get no addresses (delta CRLs alone do not count)."""
        return not (self.issuing_certificates or self.crl_distribution_points or self.ocsp_servers)


@stored("pki.PkiCluster")
@dataclass
class PkiCluster(Record):
    """The mount's own addresses."""

    path: Annotated[str, param(Kind.STRING, help="Address of this mount.")] = ""
    aia_path: Annotated[str, param(Kind.STRING, help="Address of this mount without TLS.")] = ""


@stored("pki.CrlConfig")
@dataclass
class CrlConfig(Record):
    """Settings of revocation; durations as the user wrote them."""

    expiry: Annotated[str, param(Kind.STRING, help="Lifetime of a CRL.")] = "72h"
    disable: Annotated[bool, param(Kind.BOOL, help="CRLs are empty.")] = False
    ocsp_disable: Annotated[bool, param(Kind.BOOL, help="Disable OCSP.")] = False
    ocsp_expiry: Annotated[str, param(Kind.STRING, default="1h", help="Lifetime of an OCSP response.")] = "12h"
    auto_rebuild: Annotated[
        bool, param(Kind.BOOL, help="Build CRLs shortly before they expire, not at each revocation.")
    ] = False
    auto_rebuild_grace_period: Annotated[str, param(Kind.STRING, help="How long before they expire.")] = "12h"
    enable_delta: Annotated[bool, param(Kind.BOOL, help="Build delta CRLs in between.")] = False
    delta_rebuild_interval: Annotated[str, param(Kind.STRING, help="The interval.")] = "15m"
    allow_expired_cert_revocation: Annotated[
        bool, param(Kind.BOOL, help="Expired certificates can be revoked.", needs=_OWN)
    ] = False
    cross_cluster_revocation: Annotated[bool, param(Kind.BOOL, help=_ENTERPRISE, needs=_UNIFIED)] = False
    unified_crl: Annotated[bool, param(Kind.BOOL, help=_ENTERPRISE, needs=_UNIFIED)] = False
    unified_crl_on_existing_paths: Annotated[bool, param(Kind.BOOL, help=_ENTERPRISE, needs=_UNIFIED)] = False
    max_crl_entries: Annotated[
        int, param(Kind.INT, help="Maximum number of entries of a CRL; -1 for no limit.", needs=_UNIFIED)
    ] = 100000


@stored("pki.TidySettings")
@dataclass
class TidySettings(Record):
    """The parts of a tidy and their options. Durations in seconds, unless they are texts."""

    tidy_cert_store: Annotated[bool, param(Kind.BOOL, help=_PART)] = False
    tidy_revoked_certs: Annotated[bool, param(Kind.BOOL, help=_PART)] = False
    tidy_invalid_certs: Annotated[bool, param(Kind.BOOL, help=_PART, needs=_OWN)] = False
    tidy_revoked_cert_issuer_associations: Annotated[bool, param(Kind.BOOL, help=_PART)] = False
    tidy_expired_issuers: Annotated[bool, param(Kind.BOOL, help=_PART)] = False
    tidy_move_legacy_ca_bundle: Annotated[bool, param(Kind.BOOL, help=_PART)] = False
    tidy_acme: Annotated[bool, param(Kind.BOOL, help=_PART)] = False
    tidy_cross_cluster_revoked_certs: Annotated[bool, param(Kind.BOOL, help=_PART, needs=_UNIFIED)] = False
    tidy_revocation_queue: Annotated[bool, param(Kind.BOOL, help=_PART, needs=_UNIFIED)] = False
    tidy_cert_metadata: Annotated[bool, param(Kind.BOOL, help=_PART, needs=_UNIFIED)] = False
    tidy_cmpv2_nonce_store: Annotated[bool, param(Kind.BOOL, help=_PART, needs=_UNIFIED)] = False
    safety_buffer: Annotated[int, param(Kind.SECONDS, help=_AFTER)] = 259200
    issuer_safety_buffer: Annotated[int, param(Kind.SECONDS, help=_AFTER)] = 31536000
    acme_account_safety_buffer: Annotated[int, param(Kind.SECONDS, help=_AFTER)] = 2592000
    revocation_queue_safety_buffer: Annotated[int, param(Kind.SECONDS, help=_AFTER, needs=_UNIFIED)] = 172800
    revoked_safety_buffer: Annotated[
        int | None, param(Kind.SECONDS, help="Seconds after the expiration of revoked certificates.", needs=_OWN)
    ] = None
    """None: as ``safety_buffer``."""
    page_size: Annotated[int, param(Kind.INT, help="Number of certificates to read at once.", needs=_OWN)] = 1000
    pause_duration: Annotated[str, param(Kind.STRING, help="Pause between two certificates.")] = "0s"

    @property
    def revoked_buffer(self) -> int:
        """The seconds after the expiration of revoked certificates."""
        return self.safety_buffer if self.revoked_safety_buffer is None else self.revoked_safety_buffer

    @property
    def requested(self) -> bool:
        """Whether any part of the work is to be done."""
        return any(getattr(self, name) for name in tidy_parts())

    def noted(self) -> dict[str, object]:
        """Return the settings of a tidy as its status shows them."""
        shown = {name: getattr(self, name) for name in TidySettings.params()}
        return {**shown, "revoked_safety_buffer": self.revoked_buffer}

    def shown(self, product: Product) -> dict[str, object]:
        """Return what a read in ``product`` shows."""
        shown = super().shown(product)
        return {**shown, "revoked_safety_buffer": self.revoked_buffer} if "revoked_safety_buffer" in shown else shown


@stored("pki.AutoTidyConfig")
@dataclass
class AutoTidyConfig(TidySettings):
    """Settings of the automatic tidy."""

    enabled: Annotated[bool, param(Kind.BOOL, help="Tidy automatically.")] = False
    interval_duration: Annotated[int, param(Kind.SECONDS, help="The interval.")] = 43200
    min_startup_backoff_duration: Annotated[int, param(Kind.SECONDS, help="Seconds after a start.", needs=_UNIFIED)] = (
        300
    )
    max_startup_backoff_duration: Annotated[int, param(Kind.SECONDS, help="Seconds after a start.", needs=_UNIFIED)] = (
        900
    )
    maintain_stored_certificate_counts: Annotated[bool, param(Kind.BOOL, help="Count certificates.")] = False
    publish_stored_certificate_count_metrics: Annotated[
        bool, param(Kind.BOOL, help="Publish the counts as metrics.")
    ] = False


def tidy_parts() -> list[str]:
    """Return the parameters that name a part of a tidy's work."""
    return [name for name in TidySettings.params() if name.startswith("tidy_")]


def listed_parts(product: Product) -> str:
    """Return the parts that a product has, as its messages list them."""
    params = TidySettings.params()
    return " / ".join(name for name in tidy_parts() if params[name].field.known_to(product))


@stored("pki.AcmeConfig")
@dataclass
class AcmeConfig(Record):
    """Settings of ACME."""

    enabled: Annotated[bool, param(Kind.BOOL, help="Enable ACME.")] = False
    allowed_issuers: Annotated[
        list[str], param(Kind.COMMA_STRINGS, default=["*"], help="Allowed issuers; * for all.")
    ] = field(default_factory=lambda: ["*"])
    allowed_roles: Annotated[list[str], param(Kind.COMMA_STRINGS, default=["*"], help="Allowed roles; * for all.")] = (
        field(default_factory=lambda: ["*"])
    )
    allow_role_ext_key_usage: Annotated[bool, param(Kind.BOOL, help="Extended key usages are those of the role.")] = (
        False
    )
    default_directory_policy: Annotated[
        str, param(Kind.STRING, help="Without a role: sign-verbatim, role:NAME or forbid.")
    ] = "sign-verbatim"
    dns_resolver: Annotated[str, param(Kind.STRING, help="Address and port of the resolver.")] = ""
    eab_policy: Annotated[
        str, param(Kind.STRING, default="always-required", help="Which accounts require an external key.")
    ] = "not-required"
    """Of a new mount; what the real server documents as the default of the parameter counts nowhere."""
    max_ttl: Annotated[int, param(Kind.SECONDS, help="Maximum lifetime in seconds.", needs=Feature.ACME_ACCOUNTS)] = (
        7776000
    )
    challenge_permitted_ip_ranges: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Networks.", needs=Feature.ACME_CHALLENGE_RANGES)
    ] = field(default_factory=list)
    challenge_excluded_ip_ranges: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Networks.", needs=Feature.ACME_CHALLENGE_RANGES)
    ] = field(default_factory=list)
    http_port: int = 80
    """Port of challenges of the type http-01. Not a parameter: the real server always uses this one."""
    tls_port: int = 443
    """Port of challenges of the type tls-alpn-01, likewise."""
    hosts: list[str] = field(default_factory=list)
    """Names that resolve to this machine, for challenges. Not a parameter."""
