"""``role/{name}``: which service accounts may log in."""

from __future__ import annotations

from mockkms.vault.auth.kubernetes import selector
from mockkms.vault.auth.kubernetes.model import Kubernetes, KubernetesRole, engine
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Response, refusing
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.products.features import Feature

_SOURCES = ("serviceaccount_uid", "serviceaccount_name")

roles = Collection[Kubernetes, KubernetesRole](
    engine,
    "role/{name}",
    KubernetesRole,
    lambda state: state.roles,
    name=Field(Kind.STRING, help="Name of the role, in any case."),
    lower=True,
    help="Service accounts that may log in, and the parameters of their tokens.",
    list_help="The names of all roles.",
)


@roles.write
def write(
    state: Kubernetes,
    call: Call,
    name: str,
    made: KubernetesRole,
    *,
    bound_service_account_namespace_selector: str,
) -> Response | None:
    """Create or change a role. Raises ErrorResponse."""
    made.update_token_params(call)
    largest = call.core.max_ttl(call.mount)
    if made.token_period > largest:
        raise ErrorResponse(
            f"token period of '\"{go_duration(made.token_period)}\"' is greater than the backend's maximum lease TTL "
            f"of '\"{go_duration(largest)}\"'"
        )
    if 0 < made.token_max_ttl < made.token_ttl:
        raise ErrorResponse("token ttl should not be greater than token max ttl")
    # Unlike other parameters, this one is cleared by a write without it.
    made.bound_service_account_namespace_selector = bound_service_account_namespace_selector
    made.update_from(
        call,
        "bound_service_account_names",
        "bound_service_account_namespaces",
        "audience",
        "alias_name_source",
    )
    _check_bounds(made)
    warnings = []
    if made.token_max_ttl > largest:
        warnings.append(
            "max_ttl is greater than the system or backend mount's maximum TTL value; "
            "issued tokens' max TTL value will be truncated"
        )
    if not made.audience.strip() and call.core.product.has(Feature.KUBERNETES_CHECKED_CA):
        warnings.append(_audience_warning(call))
    return Response(warnings=warnings) if warnings else None


def _audience_warning(call: Call) -> str:
    """Return the warning about a role that accepts any audience."""
    product, role = call.core.product, f"Role {call['name']} does not have an audience"
    if product.has(Feature.AUDIENCE_OPTIONAL):
        return (
            f"{role} configured. While audiences are not required, consider specifying one if your use case would "
            "benefit from additional JWT claim verification."
        )
    return f"{role}. In {product.texts.product} v1.21+, specifying an audience on roles will be required."


def _check_bounds(made: KubernetesRole) -> None:
    """Check which accounts may log in. Raises ErrorResponse."""
    _check_names(made.bound_service_account_names, '"bound_service_account_names" can not be empty')
    if not made.bound_service_account_namespace_selector:
        _check_names(
            made.bound_service_account_namespaces or [],
            '"bound_service_account_namespaces" can not be empty if '
            '"bound_service_account_namespace_selector" is not set',
        )
    else:
        with refusing(text='invalid "bound_service_account_namespace_selector" configured'):
            selector.parse(made.bound_service_account_namespace_selector)
    if len(made.bound_service_account_namespaces or []) > 1 and "*" in (made.bound_service_account_namespaces or []):
        raise ErrorResponse('can not mix "*" with values')
    made.alias_name_source = made.alias_name_source or _SOURCES[0]
    if made.alias_name_source not in _SOURCES:
        raise ErrorResponse(f"invalid alias_name_source, must be one of: {', '.join(_SOURCES)}")


def _check_names(names: list[str], empty: str) -> None:
    if not names:
        raise ErrorResponse(empty)
    if len(names) > 1 and "*" in names:
        raise ErrorResponse('can not mix "*" with values')
