"""The Kubernetes secrets engine: tokens of service accounts for roles, and its section of world files.

An API server on this machine creates the tokens and, for roles that need them, accounts, roles and bindings, which it
deletes with the lease. Tokens of any other cluster are made up. Files of a pod are not read: such a cluster is assumed
to trust the server.

Source: ``vault-plugin-secrets-kubernetes`` and OpenBao's ``builtin/logical/kubernetes``, and their API documentation;
no recording exists.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Annotated

from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.framework.records import Record, Show, param
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.kernel.record_section import named, record_section
from mockkms.vault.products import Product
from mockkms.vault.secrets.issuing import Setting, generated_name, issued, parsed_template
from mockkms.vault.secrets.orchestrators import cluster
from mockkms.vault.secrets.orchestrators.cluster import Binding, KubernetesCluster
from mockkms.vault.secrets.peer import Peer, PeerError
from mockkms.world.stored import stored

_TEMPLATE = (
    '{{ printf "v-%s-%s-%s-%s" (.DisplayName | truncate 8) (.RoleName | truncate 8) (unix_time) (random 24) '
    "| truncate 62 | lowercase }}"
)
_METADATA = "kubesecrets.nameMetadata"
_UNPARSED = "unable to initialize name template: "
_TYPES = {"role": "Role", "clusterrole": "ClusterRole"}


@stored("kubernetes.KubernetesAccess")
@dataclass
class KubernetesAccess(Record):
    """The API server of the cluster."""

    kubernetes_host: Annotated[str, param(Kind.STRING, help="Address of the API server.")] = ""
    kubernetes_ca_cert: Annotated[str, param(Kind.STRING, help="CA certificate of the API server, PEM.")] = ""
    disable_local_ca_jwt: Annotated[
        bool, param(Kind.BOOL, help="Do not use the CA certificate and token of the server's own pod.")
    ] = False
    service_account_jwt: Annotated[
        str, param(Kind.STRING, help="Token for requests to the API server.", show=Show.NEVER)
    ] = ""


@stored("kubernetes.KubernetesCredentialRole")
@dataclass
class KubernetesCredentialRole(Record):
    """A role: the permissions of its tokens. Durations are seconds."""

    allowed_kubernetes_namespaces: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Namespaces in which credentials are created; * for all.")
    ] = None
    allowed_kubernetes_namespace_selector: Annotated[
        str, param(Kind.STRING, help="Label selector of these namespaces, in JSON or YAML.")
    ] = ""
    token_max_ttl: Annotated[int, param(Kind.SECONDS, help="Maximum lifetime of the tokens in seconds.")] = 0
    token_default_ttl: Annotated[int, param(Kind.SECONDS, help="Default lifetime of the tokens in seconds.")] = 0
    token_default_audiences: Annotated[
        list[str] | None, param(Kind.COMMA_STRINGS, help="Default audiences of the tokens.")
    ] = None
    service_account_name: Annotated[str, param(Kind.STRING, help="Existing service account of the tokens.")] = ""
    kubernetes_role_name: Annotated[
        str, param(Kind.STRING, help="Existing role to which a new service account is bound.")
    ] = ""
    kubernetes_role_type: Annotated[str, param(Kind.STRING, help="Role or ClusterRole.")] = "Role"
    generated_role_rules: Annotated[
        str, param(Kind.STRING, help="Rules of a new role for a new service account, in JSON or YAML.")
    ] = ""
    name_template: Annotated[str, param(Kind.STRING, help="Template of the names of new objects.")] = ""
    extra_labels: Annotated[dict[str, str] | None, param(Kind.KV_PAIRS, help="Further labels of new objects.")] = None
    extra_annotations: Annotated[
        dict[str, str] | None, param(Kind.KV_PAIRS, help="Further annotations of new objects.")
    ] = None
    name: str = ""

    @property
    def single_namespace(self) -> str:
        """The one namespace that is allowed; empty if there are several or a selector."""
        names = self.allowed_kubernetes_namespaces or []
        return names[0] if len(names) == 1 and names != ["*"] and not self.allowed_kubernetes_namespace_selector else ""


@stored("kubernetes.KubernetesSecrets")
@dataclass
class KubernetesSecrets:
    """State of a mount."""

    access: KubernetesAccess | None = None
    roles: dict[str, KubernetesCredentialRole] = field(default_factory=dict)


def _shown(role: KubernetesCredentialRole, product: Product) -> dict[str, object]:
    """Return what a read shows; a list or map that was never sent is null."""
    return {"name": role.name, **role.shown(product)}


engine = Engine(
    "secret/kubernetes", kind="secret", new_state=KubernetesSecrets, waits=True,
    help="Tokens of Kubernetes service accounts for roles.",
)  # fmt: skip
access: Setting[KubernetesSecrets, KubernetesAccess] = Setting(
    engine, "config", KubernetesAccess, "access", help="The API server of the cluster.", go_errors=True
)
creds = engine.path(
    "creds/{name}",
    {
        "name": Field(Kind.LOWER_STRING, help="Name of the role."),
        "kubernetes_namespace": Field(Kind.STRING, help="Namespace in which the credentials are created."),
        "cluster_role_binding": Field(Kind.BOOL, help="Grant the permissions in the whole cluster."),
        "ttl": Field(Kind.SECONDS, help="Lifetime of the token in seconds."),
        "audiences": Field(Kind.COMMA_STRINGS, help="Audiences of the token."),
    },
    help="Create a token.",
    go_errors=True,
)
check = engine.path("check[/]", help="Whether the server runs in a pod.")
roles: Collection[KubernetesSecrets, KubernetesCredentialRole] = Collection(
    engine, "roles/{name}", KubernetesCredentialRole, lambda state: state.roles, shown=_shown,
    name=Field(Kind.LOWER_STRING, help="Name of the role."), help="A role.", list_help="Names of the roles.",
    lower=True,
)  # fmt: skip


@access.write
def write_access(_state: KubernetesSecrets, call: Call, access: KubernetesAccess) -> None:
    """Change the settings. Raises BackendError."""
    if "kubernetes_host" not in call:
        raise BackendError("kubernetes_host was unset and could not be determined from environment variables")
    access.update_from(call)


@check.on(Operation.READ)
def check_pod(_state: KubernetesSecrets, _call: Call) -> None:
    """Refuse: the environment variables of a pod are missing. Raises ErrorResponse."""
    raise ErrorResponse("Missing environment variables: KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT_HTTPS")


@roles.write
def write_role(_state: KubernetesSecrets, call: Call, name: str, role: KubernetesCredentialRole) -> None:
    """Create or update a role. Raises ErrorResponse."""
    role.update_from(call)
    role.name = name
    if role.allowed_kubernetes_namespaces is not None:
        role.allowed_kubernetes_namespaces = sorted({one.lower() for one in role.allowed_kubernetes_namespaces if one})
    if role.token_default_audiences is not None:
        role.token_default_audiences = sorted({one for one in role.token_default_audiences if one})
    if call.is_null("extra_labels"):
        role.extra_labels = None
    if call.is_null("extra_annotations"):
        role.extra_annotations = None
    if not role.allowed_kubernetes_namespaces and not role.allowed_kubernetes_namespace_selector:
        raise ErrorResponse(
            "one (at least) of allowed_kubernetes_namespaces or allowed_kubernetes_namespace_selector must be set"
        )
    if [role.service_account_name, role.kubernetes_role_name, role.generated_role_rules].count("") != 2:
        raise ErrorResponse(
            "one (and only one) of service_account_name, kubernetes_role_name or generated_role_rules must be set"
        )
    if 0 < role.token_max_ttl < role.token_default_ttl:
        lifetimes = go_duration(role.token_default_ttl), go_duration(role.token_max_ttl)
        raise ErrorResponse("token_default_ttl {} cannot be greater than token_max_ttl {}".format(*lifetimes))
    kind = role.kubernetes_role_type or "Role"
    if kind.lower() not in _TYPES:
        raise ErrorResponse("kubernetes_role_type must be either 'Role' or 'ClusterRole'")
    role.kubernetes_role_type = _TYPES[kind.lower()]
    for member, what in (
        ("allowed_kubernetes_namespace_selector", "k8s.io/api/meta/v1/LabelSelector"),
        ("generated_role_rules", "k8s.io/api/rbac/v1/Policy"),
    ):
        with refusing(text=f"failed to parse '{member}' as {what} object"):
            cluster.parsed(getattr(role, member))
    with refusing(_UNPARSED):
        parsed_template(call, role.name_template or _TEMPLATE)


@creds.on(Operation.UPDATE)
def create_token(
    state: KubernetesSecrets, call: Call, *, name: str, kubernetes_namespace: str, cluster_role_binding: bool,
    ttl: int, audiences: list[str],
) -> Response:  # fmt: skip
    """Create a token of a role. Raises ErrorResponse and BackendError."""
    role = state.roles.get(name)
    if role is None:
        raise ErrorResponse(f"role '{name}' does not exist")
    reached = cache(partial(_cluster, state, call))  # Once, because its deadline is for all requests to it.
    namespace = _namespace(reached, call, role, kubernetes_namespace)
    if cluster_role_binding and role.kubernetes_role_type == "Role":
        raise ErrorResponse("a ClusterRoleBinding cannot ref a Role")
    found = reached()
    text = role.name_template or _TEMPLATE
    with refusing(error=BackendError):
        made = generated_name(call, text, name, _METADATA, unparsed=_UNPARSED, failed="failed to generate name: ")
    lifetime, warnings = _lifetime(call, role, ttl)
    account = role.service_account_name or made
    binding = Binding(
        namespace, made, role.kubernetes_role_name, role.kubernetes_role_type, role.generated_role_rules,
        role.extra_labels or {}, role.extra_annotations or {}, everywhere=cluster_role_binding,
    )  # fmt: skip
    with refusing(error=BackendError, of=PeerError):
        if not role.service_account_name:
            found.bind(binding)
        token = found.token(namespace, account, lifetime, audiences or role.token_default_audiences or [])
    with refusing(f"failed to read TTL of created Kubernetes token for {namespace}/{made}: ", BackendError):
        granted = cluster.lifetime_of(token)
    product = call.core.product.texts.product
    if granted != lifetime:
        text = f"the created Kubernetes service accout token TTL {go_duration(granted)} is "
        lease = f"the {product} lease TTL {go_duration(lifetime)}"
        capped = "; capping the lease TTL accordingly"
        warnings.append(f"{text}greater than {lease}" if granted > lifetime else f"{text}less than {lease}{capped}")
    data = {
        "service_account_name": account,
        "service_account_namespace": namespace,
        "service_account_token": token,
    }
    internal = {"role": name, **binding.internal(created=not role.service_account_name)}
    return issued(data, internal, min(lifetime, granted), role.token_max_ttl, renewable=False, warnings=warnings)


def _namespace(
    reached: Callable[[], KubernetesCluster], call: Call, role: KubernetesCredentialRole, namespace: str
) -> str:
    """Return the namespace of the credentials. Raises ErrorResponse and BackendError."""
    if not namespace:
        if not role.single_namespace:
            product = call.core.product.texts.product
            raise BackendError(
                "error verifying namespace: 'kubernetes_namespace' is required unless the "
                f"{product} role has a single namespace specified"
            )
        return role.single_namespace
    allowed = role.allowed_kubernetes_namespaces or []
    if "*" in allowed or namespace in allowed:
        return namespace
    selector = role.allowed_kubernetes_namespace_selector
    with refusing("error verifying namespace: ", BackendError, of=(PeerError, ValueError)):
        if selector and reached().selects(namespace, selector):
            return namespace
    raise ErrorResponse(
        f"kubernetes_namespace '{namespace}' is not present in role's allowed_kubernetes_namespaces or does not match "
        "role's label selector allowed_kubernetes_namespace_selector"
    )


def _lifetime(call: Call, role: KubernetesCredentialRole, ttl: int) -> tuple[int, list[str]]:
    """Return the lifetime of a token in seconds, and warnings if it was shortened."""
    limits = call.core.limits(call.mount)
    lifetime, warnings = ttl if ttl > 0 else role.token_default_ttl or limits.default, []
    if 0 < role.token_max_ttl < lifetime:
        most = f"the role's token_max_ttl of {go_duration(role.token_max_ttl)}; capping accordingly"
        warnings.append(f"ttl of {go_duration(lifetime)} is greater than {most}")
        lifetime = role.token_max_ttl
    if lifetime > limits.max:
        most = f"{call.core.product.texts.product}'s max lease ttl {go_duration(limits.max)}; capping accordingly"
        warnings.append(f"ttl of {go_duration(lifetime)} is greater than {most}")
        lifetime = limits.max
    return lifetime, warnings


def _cluster(state: KubernetesSecrets, call: Call) -> KubernetesCluster:
    """Return the cluster. Raises BackendError without a configuration."""
    access = state.access
    if access is None:
        raise BackendError("could not load backend configuration")
    if not access.kubernetes_host:
        raise BackendError("kubernetes_host was unset and could not determine it from environment variables")
    headers = {"Authorization": f"Bearer {access.service_account_jwt}"} if access.service_account_jwt else {}
    peer = Peer("the Kubernetes cluster", access.kubernetes_host, headers, access.kubernetes_ca_cert)
    return KubernetesCluster(call, peer if peer.is_local(call) else None)


@engine.revokes
def revoke(state: KubernetesSecrets, call: Call) -> None:
    """Delete what was created for a token; the token itself expires. Raises BackendError."""
    found = _cluster(state, call)
    faults = found.unbind(call.raw)
    if faults:
        raise BackendError(*faults)


section = record_section(access.part("config", "the API server of the cluster"), named("roles", "roles by name", roles))
