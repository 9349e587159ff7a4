"""Creation of tokens: children, orphans, and tokens with a role."""

from __future__ import annotations

import re

from mockkms.vault.auth.token.lifetimes import lifetimes, settled
from mockkms.vault.auth.token.model import NewToken, TokenRole, TokenRoles, engine, is_sudo, show_policies
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth, BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy import names
from mockkms.vault.products.features import Feature
from mockkms.vault.telemetry.events import count_token
from mockkms.vault.tokens.token import Token

create_orphan = engine.path("create-orphan", NewToken.fields, help="Create a token without a parent.")
create_role = engine.path(
    "create/{role_name}",
    lambda: {"role_name": Field(Kind.STRING, help="The role."), **NewToken.fields()},
    help="Create a token with a role.",
)
create = engine.path("create", NewToken.fields, help="Create a token, a child of the requesting one.")

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9-]")
_CUSTOM_ID = (
    "Supplying a custom ID for the token uses the weaker SHA1 hashing instead of the more secure SHA2-256 HMAC for "
    "token obfuscation. SHA1 hashed tokens on the wire leads to less secure lookups."
)


@create.on(Operation.UPDATE)
def create_child(state: TokenRoles, call: Call) -> Response:
    """Return a new token whose parent is the request's. Raises ErrorResponse."""
    return _create(call, None, orphan=False)


@create_orphan.on(Operation.UPDATE)
def create_without_parent(state: TokenRoles, call: Call) -> Response:
    """Return a new token without a parent. Raises ErrorResponse."""
    return _create(call, None, orphan=True)


@create_role.on(Operation.UPDATE)
def create_against_role(state: TokenRoles, call: Call, *, role_name: str) -> Response:
    """Return a new token as the role allows it. Raises ErrorResponse."""
    role = state.roles.get(role_name)
    if role is None:
        raise ErrorResponse(f"unknown role {role_name}")
    return _create(call, role, orphan=False)


def _create(call: Call, role: TokenRole | None, *, orphan: bool) -> Response:
    requested = NewToken.from_call(call)
    parent = _parent(call)
    sudo = is_sudo(call)
    _check_namespace(call, requested, parent, sudo=sudo)
    kind = _kind(call, requested, role)
    if requested.num_uses < 0:
        raise ErrorResponse("number of uses cannot be negative")
    entity_id = _entity(call, requested, role)
    below = call.request.path.removeprefix("auth/token/")
    token = Token(
        id=requested.id,
        accessor="",
        policies=[],
        path=f"auth/token/{below}" + (f"/{role.path_suffix}" if role and role.path_suffix else ""),
        display_name=_display_name(requested.display_name),
        meta=None if _nothing(call.raw.get("meta")) else dict(requested.meta),
        num_uses=_uses(requested.num_uses, role),
        parent=parent.id,
        type=kind,
        role=role.name if role else "",
        namespace=call.request.namespace,
    )
    renewable = requested.renewable and kind != "batch" and (role is None or role.renewable)
    if token.id and not sudo:
        raise ErrorResponse("root or sudo privileges required to specify token id")
    if token.id and token.namespace:
        raise ErrorResponse("token IDs can only be manually specified in the root namespace")
    token.policies = _policies(call, requested, role, parent, sudo=sudo)
    _check_root(token, parent)
    _orphan(requested, token, role, sudo=sudo, orphan=orphan)
    _inherit(token, parent, role, entity_id)
    response = Response()
    asked, limits = lifetimes(requested, token, role, response.warnings, sudo=sudo)
    lifetime = settled(call, token, asked, limits, response.warnings)
    token.ttl = int(lifetime)
    if lifetime == 0:
        if parent.ttl:
            raise ErrorResponse("expiring root tokens cannot create non-expiring root tokens")
        renewable = False
        token.bound_cidrs = []
    if token.id:
        response.warnings.append(_CUSTOM_ID)
    auth = Auth(
        policies=list(token.policies),
        token_policies=list(token.policies),
        renewable=renewable,
        period=int(limits.period),
        explicit_max_ttl=int(limits.explicit_max_ttl),
        display_name=token.display_name,
    )
    call.core.tokens.create(token, auth, lifetime)
    count_token(call.core.events, token, call.mount, "token")
    for name in token.policies:
        with refusing(of=BackendError, text=f"could not look up policy {name}"):
            known = call.core.policies.get(call.request.namespace, name)
        if known is None:
            response.warnings.append(f"Policy {quote(name)} does not exist")
    response.auth = show_policies(call, auth)
    return response


def _nothing(sent: object) -> bool:
    """Return whether a map was sent as null, or as a list of nothing else, which the real server reads as no map."""
    return sent is None or (isinstance(sent, list) and bool(sent) and all(map(_nothing, sent)))


def _parent(call: Call) -> Token:
    parent = call.core.tokens.lookup(call.request.token)
    if parent is None:
        raise ErrorResponse("parent token lookup failed: no parent found")
    if parent.type == "batch":
        raise ErrorResponse("batch tokens cannot create more tokens")
    if parent.num_uses > 0:
        raise ErrorResponse("restricted use token cannot generate child tokens")
    return parent


def _check_namespace(call: Call, requested: NewToken, parent: Token, *, sudo: bool) -> None:
    if call.request.namespace == parent.namespace:
        return
    if not sudo:
        raise ErrorResponse("root or sudo privileges required to directly generate a token in a child namespace")
    if "root" in requested.policies:
        raise ErrorResponse("root tokens may not be created from a parent namespace")


