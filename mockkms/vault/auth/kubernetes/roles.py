"""``role/{name}``: which service accounts may log in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mockkms.vault.auth.kubernetes import selector
from mockkms.vault.auth.kubernetes.model import Kubernetes, Role, engine
from mockkms.vault.auth.token_params import FIELDS
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.tree import PAGE, page

_SOURCES = ("serviceaccount_uid", "serviceaccount_name")
_OLD = {
    "policies": Field(Kind.COMMA_STRINGS, deprecated=True, help="The former name of token_policies."),
    "bound_cidrs": Field(Kind.COMMA_STRINGS, deprecated=True, help="The former name of token_bound_cidrs."),
    "num_uses": Field(Kind.INT, deprecated=True, help="The former name of token_num_uses."),
    "ttl": Field(Kind.SECONDS, deprecated=True, help="The former name of token_ttl."),
    "max_ttl": Field(Kind.SECONDS, deprecated=True, help="The former name of token_max_ttl."),
    "period": Field(Kind.SECONDS, deprecated=True, help="The former name of token_period."),
}

role = engine.path(
    "role/{name}",
    fields={
        "name": Field(Kind.STRING, help="Name of the role, in any case."),
        "bound_service_account_names": Field(Kind.COMMA_STRINGS, help="Accepted accounts; * is any."),
        "bound_service_account_namespaces": Field(Kind.COMMA_STRINGS, help="Accepted namespaces; * is any."),
        "bound_service_account_namespace_selector": Field(Kind.STRING, help="Label selector of accepted namespaces."),
        "audience": Field(Kind.STRING, help="Required aud claim."),
        "alias_name_source": Field(
            Kind.STRING, default="serviceaccount_uid", help="serviceaccount_uid or serviceaccount_name."
        ),
        **_OLD,
        **FIELDS,
    },
    help="Which service accounts may log in, and what the login gets.",
)
listing = engine.path(
    "role[/]",
    fields=PAGE,
    help="The names of all roles.",
)


@role.existence
def _exists(state: Kubernetes, call: Call) -> bool:
    return call["name"].lower() in state.roles


@listing.on(Operation.LIST)
def list_roles(state: Kubernetes, call: Call) -> dict[str, Any]:
    """The names of all roles."""
    names = page(sorted(state.roles), call["after"], call["limit"])
    return {"keys": names} if names else {}


@role.on(Operation.READ)
def read(state: Kubernetes, call: Call) -> dict[str, Any] | None:
    """A role; the audience and deprecated names only where they are set."""
    found = state.roles.get(call["name"].lower())
    if found is None:
        return None
    shown = {
        "alias_name_source": found.alias_name_source,
        "bound_service_account_names": found.bound_service_account_names,
        "bound_service_account_namespaces": found.bound_service_account_namespaces,
        "bound_service_account_namespace_selector": found.bound_service_account_namespace_selector,
        **found.shown(call.core.product),
    }
    if found.audience:
        shown["audience"] = found.audience
    for old in _OLD:
        if found.old.get(old):
            shown[old] = shown[f"token_{old}"]
    return shown


@role.on(Operation.DELETE)
def delete(state: Kubernetes, call: Call) -> None:
    """Delete a role."""
    state.roles.pop(call["name"].lower(), None)


@role.on(Operation.CREATE, Operation.UPDATE)
def write(state: Kubernetes, call: Call) -> Response | None:
    """Make a role, or change what was sent of one. Raises ErrorResponse."""
    name = call["name"].lower()
    found = state.roles.get(name)
    made = replace(found, old=dict(found.old)) if found else Role()
    try:
        made.parse(call)
        for old in _OLD:
            made.upgrade(call, old, f"token_{old}")
    except ValueError as error:
        raise ErrorResponse(str(error)) from None
    largest = call.core.max_ttl(call.mount)
    if made.token_period > largest:
        raise ErrorResponse(
            f"token period of '\"{go_duration(made.token_period)}\"' is greater than the backend's maximum lease TTL "
            f"of '\"{go_duration(largest)}\"'"
        )
    if 0 < made.token_max_ttl < made.token_ttl:
        raise ErrorResponse("token ttl should not be greater than token max ttl")
    _take_bounds(made, call)
    state.roles[name] = made
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


def _take_bounds(made: Role, call: Call) -> None:
    if "bound_service_account_names" in call:
        made.bound_service_account_names = call["bound_service_account_names"]
    _check_names(made.bound_service_account_names, '"bound_service_account_names" can not be empty')
    if "bound_service_account_namespaces" in call:
        made.bound_service_account_namespaces = call["bound_service_account_namespaces"]
    made.bound_service_account_namespace_selector = call["bound_service_account_namespace_selector"]
    if not made.bound_service_account_namespace_selector:
        _check_names(
            made.bound_service_account_namespaces or [],
            '"bound_service_account_namespaces" can not be empty if '
            '"bound_service_account_namespace_selector" is not set',
        )
    else:
        try:
            selector.parse(made.bound_service_account_namespace_selector)
        except ValueError:
            raise ErrorResponse('invalid "bound_service_account_namespace_selector" configured') from None
    if len(made.bound_service_account_namespaces or []) > 1 and "*" in (made.bound_service_account_namespaces or []):
        raise ErrorResponse('can not mix "*" with values')
    if "audience" in call:
        made.audience = call["audience"]
    if "alias_name_source" in call:
        made.alias_name_source = call["alias_name_source"]
    made.alias_name_source = made.alias_name_source or _SOURCES[0]
    if made.alias_name_source not in _SOURCES:
        raise ErrorResponse(f"invalid alias_name_source, must be one of: {', '.join(_SOURCES)}")


def _check_names(names: list[str], empty: str) -> None:
    if not names:
        raise ErrorResponse(empty)
    if len(names) > 1 and "*" in names:
        raise ErrorResponse('can not mix "*" with values')
