"""``cel/login``: a token for a JWT of the configured issuer, as a program decides."""

from __future__ import annotations

from collections.abc import Mapping

from mockkms.vault.auth.claims import Claims
from mockkms.vault.auth.jwt.login import claims_of, role_of
from mockkms.vault.auth.jwt.model import JWT, CelRole, engine
from mockkms.vault.cel.program import CelError, timestamp
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth, ErrorResponse, LoginAlias, Operation, Response, refusing
from mockkms.vault.golang import json as go_json
from mockkms.vault.golang.duration import SECOND
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr

_TOKEN_TYPES = ("default", "service", "batch", "default-service", "default-batch")
_GO_TYPES = {
    "BoolType": "types.Bool", "IntType": "types.Int", "UintType": "types.Uint", "DoubleType": "types.Double",
    "NoneType": "types.Null", "BytesType": "types.Bytes", "ListType": "*types.baseList", "MapType": "*types.baseMap",
    "NativeMap": "*types.baseMap", "OptionalValue": "*types.Optional",
    "DurationType": "types.Duration", "TimestampType": "types.Timestamp",
}  # fmt: skip

login = engine.path(
    "cel/login",
    fields={
        "role": Field(Kind.LOWER_STRING, help="CEL role to log in with; default: the configured one."),
        "jwt": Field(Kind.STRING, help="The signed token."),
    },
    login=True,
    help="Log in with a JSON Web Token and a CEL role.",
    needs=Feature.CEL_ROLES,
)


@login.on(Operation.UPDATE)
def log_in(state: JWT, call: Call, *, role: str, jwt: str) -> Response:
    """Log in. Raises ErrorResponse."""
    config, name, found = role_of(state, role, state.cel_roles)
    if not jwt:
        raise ErrorResponse("missing token")
    claims = claims_of(state, config, found, call, jwt)
    with refusing("error executing cel program: ", of=CelError):
        made = _answer(found, name, claims, call.now())
    with refusing("error converting proto auth: "):
        auth = _auth(made)
    auth.internal.update(role=name, role_type="cel")
    return Response(auth=auth)


def _answer(role: CelRole, name: str, claims: Claims, now: float) -> dict[str, object]:
    """Return the ``pb.Auth`` that the program returns. Raises CelError for another result."""
    moment = timestamp(now)
    try:
        answer = role.program.evaluate({"claims": claims, "now": moment, "operation": "update"})
    except CelError as fault:
        raise CelError(f"CEL auth program failed: {fault}") from None
    kind = type(answer).__name__
    if kind == "pb.Auth":
        return _mapping(answer)
    if kind == "BoolType" and not answer:
        raise CelError(f"CEL role '{name}' blocked authorization with boolean false return")
    if isinstance(answer, str):
        raise CelError(f"CEL role '{name}' blocked authorization with message: {answer}")
    shown = "*types.protoObj" if kind.startswith(("pb.", "logical.")) else _GO_TYPES.get(kind, kind)
    raise CelError(f"CEL program '{name}' returned unexpected type: {shown}")


def _auth(made: Mapping[str, object]) -> Auth:
    """Return the login that a ``pb.Auth`` describes; its durations are nanoseconds. Raises ValueError."""
    data = made.get("internal_data")
    lease = _mapping(made.get("lease_options"))
    if "lease_options" in made and "issue_time" not in lease:
        raise ValueError("proto: invalid nil Timestamp")
    kind = _number(made.get("token_type"))
    alias, groups, metadata = made.get("alias"), made.get("group_aliases"), made.get("metadata")
    return Auth(
        display_name=str(made.get("display_name", "")),
        policies=_texts(made.get("policies")),
        metadata=_text_by_name(metadata) if metadata else None,
        num_uses=_number(made.get("num_uses")),
        ttl=_number(lease.get("TTL")) // SECOND,
        max_ttl=_number(lease.get("MaxTTL")) // SECOND,
        renewable=bool(lease.get("renewable", False)),
        period=_number(made.get("period")) // SECOND,
        explicit_max_ttl=_number(made.get("explicit_max_ttl")) // SECOND,
        bound_cidrs=cidr.parse_addresses(_texts(made.get("bound_cidrs"))),
        no_default_policy=bool(made.get("no_default_policy", False)),
        token_type=_TOKEN_TYPES[kind] if kind < len(_TOKEN_TYPES) else "default",
        alias=None if alias is None else _alias(_mapping(alias)),
        group_aliases=[_alias(_mapping(one)) for one in groups] if isinstance(groups, list) else [],
        internal=go_json.decode_object(str(data).encode()) or {} if data else {},
    )


def _alias(given: Mapping[str, object]) -> LoginAlias:
    return {"name": str(given.get("name", "")), "metadata": _text_by_name(given.get("metadata"))}


def _mapping(value: object) -> dict[str, object]:
    # A copy, because the library's own mapping raises KeyError where a dict has None.
    return {str(name): item for name, item in value.items()} if isinstance(value, dict) else {}


def _text_by_name(value: object) -> dict[str, str]:
    return {name: str(item) for name, item in _mapping(value).items()}


def _texts(value: object) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _number(value: object) -> int:
    return int(value) if isinstance(value, int) else 0
