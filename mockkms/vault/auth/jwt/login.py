"""``login``: a token for a JWT of the configured issuer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from mockkms.vault.auth.claims import Claims, ExpectedClaims, claim, read, validate
from mockkms.vault.auth.jwt import custom
from mockkms.vault.auth.jwt.model import JWT, CelRole, JwtConfig, JwtRole, engine
from mockkms.vault.auth.jwt.provider import Unreachable, keys_of
from mockkms.vault.auth.jwt.roles import policy_template
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import (
    Auth,
    BackendError,
    ErrorResponse,
    LoginAlias,
    Operation,
    Response,
    permission_denied,
    refusing,
)
from mockkms.vault.golang.fmt import misprinted, quote, shown
from mockkms.vault.golang.number import Number
from mockkms.vault.policy import globs
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr

R = TypeVar("R", JwtRole, CelRole)

login = engine.path(
    "login",
    fields={
        "role": Field(Kind.LOWER_STRING, help="Role to log in with; default: the configured one."),
        "jwt": Field(Kind.STRING, help="The signed token."),
        "distributed_claim_access_token": Field(
            Kind.STRING, help="For groups that Entra ID keeps elsewhere; not used.", needs=Feature.DISTRIBUTED_CLAIMS
        ),
    },
    login=True,
    help="Log in with a JSON Web Token.",
)


@login.on(Operation.UPDATE)
def log_in(state: JWT, call: Call, *, role: str, jwt: str, distributed_claim_access_token: str) -> Response:
    """Log in. Raises ErrorResponse, BackendError 403 for an address that the role does not allow."""
    config, name, found = role_of(state, role, state.roles)
    if found.role_type == "oidc":
        raise ErrorResponse("role with oidc role_type is not allowed")
    if not jwt:
        raise ErrorResponse("missing token")
    if found.token_bound_cidrs and not cidr.contains(found.token_bound_cidrs, call.request.remote_address):
        raise permission_denied()
    claims = claims_of(state, config, found, call, jwt)
    if claim(claims, "aud") and not found.bound_audiences:
        raise ErrorResponse("audience claim found in JWT but no audiences bound to the role")
    known = call.core.product.has(Feature.DISTRIBUTED_CLAIMS)
    token = distributed_claim_access_token if known else None
    return Response(auth=auth_of(call, config, found, name, claims, token))


def auth_of(call: Call, config: JwtConfig, role: JwtRole, name: str, claims: Claims, access_token: str | None) -> Auth:
    """Return the login with a role for claims; ``access_token`` is for groups. Raises ErrorResponse."""
    alias = _identity(claims, name, role)
    groups = _groups(config, claims, role, access_token)
    _check_bound_claims(role, claims)
    auth = Auth(
        display_name=alias["name"],
        alias=alias,
        group_aliases=groups,
        metadata=dict(alias["metadata"]),
        internal={"role": name},
    )
    role.apply(auth, call.request)
    if role.token_policies_template_claims:
        auth.policies = _filled(call, auth.policies, claims)
    return auth


def role_of(state: JWT, role: str, roles: Mapping[str, R]) -> tuple[JwtConfig, str, R]:
    """Return the configuration, and the name and record of a login's role or the default one. Raises ErrorResponse."""
    config = state.config
    if config is None:
        raise ErrorResponse("could not load configuration")
    name = role or config.default_role
    if not name:
        raise ErrorResponse("missing role")
    found = roles.get(name)
    if found is None:
        raise ErrorResponse(f"role {quote(name)} could not be found")
    return config, name, found


def claims_of(state: JWT, config: JwtConfig, role: JwtRole | CelRole, call: Call, jwt: str) -> Claims:
    """Return the claims of the token ``jwt``, valid for ``role``. Raises ErrorResponse."""
    try:
        keys = keys_of(state, call, config)
    except Unreachable as error:
        if error.configuring:
            raise ErrorResponse(f"error configuring token validator: keyset configuration error: {error}") from None
        fault = str(error) if config.jwks_pairs else f"fetching keys oidc: get keys failed {error}"
        with refusing("error validating token: "):
            read(jwt, remote=True)  # The real server reads the token before it fetches keys.
        raise ErrorResponse(f"error validating token: error verifying token signature: {fault}") from None
    expected = ExpectedClaims(
        issuer=config.bound_issuer,
        subject=role.bound_subject if isinstance(role, JwtRole) else "",
        audiences=role.bound_audiences or [],
        algorithms=config.jwt_supported_algs,
        not_before_leeway=role.not_before_leeway,
        expiration_leeway=role.expiration_leeway,
        skew=role.clock_skew_leeway,
    )
    with refusing("error validating token: "):
        return validate(jwt, keys, expected, call.now(), remote=not config.jwt_validation_pubkeys)


