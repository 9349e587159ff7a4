"""Cloud Foundry auth (``cf``, formerly ``pcf``): logins with instance identity certificates. The state of a mount.

Source: https://github.com/hashicorp/vault-plugin-auth-cf, and the API page of the method.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from mockkms.vault.auth.cloud.roles import CloudRole
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored

_IDS = Kind.COMMA_STRINGS


@stored("auth.cf.CfConfig")
@dataclass
class CfConfig(Record):
    """Authorities of instance certificates, and how the API of Cloud Foundry is reached. Times are seconds."""

    version: int = 1
    identity_ca_certificates: Annotated[
        list[str], param(Kind.STRING_SLICE, help="Authorities that issue instance certificates, PEM.")
    ] = field(default_factory=list)
    cf_api_trusted_certificates: Annotated[
        list[str] | None, param(Kind.STRING_SLICE, help="Authorities of the API's certificate, PEM.")
    ] = None
    cf_api_mutual_tls_certificate: Annotated[
        str, param(Kind.STRING, help="Certificate for mutual TLS with the API, PEM.")
    ] = ""
    cf_api_mutual_tls_key: Annotated[str, param(Kind.STRING, help="Its key, PEM.", show=Show.NEVER)] = ""
    cf_api_addr: Annotated[str, param(Kind.STRING, help="Address of the API.")] = ""
    cf_username: Annotated[str, param(Kind.STRING, help="User of the API.")] = ""
    cf_password: Annotated[str, param(Kind.STRING, help="Its password.", show=Show.NEVER)] = ""
    cf_client_id: Annotated[str, param(Kind.STRING, help="Client of the API.")] = ""
    cf_client_secret: Annotated[str, param(Kind.STRING, help="Its secret.", show=Show.NEVER)] = ""
    cf_timeout: Annotated[int, param(Kind.SECONDS, help="Timeout of requests to the API; 0: none.")] = 0
    login_max_seconds_not_before: Annotated[int, param(Kind.SECONDS, help="Maximum age of a signature.")] = 300
    login_max_seconds_not_after: Annotated[
        int, param(Kind.INT, help="Seconds by which a signature may be in the future.")
    ] = 60
    force_new_client: Annotated[
        bool, param(Kind.BOOL, help="Connect anew for every login.", needs=Feature.CF_NEW_CLIENTS)
    ] = False


@stored("auth.cf.CfRole")
@dataclass
class CfRole(CloudRole):
    """Which instances may log in; a bound without entries, and one that was never sent, accepts any."""

    old_names: ClassVar = ("policies", "ttl", "max_ttl", "period", "bound_cidrs")

    bound_application_ids: Annotated[list[str] | None, param(_IDS, help="Accepted applications.")] = None
    bound_space_ids: Annotated[list[str] | None, param(_IDS, help="Accepted spaces.")] = None
    bound_organization_ids: Annotated[list[str] | None, param(_IDS, help="Accepted organizations.")] = None
    bound_instance_ids: Annotated[list[str] | None, param(_IDS, help="Accepted instances.")] = None
    disable_ip_matching: Annotated[
        bool, param(Kind.BOOL, help="Accept logins from other addresses than that of the certificate.")
    ] = False


@stored("auth.cf.CfApp")
@dataclass
class CfApp:
    """An application of the world's Cloud Foundry, with its space and organization."""

    app_id: str
    space_id: str
    org_id: str
    app_name: str = ""
    space_name: str = ""
    org_name: str = ""
    instances: int = 1


@stored("auth.cf.CfAuth")
@dataclass
class CfAuth:
    """State of a mount."""

    config: CfConfig | None = None
    roles: dict[str, CfRole] = field(default_factory=dict)
    apps: list[CfApp] = field(default_factory=list)
    loading: bool = False
    """Whether a world file is loaded, so that no API needs to run."""


engine = Engine(
    "cf", kind="auth", new_state=CfAuth, help="Logins with instance certificates of Cloud Foundry.", waits=True
)

load_endpoints(__name__, "config", "login")
