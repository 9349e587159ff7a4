"""``sys/policies/password``: password policies, and generating passwords by them."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, conversion_text
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, Operation, Response, refusing
from mockkms.vault.policy.passwords import parse_password_policy
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.vault.sys.policies.acl import decoded

_NAME = Field(Kind.STRING, help="Name of the password policy.")
_SHORTEST, _LONGEST = 4, 100

all_policies = engine.path("policies/password[/]", help="Names of the password policies.")
generate = engine.path("policies/password/{name:some}/generate", fields={"name": _NAME}, help="Generate a password.")
one = engine.path(
    "policies/password/{name:some}",
    fields={
        "name": _NAME,
        "policy": Field(Kind.STRING, help="Length and rules in HCL or JSON, plain or in base64."),
        "entropy_source": Field(Kind.STRING, help="Source of randomness.", needs=Feature.SOURCES_CHOSEN),
    },
    help="One password policy.",
)


def _stored(call: Call) -> str:
    text = call.core.state.policies.password.get((call.request.namespace, call["name"]))
    if text is None:
        raise BackendError("policy does not exist", status=404)
    return text


@all_policies.on(Operation.LIST)
def list_password_policies(_state: object, call: Call) -> dict[str, object]:
    """Return the names."""
    policies = call.core.state.policies.password
    return {"keys": sorted(name for namespace, name in policies if namespace == call.request.namespace)}


@one.on(Operation.UPDATE)
def write_password_policy(_state: object, call: Call, *, name: str) -> Response:
    """Create or replace a policy; its rules must be satisfiable."""
    text = call["policy"]
    if not text:
        raise BackendError("missing policy", status=400)
    text = decoded(text)
    try:
        policy = parse_password_policy(text)
    except ValueError as error:
        fault = conversion_text(call.core.product, error)
        raise BackendError(f"invalid password policy: {fault}", status=400) from None
    if not _SHORTEST <= policy.length <= _LONGEST:
        raise BackendError(f"passwords must be between {_SHORTEST} and {_LONGEST} characters", status=400)
    if not policy.possible:
        raise BackendError(
            "unable to construct test password from provided policy: are the rules impossible?", status=400
        )
    call.core.state.policies.password[call.request.namespace, name] = text
    return Response(status=204, raw=b"")


@one.on(Operation.READ)
def read_password_policy(_state: object, call: Call) -> dict[str, object]:
    """Return the text."""
    return {"policy": _stored(call)}


@one.on(Operation.DELETE)
def delete_password_policy(_state: object, call: Call, *, name: str) -> None:
    """Delete a policy, if it exists."""
    call.core.state.policies.password.pop((call.request.namespace, name), None)


@generate.on(Operation.READ)
def generate_password(_state: object, call: Call) -> dict[str, object]:
    """Return a password that meets every rule."""
    text = _stored(call)
    with refusing("failed to generate password from policy: ", BackendError):
        return {"password": parse_password_policy(text).generate(call.core.entropy)}
