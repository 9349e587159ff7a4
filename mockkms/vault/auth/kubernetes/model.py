"""Kubernetes: logins with service account tokens, as far as they can be verified here; the state of a mount."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.products.features import Feature
from mockkms.world.stored import stored


@stored("auth.kubernetes.KubernetesConfig")
@dataclass
class KubernetesConfig(Record):
    """The cluster."""

    kubernetes_host: Annotated[str, param(Kind.STRING, help="URL of the API server.")] = ""
    kubernetes_ca_cert: Annotated[str, param(Kind.STRING, help="CA certificate of the API server, PEM.")] = ""
    token_reviewer_jwt: Annotated[str, param(Kind.STRING, help="Token for token reviews.", show=Show.NEVER)] = ""
    pem_keys: Annotated[
        list[str],
        param(Kind.COMMA_STRINGS, help="Keys or certificates that sign service account tokens, PEM."),
    ] = field(default_factory=list)
    issuer: Annotated[str, param(Kind.STRING, deprecated=True, help="Required ``iss`` claim.")] = ""
    disable_iss_validation: Annotated[bool, param(Kind.BOOL, deprecated=True, help="Accept any ``iss`` claim.")] = True
    disable_local_ca_jwt: Annotated[
        bool, param(Kind.BOOL, help="Do not use the CA and token of the server's own pod.")
    ] = False
    use_annotations_as_alias_metadata: Annotated[
        bool,
        param(Kind.BOOL, help="Annotations of the account become alias metadata.", needs=Feature.KUBERNETES_CHECKED_CA),
    ] = False


@stored("auth.kubernetes.KubernetesRole")
@dataclass
class KubernetesRole(TokenParams):
    """The service accounts that may log in, and the parameters of their tokens."""

    old_names: ClassVar = ("policies", "bound_cidrs", "num_uses", "ttl", "max_ttl", "period")

    bound_service_account_names: Annotated[
        list[str], param(Kind.COMMA_STRINGS, help="Accepted accounts; * is any.")
    ] = field(default_factory=list)
    bound_service_account_namespaces: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Accepted namespaces; * is any.")
    ] = None
    bound_service_account_namespace_selector: Annotated[
        str, param(Kind.STRING, help="Label selector of accepted namespaces.")
    ] = ""
    audience: Annotated[str, param(Kind.STRING, help="Required ``aud`` claim.", show=Show.SET)] = ""
    alias_name_source: Annotated[
        str, param(Kind.STRING, default="serviceaccount_uid", help="serviceaccount_uid or serviceaccount_name.")
    ] = ""


@stored("auth.kubernetes.ServiceAccount")
@dataclass(frozen=True)
class ServiceAccount:
    """A service account of the cluster; its annotations do not tell accounts apart."""

    name: str
    namespace: str
    uid: str
    annotations: dict[str, str] = field(default_factory=dict, compare=False)


@stored("auth.kubernetes.Kubernetes")
@dataclass
class Kubernetes:
    """One mount."""

    config: KubernetesConfig | None = None
    roles: dict[str, KubernetesRole] = field(default_factory=dict)
    reviewed: list[ServiceAccount] = field(default_factory=list)
    """The service accounts of the world's cluster. Others are
    reviewed by the API server if it is on this machine, and refused if it is not."""


engine = Engine(
    "kubernetes", kind="auth", new_state=Kubernetes, help="Logins with Kubernetes service account tokens.", waits=True
)

load_endpoints(__name__, "config", "login", "roles")
