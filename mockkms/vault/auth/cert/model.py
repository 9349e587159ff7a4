"""TLS certificates of clients: the state of a mount."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.records import Record, param
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored


@stored("auth.cert.CertConfig")
@dataclass
class CertConfig(Record):
    """Settings of the mount."""

    disable_binding: Annotated[
        bool, param(Kind.BOOL, help="Renewals may present another certificate than the login.")
    ] = False
    enable_identity_alias_metadata: Annotated[
        bool, param(Kind.BOOL, help="Certificate data becomes alias metadata.")
    ] = False
    ocsp_cache_size: Annotated[int, param(Kind.INT, default=100, help="Number of OCSP responses in the cache.")] = 0
    role_cache_size: Annotated[
        int,
        param(
            Kind.INT,
            default=200,
            help="Number of parsed roles in the cache; -1 disables it.",
            needs=Feature.CERT_CACHES,
        ),
    ] = 0
    enable_metadata_on_failures: Annotated[
        bool, param(Kind.BOOL, help="Refusals say what the certificate says.", needs=Feature.CERT_CACHES)
    ] = False


@stored("auth.cert.CertRole")
@dataclass
class CertRole(TokenParams):
    """One trusted certificate, with the parameters of its logins. Lists are None until they are sent."""

    old_names: ClassVar = ("policies", "ttl", "max_ttl", "period", "bound_cidrs")

    certificate: Annotated[str, param(Kind.STRING, help="The trusted certificate, PEM.")] = ""
    display_name: Annotated[str, param(Kind.STRING, help="Name of the logins; the role's if absent.")] = ""
    allowed_names: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Accepted common names or alternative names.")
    ] = None
    allowed_common_names: Annotated[list[str] | None, param(Kind.COMMA_STRINGS, help="Accepted common names.")] = None
    allowed_dns_sans: Annotated[list[str] | None, param(Kind.COMMA_STRINGS, help="Accepted DNS names.")] = None
    allowed_email_sans: Annotated[list[str] | None, param(Kind.COMMA_STRINGS, help="Accepted mail addresses.")] = None
    allowed_uri_sans: Annotated[list[str] | None, param(Kind.COMMA_STRINGS, help="Accepted URIs.")] = None
    allowed_organizational_units: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Accepted organizational units.")
    ] = None
    allowed_organizations: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Accepted organizations.", needs=Feature.CERT_ORGANIZATIONS)
    ] = None
    required_extensions: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Required extensions, as oid:value.")
    ] = None
    allowed_metadata_extensions: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Extensions that become metadata.")
    ] = None
    ocsp_ca_certificates: Annotated[str, param(Kind.STRING, help="CA certificates for OCSP servers.")] = ""
    ocsp_enabled: Annotated[bool, param(Kind.BOOL, help="Query OCSP servers at login.")] = False
    ocsp_servers_override: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="OCSP servers to query instead of the certificate's.")
    ] = None
    ocsp_fail_open: Annotated[bool, param(Kind.BOOL, help="Accept the login without an OCSP response.")] = False
    ocsp_query_all_servers: Annotated[bool, param(Kind.BOOL, help="All OCSP servers must agree.")] = False
    ocsp_max_retries: Annotated[
        int, param(Kind.INT, help="Number of retries of an OCSP query.", needs=Feature.CERT_CACHES)
    ] = 4
    ocsp_this_update_max_age: Annotated[
        int,
        param(Kind.SECONDS, help="Maximum age of an OCSP response in seconds; 0 is any.", needs=Feature.CERT_CACHES),
    ] = 0


@stored("auth.cert.CrlPoint")
@dataclass
class CrlPoint:
    """Where a revocation list is fetched from, again when it has become outdated."""

    url: str
    valid_until: float = 0
    """Seconds since the epoch; 0 if the list does not say."""


@stored("auth.cert.Cert")
@dataclass
class Cert:
    """One mount."""

    config: CertConfig = field(default_factory=CertConfig)
    roles: dict[str, CertRole] = field(default_factory=dict)
    crls: dict[str, list[str]] = field(default_factory=dict)
    """Revoked serial numbers (decimal) by the name of their list."""
    points: dict[str, CrlPoint] = field(default_factory=dict)
    """Sources of the lists that were fetched, by the name of the list."""


engine = Engine(
    "cert",
    kind="auth",
    new_state=Cert,
    help="Logins with TLS client certificates.",
    waits=True,
)

load_endpoints(__name__, "crls", "login", "roles")
