"""``role/{name}``: what a token must say to log in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mockkms.vault.auth.jwt.model import JWT, Role, engine
from mockkms.vault.auth.token_params import FIELDS
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.tree import PAGE, page

_ADDED = Feature.JWT_ADDITIONS
_OLD = {
    "policies": Field(Kind.COMMA_STRINGS, deprecated=True, help="The former name of token_policies."),
    "bound_cidrs": Field(Kind.COMMA_STRINGS, deprecated=True, help="The former name of token_bound_cidrs."),
    "num_uses": Field(Kind.INT, deprecated=True, help="The former name of token_num_uses."),
    "ttl": Field(Kind.SECONDS, deprecated=True, help="The former name of token_ttl."),
    "max_ttl": Field(Kind.SECONDS, deprecated=True, help="The former name of token_max_ttl."),
    "period": Field(Kind.SECONDS, deprecated=True, help="The former name of token_period."),
}
_OWN = {
    "expiration_leeway": Field(Kind.SIGNED_SECONDS, default=150, help="Leeway where exp is missing; -1 is none."),
    "not_before_leeway": Field(Kind.SIGNED_SECONDS, default=150, help="Leeway where nbf is missing; -1 is none."),
    "clock_skew_leeway": Field(Kind.SIGNED_SECONDS, default=60, help="How far clocks may differ; -1 is none."),
    "bound_audiences": Field(Kind.COMMA_STRINGS, help="Accepted aud claims; one must match."),
    "bound_subject": Field(Kind.STRING, help="Required sub claim."),
    "verbose_oidc_logging": Field(Kind.BOOL, help="Log received tokens."),
    "max_age": Field(Kind.SECONDS, help="Most time since the user was asked to log in."),
    "token_policies_template_claims": Field(Kind.BOOL, help="token_policies are templates over claims.", needs=_ADDED),
    "bound_claims": Field(Kind.MAP, help="Claims and the values that they must have."),
    "claim_mappings": Field(Kind.KV_PAIRS, help="Claims to copy into metadata, with the names there."),
    "oauth2_metadata": Field(Kind.COMMA_STRINGS, help="Tokens to return in metadata.", needs=_ADDED),
    "user_claim": Field(Kind.STRING, help="Claim that names the client."),
    "user_claim_json_pointer": Field(Kind.BOOL, help="user_claim is a JSON pointer."),
    "groups_claim": Field(Kind.STRING, help="Claim that names the client's groups."),
    "oidc_scopes": Field(Kind.COMMA_STRINGS, help="Scopes to ask for."),
    "allowed_redirect_uris": Field(Kind.COMMA_STRINGS, help="Where an OIDC login may return to."),
    "poll_interval": Field(Kind.INT, help="Seconds between polls of the device and direct flows.", needs=_ADDED),
    "oidc_disable_confirmation": Field(Kind.BOOL, help="No confirmation page in the direct flow.", needs=_ADDED),
}

role = engine.path(
    "role/{name}",
    fields={
        "name": Field(Kind.LOWER_STRING, help="Name of the role."),
        "role_type": Field(Kind.STRING, help="jwt or oidc."),
        "bound_claims_type": Field(Kind.STRING, default="string", help="string or glob."),
        "callback_mode": Field(Kind.STRING, default="client", help="client, direct or device.", needs=_ADDED),
        **_OWN,
        **_OLD,
        **FIELDS,
    },
    help="What a token must say to log in, and what the login gets.",
)
listing = engine.path(
    "role[/]",
    fields=PAGE,
    help="The names of all roles.",
)


@role.existence
def _exists(state: JWT, call: Call) -> bool:
    return call["name"] in state.roles


@listing.on(Operation.LIST)
def list_roles(state: JWT, call: Call) -> dict[str, Any]:
    """The names of all roles."""
    names = page(sorted(state.roles), call["after"], call["limit"])
    return {"keys": names} if names else {}


@role.on(Operation.READ)
def read(state: JWT, call: Call) -> dict[str, Any] | None:
    """A role; the poll interval and deprecated names only where they are set."""
    found = state.roles.get(call["name"])
    if found is None:
        return None
    product = call.core.product
    shown = {name: getattr(found, name) for name, declared in _OWN.items() if declared.known_to(product)}
    if not found.poll_interval:
        shown.pop("poll_interval", None)
    shown.update(
        role_type=found.role_type,
        bound_claims_type=found.bound_claims_type,
        **found.shown(call.core.product),
    )
    if product.has(_ADDED):
        shown["callback_mode"] = found.callback_mode
    for old in _OLD:
        if found.old.get(old):
            shown[old] = shown[f"token_{old}"]
    return shown


@role.on(Operation.DELETE)
def delete(state: JWT, call: Call) -> None:
    """Delete a role."""
    state.roles.pop(call["name"], None)


@role.on(Operation.CREATE, Operation.UPDATE)
def write(state: JWT, call: Call) -> Response | None:
    """Make a role, or change what was sent of one. Raises ErrorResponse and BackendError."""
    found = state.roles.get(call["name"])
    made = replace(found, old=dict(found.old)) if found else Role()
    made.role_type = call["role_type"] or "oidc"
    if made.role_type not in ("jwt", "oidc"):
        raise ErrorResponse(f"invalid 'role_type': {made.role_type}")
    try:
        made.parse(call)
        for old in _OLD:
            made.upgrade(call, old, f"token_{old}")
    except ValueError as error:
        raise ErrorResponse(str(error)) from None
    largest = call.core.max_ttl(call.mount)
    if made.token_period > largest:
        raise ErrorResponse(
            f"'period' of '\"{go_duration(made.token_period)}\"' is greater than the backend's maximum lease TTL "
            f"of '\"{go_duration(largest)}\"'"
        )
    for name in _OWN:
        if name in call:
            setattr(made, name, call[name])
    made.oidc_disable_confirmation = call["oidc_disable_confirmation"]
    _take_bound_claims(made, call)
    _check(made, call)
    if 0 < made.token_max_ttl < made.token_ttl:
        raise ErrorResponse("ttl should not be greater than max ttl")
    state.roles[call["name"]] = made
    return _warned(made, largest)


def _take_bound_claims(made: Role, call: Call) -> None:
    made.bound_claims_type = call["bound_claims_type"]
    if made.bound_claims_type not in ("string", "glob"):
        raise ErrorResponse(f"invalid 'bound_claims_type': {made.bound_claims_type}")
    if "bound_claims" not in call or made.bound_claims_type != "glob":
        return
    for value in call["bound_claims"].values():
        if value is None or isinstance(value, dict):
            raise ErrorResponse(f"claim is not a string or list: {shown_value(value)}")
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, str):
                raise ErrorResponse(f"claim is not a string: {shown_value(item)}")


def shown_value(value: Any) -> str:
    """A JSON value as Go prints it with ``%v``."""
    if value is None:
        return "<nil>"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return "[" + " ".join(shown_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{name}:{shown_value(value[name])}" for name in sorted(value)) + "]"
    return str(value)


def _check(made: Role, call: Call) -> None:
    targets: set[str] = set()
    for target in call["claim_mappings"].values():
        if target == "role":
            raise ErrorResponse('metadata key "role" is reserved and may not be a mapping destination')
        if target in targets:
            raise ErrorResponse(f'multiple keys are mapped to metadata key "{target}"')
        targets.add(target)
    for name in call["oauth2_metadata"]:
        if name not in ("id_token", "refresh_token", "access_token"):
            raise ErrorResponse(f"Unrecognized oauth2 metadata name {name}")
    if not made.user_claim:
        raise ErrorResponse("a user claim must be defined on the role")
    made.callback_mode = call["callback_mode"]
    if made.callback_mode not in ("device", "direct", "client"):
        raise ErrorResponse(f"invalid 'callback_mode': {made.callback_mode}")
    if made.role_type == "oidc" and not made.allowed_redirect_uris:
        raise ErrorResponse("'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified.")
    bound = made.bound_audiences or made.token_bound_cidrs or made.bound_subject or made.bound_claims
    if made.role_type == "jwt" and not bound:
        raise ErrorResponse("must have at least one bound constraint when creating/updating a role")


def _warned(made: Role, largest: int) -> Response | None:
    warnings = []
    if made.token_max_ttl > largest:
        warnings.append(
            "token max ttl is greater than the system or backend mount's maximum TTL value; "
            "issued tokens' max TTL value will be truncated"
        )
    if made.verbose_oidc_logging:
        warnings.append(
            "verbose_oidc_logging has been enabled for this role. This is not recommended in production since "
            "sensitive information may be present in OIDC responses."
        )
    if made.token_policies_template_claims:
        for index, policy in enumerate(made.token_policies or []):
            if policy.count("{{") != policy.count("}}"):
                raise BackendError(f"failed to parse template policy [{index}]: unclosed action")
    return Response(warnings=warnings) if warnings else None
