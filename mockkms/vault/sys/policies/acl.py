"""``sys/policy`` and ``sys/policies/acl``: the texts of ACL policies."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Request, Response, refusing, unsupported_operation
from mockkms.vault.policy.policy import Policy
from mockkms.vault.policy.rules import PolicyError
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.world.clock import rfc3339

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_NAME = Field(Kind.STRING, help="Name of the policy, converted to lower case.")
_LIST = Field(Kind.BOOL, help="Set on a GET to list instead.", query=True)
_FIELDS = {
    "name": _NAME,
    "policy": Field(Kind.STRING, help="The rules in HCL or JSON, plain or in base64."),
    "expiration": Field(
        Kind.TIME, needs=Feature.POLICY_VERSIONS, help="When the policy ends: RFC 3339 or seconds since the epoch."
    ),
    "ttl": Field(Kind.SECONDS, needs=Feature.POLICY_VERSIONS, help="Lifetime of the policy, instead of an expiration."),
    "cas": Field(
        Kind.INT,
        needs=Feature.POLICY_VERSIONS,
        help="Version this write expects to replace; -1: the policy must be new.",
    ),
    "cas_required": Field(Kind.BOOL, needs=Feature.POLICY_VERSIONS, help="Later writes require cas."),
    "allow_wildcards_in_identity_templates": Field(
        Kind.BOOL,
        default=False,
        needs=Feature.POLICY_VERSIONS,
        help="Identity templates in paths may have values with * or +.",
    ),
    "allow_slashes_in_identity_templates": Field(
        Kind.BOOL,
        default=False,
        needs=Feature.POLICY_VERSIONS,
        help="Identity templates in paths may have values with /.",
    ),
}


def _patchable(core: Context, request: Request) -> None:
    """Raise 405 for a PATCH where the product lacks it, whatever the parameters."""
    if request.operation is Operation.PATCH and not core.product.has(Feature.POLICY_VERSIONS):
        raise unsupported_operation()


legacy_list = engine.path("policy[/]", help="Names of the ACL policies.")
legacy = engine.path(
    "policy/{name:some}",
    fields={**_FIELDS, "rules": Field(Kind.STRING, help="Older name of policy.", deprecated=True)},
    help="One ACL policy, in the older form of the answer.",
)
acl_list = engine.path("policies/acl[/]", help="Names of the ACL policies.")
acl = engine.path("policies/acl/{name:some}", fields=_FIELDS, help="One ACL policy.", requires=_patchable)
detailed_list = engine.path(
    "policies/detailed/acl[/]",
    fields={"list": _LIST},
    needs=Feature.POLICY_VERSIONS,
    help="ACL policies and their texts.",
)
detailed = engine.path(
    "policies/detailed/acl/{name:some}",
    fields={"list": _LIST, "name": _NAME},
    needs=Feature.POLICY_VERSIONS,
    help="The ACL policies below a name, with their texts.",
)


@legacy_list.on(Operation.READ, Operation.LIST)
@legacy.on(Operation.LIST)
def list_legacy(_state: object, call: Call) -> Response:
    """Return the names, both in ``data`` and at the top level; below a prefix if the product lists such."""
    names = _names(call)
    if not names:
        return Response(data={"policies": None}, flat=True)
    return Response(data={"keys": names, "policies": names}, flat=True)


@acl_list.on(Operation.LIST)
@acl.on(Operation.LIST)
def list_acl(_state: object, call: Call) -> dict[str, object]:
    """Return the names, below a prefix if the path has one and the product lists such."""
    return {"keys": _names(call)}


@detailed_list.on(Operation.LIST)
@detailed.on(Operation.LIST)
def list_detailed(_state: object, call: Call) -> dict[str, object]:
    """Return the names, and for each what reading it would return."""
    namespace = call.request.namespace
    names = _names(call, always_root=True)
    policies = {name: call.core.policies.get(namespace, name) for name in names}
    return {"keys": names, "key_info": {name: _shown(policy, call) for name, policy in policies.items() if policy}}


def _names(call: Call, *, always_root: bool = False) -> list[str]:
    prefix = call["name"] if "name" in call.endpoint.fields else ""
    if prefix and not call.core.product.has(Feature.POLICY_FOLDERS):
        raise unsupported_operation()
    namespace = call.request.namespace
    names = call.core.policies.names(namespace, prefix)
    if not namespace and (always_root or not prefix):
        names.append("root")
    return names


@legacy.on(Operation.READ)
def read_legacy(_state: object, call: Call, *, name: str) -> Response | None:
    """Return the policy with its text as ``rules``, both in ``data`` and at the top level."""
    policy = call.core.policies.get(call.request.namespace, name)
    if policy is None:
        return None
    data = _shown(policy, call)
    data["rules"] = data.pop("policy")
    return Response(data=data, flat=True)


@acl.on(Operation.READ)
def read_acl(_state: object, call: Call, *, name: str) -> dict[str, object] | None:
    """Return the policy."""
    policy = call.core.policies.get(call.request.namespace, name)
    return None if policy is None else _shown(policy, call)


def _shown(policy: Policy, call: Call) -> dict[str, object]:
    data: dict[str, object] = {"name": policy.name, "policy": policy.text}
    if not call.core.product.has(Feature.POLICY_VERSIONS):
        return data
    data["version"] = policy.version
    data["cas_required"] = policy.cas_required
    data["allow_wildcards_in_identity_templates"] = policy.allow_wildcards
    data["allow_slashes_in_identity_templates"] = policy.allow_slashes
    if policy.expiration:
        data["expiration"] = rfc3339(policy.expiration)
    if policy.modified:
        data["modified"] = rfc3339(policy.modified)
    return data


@legacy.on(Operation.UPDATE)
def write_legacy(_state: object, call: Call, *, policy: str, rules: str) -> Response | None:
    """Create or replace, from ``policy`` or from ``rules``."""
    text, warnings = policy, _renamed(call)
    if not text:
        text = rules
        warnings.append("'rules' is deprecated, please use 'policy' instead")
    _write(call, text)
    return Response(warnings=warnings) if warnings else None


@acl.on(Operation.UPDATE)
def write_acl(_state: object, call: Call, *, policy: str) -> Response | None:
    """Create or replace."""
    warnings = _renamed(call)
    _write(call, policy)
    return Response(warnings=warnings) if warnings else None


@acl.on(Operation.PATCH)
def patch_acl(_state: object, call: Call, *, name: str) -> Response:
    """Change some properties; without ``cas`` the current version is expected."""
    warnings = _renamed(call)
    known = call.core.policies.get(call.request.namespace, name)
    if known is None:
        raise ErrorResponse("policy not found")
    _write(call, call.get("policy", known.text), known)
    return Response(warnings=warnings)


def _renamed(call: Call) -> list[str]:
    name: str = call["name"]
    changed = name != name.lower() or call.request.sent_path
    return [f"policy name was converted to {name.lower()}"] if changed else []


def _write(call: Call, text: str, known: Policy | None = None) -> None:
    if not text:
        raise ErrorResponse("'policy' parameter not supplied or empty")
    with refusing(of=PolicyError):
        _store(call, decoded(text), known)


def _store(call: Call, text: str, known: Policy | None) -> None:
    store, namespace = call.core.policies, call.request.namespace
    if not call.core.product.has(Feature.POLICY_VERSIONS):
        store.write(namespace, call["name"], text)
        return
    cas = call.get("cas", known.version if known else None)
    store.write(
        namespace,
        call["name"],
        text,
        expiration=_expiration(call, known.expiration if known else 0),
        cas=cas,
        cas_required=call.get("cas_required", known.cas_required if known else False),
        allow_wildcards=call.get("allow_wildcards_in_identity_templates", known.allow_wildcards if known else False),
        allow_slashes=call.get("allow_slashes_in_identity_templates", known.allow_slashes if known else False),
    )


def _expiration(call: Call, otherwise: float) -> float:
    """Return when the written policy expires, in seconds since the epoch; 0 means never."""
    moment = otherwise
    if call.get("expiration") is not None and "ttl" in call:
        raise ErrorResponse("cannot supply both 'expiration' and 'ttl' for policies")
    if call.get("expiration") is not None:
        moment = call["expiration"]
    elif "ttl" in call:
        moment = call.now() + call["ttl"]
    if (moment or call.get("expiration") is not None) and moment <= call.now():
        raise ErrorResponse("refusing to update policy as expiration time has already elapsed")
    return moment


def decoded(text: str) -> str:
    """Return a policy text, decoded if it is base64. Bytes that are not UTF-8 become surrogates."""
    try:
        raw = base64.b64decode(text.replace("\r", "").replace("\n", "").encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return text
    return raw.decode("utf-8", "surrogateescape")


@legacy.on(Operation.DELETE)
@acl.on(Operation.DELETE)
def delete_policy(_state: object, call: Call, *, name: str) -> None:
    """Delete a policy, if it exists."""
    call.core.policies.delete(call.request.namespace, name)
