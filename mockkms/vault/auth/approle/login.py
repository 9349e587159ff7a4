"""Logins with a role id and, if the role requires one, a secret id."""

from __future__ import annotations

from mockkms.vault.auth.approle.model import AppRole, AppRoleRole, SecretID, check_subset, engine
from mockkms.vault.auth.approle.secretid import remove_expired
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth, ErrorResponse, InvalidCredentials, Operation, Response
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr

login = engine.path(
    "login",
    {
        "role_id": Field(Kind.STRING, help="The role's id."),
        "secret_id": Field(Kind.STRING, default="", help="A secret id of the role."),
    },
    login=True,
    help="Log in.",
)
_INVALID = "invalid role or secret ID"


@login.on(Operation.UPDATE)
def log_in(state: AppRole, call: Call, *, role_id: str, secret_id: str) -> Response:
    """Return the login of a role id and, if the role binds it, a secret id. Raises ErrorResponse."""
    role_id = role_id.strip()
    if not role_id:
        if call.core.product.has(Feature.LOGIN_NAMES_ALIAS):
            raise InvalidCredentials("invalid credentials")
        raise ErrorResponse("missing role_id")
    role = state.roles.get(state.role_ids.get(role_id, ""))
    if role is None:
        raise ErrorResponse(_INVALID)
    entry = _secret_id(state, call, role, secret_id.strip()) if role.bind_secret_id else None
    kept = call.core.product.has(Feature.TRANSACTIONS)  # A login that is refused is no use of the secret id.
    if entry is not None and not kept:
        _count_use(state, call, role, entry)
    _check_addresses(call, role, entry)
    metadata = {**(entry.metadata if entry is not None else {}), "role_name": role.name}
    auth = Auth(
        internal={"role_name": role.name},
        metadata=metadata,
        alias={"name": role.role_id, "metadata": metadata},
    )
    role.apply(auth, call.request)
    own = entry.token_bound_cidrs if entry is not None else []
    # As on the real server, this undoes what token_strictly_bind_ip has set.
    auth.bound_cidrs = cidr.parse_addresses(own) if own else list(role.token_bound_cidrs or [])
    if entry is not None and kept:
        _count_use(state, call, role, entry)
    return Response(auth=auth)


def _secret_id(state: AppRole, call: Call, role: AppRoleRole, secret_id: str) -> SecretID:
    if not secret_id:
        raise ErrorResponse("missing secret_id")
    remove_expired(state, call)
    entry = role.secret_ids.get(role.digest(secret_id))
    if entry is None:
        raise InvalidCredentials(_INVALID)
    return entry


def _count_use(state: AppRole, call: Call, role: AppRoleRole, entry: SecretID) -> None:
    if entry.num_uses == 1:
        state.drop_secret(role, state.accessors[entry.accessor][1])
    elif entry.num_uses > 1:
        entry.num_uses -= 1
        entry.updated = call.now()


def _check_addresses(call: Call, role: AppRoleRole, entry: SecretID | None) -> None:
    address = call.request.remote_address
    if entry is not None:
        check_subset(entry.cidr_list, role.secret_id_bound_cidrs)
        if entry.cidr_list and not cidr.contains(entry.cidr_list, address):
            how = "by CIDR restrictions on the secret ID: %!w(<nil>)" if entry.num_uses > 0 else (
                "through CIDR restrictions on the secret ID")  # fmt: skip
            raise ErrorResponse(f"source address {quote(address)} unauthorized {how}")
    if role.secret_id_bound_cidrs and not cidr.contains(role.secret_id_bound_cidrs, address):
        raise ErrorResponse(
            f"source address {quote(address)} unauthorized by CIDR restrictions on the role: %!w(<nil>)"
        )
