"""What a Kubernetes mount remembers."""

from __future__ import annotations

from dataclasses import dataclass, field

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.engine import Engine


@dataclass
class Config:
    """The cluster."""

    kubernetes_host: str
    kubernetes_ca_cert: str = ""
    token_reviewer_jwt: str = ""
    pem_keys: list[str] = field(default_factory=list)
    issuer: str = ""
    disable_iss_validation: bool = True
    disable_local_ca_jwt: bool = False
    use_annotations_as_alias_metadata: bool = False


@dataclass
class Role(TokenParams):
    """Which service accounts may log in, and what their logins get."""

    bound_service_account_names: list[str] = field(default_factory=list)
    bound_service_account_namespaces: list[str] | None = None
    bound_service_account_namespace_selector: str = ""
    audience: str = ""
    alias_name_source: str = ""


@dataclass
class Kubernetes:
    """One mount."""

    config: Config | None = None
    roles: dict[str, Role] = field(default_factory=dict)
    reviewed: list[dict[str, str]] = field(default_factory=list)
    """Service accounts that the cluster of this world knows: ``name``, ``namespace``, ``uid``. The token review of
    any other is asked of the API server where that is on this machine, and fails where it is not."""


engine = Engine(
    "kubernetes", kind="auth", new_state=Kubernetes, help="Logins with Kubernetes service account tokens.", waits=True
)
