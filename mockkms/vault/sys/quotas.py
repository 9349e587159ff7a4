"""``sys/quotas``: rate limit rules and their configuration."""

from __future__ import annotations

import math

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.number import of_float
from mockkms.vault.kernel.state import RateLimit
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.mounts.shapes import sanitized

_WITH_ROLES = ("approle", "jwt", "kubernetes", "cert")
"""Auth methods whose logins name a role."""

_GROUPS = Feature.QUOTA_GROUPS
_GROUPINGS = ("ip", "none", "entity_then_ip", "entity_then_none")

config = engine.path(
    "quotas/config",
    fields={
        "rate_limit_exempt_paths": Field(Kind.STRING_SLICE, help="Path prefixes exempt from rate limits."),
        "absolute_rate_limit_exempt_paths": Field(
            Kind.STRING_SLICE, help="Exempt paths, from the root namespace.", needs=_GROUPS
        ),
        "enable_rate_limit_audit_logging": Field(Kind.BOOL, help="Log refused requests to the audit devices."),
        "enable_rate_limit_response_headers": Field(Kind.BOOL, help="Send clients their remaining limit in headers."),
    },
    help="Settings of all rate limits.",
)
every = engine.path("quotas/rate-limit[/]", help="Names of all rate limits.")
one = engine.path(
    "quotas/rate-limit/{name}",
    fields={
        "name": Field(Kind.STRING, help="Name of the rule."),
        "type": Field(Kind.STRING, help="Always `rate-limit`."),
        "path": Field(Kind.STRING, help="Namespace, mount or path it applies to; everything if missing."),
        "role": Field(Kind.STRING, help="Role of an auth method it applies to."),
        "rate": Field(Kind.FLOAT, help="Requests allowed in each interval; more than 0."),
        "interval": Field(Kind.SECONDS, help="Length of the interval; a second if missing."),
        "block_interval": Field(Kind.SECONDS, help="Seconds for which a client that exceeded the limit is blocked."),
        "group_by": Field(Kind.STRING, help="How requests are counted: `ip` and others.", needs=_GROUPS),
        "secondary_rate": Field(Kind.FLOAT, help="Rate of requests that belong to no entity.", needs=_GROUPS),
        "inheritable": Field(Kind.BOOL, help="Whether child namespaces without a rule inherit it."),
    },
    help="Create, show or delete a rate limit.",
    go_errors=True,
)


@config.on(Operation.READ)
def read_config(_state: object, call: Call) -> dict[str, object]:
    """Return the settings of all rate limits."""
    quotas = call.core.state.quotas
    absolute = {"absolute_rate_limit_exempt_paths": quotas.absolute_exempt_paths}
    return {
        **(absolute if call.core.product.has(_GROUPS) else {}),
        "enable_rate_limit_audit_logging": quotas.audit_logging,
        "enable_rate_limit_response_headers": quotas.response_headers,
        "rate_limit_exempt_paths": list(quotas.exempt_paths),
    }


@config.on(Operation.UPDATE)
def write_config(
    _state: object,
    call: Call,
    *,
    enable_rate_limit_audit_logging: bool,
    enable_rate_limit_response_headers: bool,
    rate_limit_exempt_paths: list[str],
    absolute_rate_limit_exempt_paths: list[str],
) -> None:
    """Replace all settings; those not sent are disabled or empty."""
    quotas = call.core.state.quotas
    quotas.audit_logging = enable_rate_limit_audit_logging
    quotas.response_headers = enable_rate_limit_response_headers
    quotas.exempt_paths = list(rate_limit_exempt_paths)
    if call.core.product.has(_GROUPS):
        quotas.absolute_exempt_paths = list(absolute_rate_limit_exempt_paths)


@every.on(Operation.LIST)
def list_rate_limits(_state: object, call: Call) -> dict[str, object]:
    """Return the names of all rules."""
    return {"keys": sorted(call.core.state.quotas.rate_limits)}


