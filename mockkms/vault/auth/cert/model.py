"""What a cert mount remembers."""

from __future__ import annotations

from dataclasses import dataclass, field

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.engine import Engine


@dataclass
class Config:
    """Settings of the mount."""

    disable_binding: bool = False
    enable_identity_alias_metadata: bool = False
    ocsp_cache_size: int = 0
    role_cache_size: int = 0
    enable_metadata_on_failures: bool = False


@dataclass
class Role(TokenParams):
    """One trusted certificate (PEM) and what its logins must have and get. Lists are None until they are sent."""

    certificate: str = ""
    display_name: str = ""
    allowed_names: list[str] | None = None
    allowed_common_names: list[str] | None = None
    allowed_dns_sans: list[str] | None = None
    allowed_email_sans: list[str] | None = None
    allowed_uri_sans: list[str] | None = None
    allowed_organizational_units: list[str] | None = None
    allowed_organizations: list[str] | None = None
    required_extensions: list[str] | None = None
    allowed_metadata_extensions: list[str] | None = None
    ocsp_ca_certificates: str = ""
    ocsp_enabled: bool = False
    ocsp_servers_override: list[str] | None = None
    ocsp_fail_open: bool = False
    ocsp_query_all_servers: bool = False
    ocsp_max_retries: int = 4
    ocsp_this_update_max_age: int = 0
    """Seconds; 0 is any age."""


@dataclass
class Cert:
    """One mount."""

    config: Config = field(default_factory=Config)
    roles: dict[str, Role] = field(default_factory=dict)
    crls: dict[str, list[str]] = field(default_factory=dict)
    """Revoked serial numbers (decimal) by the name of their list."""


engine = Engine("cert", kind="auth", new_state=Cert, help="Logins with TLS client certificates.")