def _identity(claims: Claims, name: str, role: JwtRole) -> LoginAlias:
    user = claim(claims, role.user_claim) if role.user_claim_json_pointer else claims.get(role.user_claim)
    if user is None:
        raise ErrorResponse(f"claim {quote(role.user_claim)} not found in token")
    if not isinstance(user, str):
        raise ErrorResponse(f"claim {quote(role.user_claim)} could not be converted to string")
    metadata: dict[str, str] = {}
    for source, target in (role.claim_mappings or {}).items():
        value = claim(claims, source)
        if value is None:
            continue
        if not isinstance(value, str):
            raise ErrorResponse(f"error converting claim '{source}' to string")
        metadata[target] = value
    metadata["role"] = name
    return {"name": user, "metadata": metadata}


def _groups(config: JwtConfig, claims: Claims, role: JwtRole, access_token: str | None) -> list[LoginAlias]:
    if not role.groups_claim:
        return []
    with refusing("failed to fetch groups: "):
        custom.set_groups(config, claims, role.groups_claim, access_token)
    value = claim(claims, role.groups_claim)
    if value is None:
        raise ErrorResponse(f"failed to fetch groups: {quote(role.groups_claim)} claim not found in token")
    if isinstance(value, dict):
        raise ErrorResponse(f"{quote(role.groups_claim)} claim could not be converted to string list")
    groups: list[LoginAlias] = []
    for group in value if isinstance(value, list) else [value]:
        if not isinstance(group, str):
            raise ErrorResponse(f"value {shown(group)} in groups claim could not be parsed as string")
        groups += [{"name": group}] if group else []
    return groups


def _check_bound_claims(role: JwtRole, claims: Claims) -> None:
    for name, wanted in (role.bound_claims or {}).items():
        found = claim(claims, name)
        if found is None:
            raise ErrorResponse(f"error validating claims: claim {quote(name)} is missing")
        actual = _listed(found, "received")
        if not _matches(_listed(wanted, "bound"), actual, role.bound_claims_type, single=not isinstance(found, list)):
            raise ErrorResponse(
                f"error validating claims: claim {quote(name)} does not match any associated bound claim values"
            )


def _listed(value: object, whose: str) -> list[object]:
    if value is None or isinstance(value, dict):
        raise ErrorResponse(
            f"error validating claims: {whose} claim is not a string, bool, int or list: {shown(value)}"
        )
    return value if isinstance(value, list) else [value]


def _matches(wanted: list[object], actual: list[object], kind: str, *, single: bool) -> bool:
    for want in wanted:
        for have in actual:
            if kind == "glob":
                if not isinstance(want, str):  # Possible where the type of a role's bound claims was changed alone.
                    raise ErrorResponse(
                        f"error validating claims: received claim is not a glob string: {misprinted('e', want)}xpVal"
                    )
                if isinstance(have, str) and globs.matches(want, have):
                    return True
            elif _same(want, have, single=single):
                return True
    return False


def _same(want: object, have: object, *, single: bool) -> bool:
    if isinstance(want, bool) or isinstance(have, bool) or isinstance(want, str) or isinstance(have, str):
        return type(want) is type(have) and bool(want == have)
    # On the real server a number in a list is never equal: only single numbers are normalized.
    numbers = isinstance(want, (int, Number)) and isinstance(have, (int, Number))
    return single and numbers and str(want) == str(int(float(have)) if isinstance(have, Number) else have)


def _filled(call: Call, policies: list[str], claims: Claims) -> list[str]:
    """Return policy names, which are templates over claims, filled in and without empty ones. Raises BackendError."""
    values = {name: _of_template(value) for name, value in claims.items()}
    filled = set()
    for index, policy in enumerate(policies):
        with refusing(f"failed to parse template policy [{index}]: ", BackendError):
            template = policy_template(call, policy)
        with refusing(f"failed to template policy [{index}]: ", BackendError):
            filled.add(template.generate(values, strict=True))
    return sorted(filled - {""})


def _of_template(value: object) -> object:
    """Return a claim as templates take it: numbers are written as the token has them."""
    if isinstance(value, dict):
        return {name: _of_template(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_of_template(member) for member in value]
    return str(value) if isinstance(value, Number) else value


@engine.renews
def renew(state: JWT, call: Call) -> Response:
    """Renew a login with the role's present lifetimes. Raises BackendError if the role was deleted."""
    auth = call.login
    name = call.kept("role")
    if call.kept("role_type") == "cel":
        if name not in state.cel_roles:
            raise BackendError(f"CEL role {name} does not exist during renewal")
        return Response(auth=auth)
    role = state.roles.get(name)
    if role is None:
        raise BackendError(f"role {name} does not exist during renewal")
    return Response(auth=role.renewed(auth))