@one.on(Operation.READ)
def read_rate_limit(_state: object, call: Call, *, name: str) -> dict[str, object] | None:
    """Return one rule."""
    rule = call.core.state.quotas.rate_limits.get(name)
    if rule is None:
        return None
    grouping = {"group_by": "ip", "secondary_rate": 0} if call.core.product.has(_GROUPS) else {}
    return {
        **grouping,
        "block_interval": rule.block_interval,
        "inheritable": rule.inheritable,
        "interval": rule.interval,
        "name": rule.name,
        "path": rule.path,
        "rate": of_float(rule.rate),
        "role": rule.role,
        "type": "rate-limit",
    }


@one.on(Operation.UPDATE)
def write_rate_limit(
    _state: object, call: Call, *, rate: float, role: str, name: str, block_interval: int, interval: int
) -> None:
    """Create or replace a rule; the counts of all clients are reset."""
    if rate <= 0:
        raise ErrorResponse("'rate' is invalid")
    _check_grouping(call)
    namespace, mount, suffix = _place(call)
    if role:
        _check_role(call, namespace, mount, suffix)
    quotas, present = call.core.quotas, call.core.state.quotas.rate_limits.get(name)
    similar = quotas.with_factors((namespace, mount, suffix, role))
    if similar is not None and similar.name != name:
        raise ErrorResponse(f"quota rule with similar properties exists under the name {quote(similar.name)}")
    if not math.isfinite(rate):
        shown = "NaN" if math.isnan(rate) else "+Inf"
        raise BackendError(f"failed to encode storage entry: json: unsupported value: {shown}")
    quotas.put(RateLimit(
        name=name,
        rate=float(rate),
        interval=interval or 1,
        block_interval=block_interval,
        namespace=namespace,
        mount=mount,
        suffix=suffix,
        # The role is fixed when the rule is created: the real server does not change it afterwards.
        role=present.role if present is not None else role,
        inheritable=_inheritable(call, namespace, mount),
    ))  # fmt: skip


def _inheritable(call: Call, namespace: str, mount: str) -> bool:
    """Return whether child namespaces inherit a rule. Raises ErrorResponse for a value the product does not allow."""
    everything = not namespace and not mount
    wanted: bool = call.get("inheritable", everything)
    if call.core.product.has(Feature.INHERITANCE_CHECKED):
        if wanted and mount:
            raise ErrorResponse("only namespace quotas can be configured as inheritable")
        if everything and not wanted:
            raise ErrorResponse("all global quotas must be inheritable")
    return wanted


def _check_grouping(call: Call) -> None:
    """Raise ErrorResponse for a grouping that does not exist, or not in the community edition."""
    if not call.core.product.has(_GROUPS):
        return
    grouping = call["group_by"] or "ip"
    if grouping not in _GROUPINGS:
        raise ErrorResponse(f"invalid grouping mode {quote(grouping)}")
    if grouping != "ip":
        raise ErrorResponse(f'grouping mode "{grouping}" is only available in Vault Enterprise')
    if call["secondary_rate"]:
        raise ErrorResponse("secondary rate is only valid when using entity-based grouping")


def _place(call: Call) -> tuple[str, str, str]:
    """Return namespace, mount and path below the mount of a rule. Raises ErrorResponse for an unknown mount."""
    core = call.core
    whole = sanitized(call["path"])
    namespace, below = core.namespaces.locate("", whole)
    if below in ("", "/"):
        return namespace or "", "", ""
    mount = core.state.mounts.match(namespace or "", below)
    if mount is None:
        raise ErrorResponse(f"invalid mount path {quote(below)}")
    return namespace or "", mount.path, below.removeprefix(mount.path).rstrip("/")


def _check_role(call: Call, namespace: str, mount: str, suffix: str) -> None:
    if suffix:
        raise ErrorResponse(
            "Quotas cannot contain both a path suffix and a role. If a role is provided, path must be a valid auth "
            "mount with a concept of roles"
        )
    found = call.core.state.mounts.get(namespace, mount)
    if found is None or not found.is_auth:
        raise ErrorResponse(
            f"Mount path {quote(mount)} is not a valid auth method and therefore unsuitable for use "
            "with role-based quotas"
        )
    if found.engine not in _WITH_ROLES:
        raise ErrorResponse(f"Mount path {quote(mount)} does not support use with role-based quotas")


@one.on(Operation.DELETE)
def delete_rate_limit(_state: object, call: Call, *, name: str) -> None:
    """Delete a rule, if it exists."""
    call.core.quotas.drop(name)