def _kind(call: Call, requested: NewToken, role: TokenRole | None) -> str:
    kind = requested.type
    if role is not None:
        if role.token_type in ("service", "batch"):
            kind = role.token_type
        elif role.token_type == "default-batch":
            kind = kind or "batch"
    if kind in ("", "service"):
        return "service"
    if kind != "batch":
        raise ErrorResponse("invalid 'token_type' value")
    for name, value in (("explicit_max_ttl", requested.explicit_max_ttl), ("period", requested.period)):
        if name == "period" and requested.num_uses:
            raise ErrorResponse('batch tokens cannot have "num_uses" set')
        if value:
            # Vault quotes the name as Go does: handleCreateCommon in vault/token_store.go.
            quoted = quote(name) if call.core.product.has(Feature.DOUBLE_QUOTES) else f"'{name}'"
            if _seconds_or(value, f"{quoted} value could not be parsed"):
                raise ErrorResponse(f"batch tokens cannot have {quote(name)} set")
            break
    return "batch"


def _seconds_or(text: str, refusal: str) -> float:
    with refusing(text=refusal):
        return parse_seconds(text)


def _entity(call: Call, requested: NewToken, role: TokenRole | None) -> str:
    name = requested.entity_alias
    if not name:
        return ""
    if role is None:
        raise ErrorResponse("'entity_alias' is only allowed in combination with token role")
    allowed = role.allowed_entity_aliases or []
    if name.lower() not in allowed and not names.matches_glob(allowed, name.lower()):
        raise ErrorResponse("invalid 'entity_alias' value")
    identity = call.core.identity
    try:
        entity_id: str = identity.login(call.mount, {"name": name}, [])
    except ErrorResponse as error:
        raise ErrorResponse("entity from given entity alias is disabled", status=error.status) from None
    return entity_id


def _display_name(given: str) -> str:
    return _NOT_IN_NAMES.sub("-", f"token-{given}").removesuffix("-") if given else "token"


def _uses(requested: int, role: TokenRole | None) -> int:
    limit = role.token_num_uses if role else 0
    return requested if limit == 0 else limit if requested == 0 else min(limit, requested)


def _policies(call: Call, requested: NewToken, role: TokenRole | None, parent: Token, *, sudo: bool) -> list[str]:
    wanted = list(requested.policies)
    no_default = requested.no_default_policy
    add_default = False
    if role is not None and role.restricts_policies:
        wanted = _policies_against_role(role, parent.policies, wanted, no_default=no_default)
    elif call.request.namespace != parent.namespace:
        add_default = not no_default
    elif not wanted:
        wanted = names.sanitize(parent.policies)
    elif not sudo:
        if not set(names.sanitize(wanted)) <= set(names.sanitize(parent.policies)):
            raise ErrorResponse("child policies must be subset of parent")
        add_default = not no_default and "default" in parent.policies
    else:
        add_default = not no_default
    final = names.sanitize(wanted, add_default=add_default)
    if no_default:
        final = [name for name in final if name != "default"]
    for name in final:
        if name in call.core.policies.dialect.internal:
            raise ErrorResponse(f"cannot assign policy {quote(name)}")
    return final


def _check_root(token: Token, parent: Token) -> None:
    if "root" not in token.policies:
        return
    if "root" not in parent.policies:
        raise ErrorResponse("root tokens may not be created without parent token being root")
    if token.type == "batch":
        raise ErrorResponse("batch tokens cannot be root tokens")


def _orphan(requested: NewToken, token: Token, role: TokenRole | None, *, sudo: bool, orphan: bool) -> None:
    if role is not None:
        if role.orphan:
            token.parent = ""
        token.bound_cidrs = list(role.token_bound_cidrs)
    elif requested.no_parent:
        if not sudo:
            raise ErrorResponse("root or sudo privileges required to create orphan token")
        token.parent = ""
    elif orphan:
        token.parent = ""


def _inherit(token: Token, parent: Token, role: TokenRole | None, entity_id: str) -> None:
    if entity_id:
        token.entity_id = entity_id
    elif token.parent:
        token.entity_id = parent.entity_id
        if role is None:
            token.bound_cidrs = list(parent.bound_cidrs)


def _policies_against_role(role: TokenRole, parents: list[str], requested: list[str], *, no_default: bool) -> list[str]:
    """Return the requested policies, checked against the role's. Raises ErrorResponse with the server's text."""
    add_default = not (
        no_default
        or role.token_no_default_policy
        or "default" in role.disallowed_policies
        or names.matches_glob(role.disallowed_policies_glob, "default")
    )
    final = names.sanitize(requested, add_default=add_default) if requested else []
    if role.allowed_policies or role.allowed_policies_glob:
        allowed = names.sanitize(role.allowed_policies, add_default=add_default)
        if not final:
            final = allowed
        else:
            _check_allowed(final, allowed, names.sanitize(role.allowed_policies_glob))
    elif not final:
        final = names.sanitize(parents, add_default=add_default)
    forbidden = names.distinct(role.disallowed_policies)
    globs = names.distinct(role.disallowed_policies_glob)
    for name in final:
        if name in forbidden or names.matches_glob(globs, name):
            raise ErrorResponse(f"token policy {quote(name)} is disallowed by this role")
    return final


def _check_allowed(final: list[str], allowed: list[str], globs: list[str]) -> None:
    if all(name in allowed or names.matches_glob(globs, name) for name in final):
        return
    quoted = names.quoted
    raise ErrorResponse(
        f"token policies ({quoted(final)}) must be subset of the role's allowed policies ({quoted(allowed)}) or glob "
        f"policies ({quoted(globs)})"
    )
