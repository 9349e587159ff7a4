"""Userpass: logins with a user name and a password. User names are lower case throughout."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mockkms.crypto import passwords
from mockkms.outside.turn import waiting
from mockkms.vault.auth import dead_ends
from mockkms.vault.auth.token_params import FIELDS, TokenParams
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import (
    Auth,
    BackendError,
    ErrorResponse,
    InvalidCredentials,
    Operation,
    Request,
    Response,
)
from mockkms.vault.policy import names
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.tree import PAGE, page
from mockkms.vault.tokens import cidr

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context


@dataclass
class User(TokenParams):
    """One user. ``password`` is what ``crypto.passwords`` made of it, or a bcrypt hash that was given."""

    password: str = ""


@dataclass
class Userpass:
    """State of a userpass mount: users by name."""

    users: dict[str, User] = field(default_factory=dict)


_HASH_LENGTH = 60
_NAME = re.compile(r"\w(?:[\w\-.]*\w)?", re.ASCII)


def user_of(core: Context, request: Request, below: str) -> str:
    """Whose failed logins the lockout counts."""
    name = below.removeprefix("login/").lower()
    return name if _NAME.fullmatch(name) else ""


def renew(state: Userpass, call: Call) -> Response | None:
    """Renew a login; refuses where the user's policies have changed since, gives up where the user is gone."""
    auth: Auth = call.raw["auth"]
    user = state.users.get((auth.metadata or {}).get("username", ""))
    if user is None:
        return None
    if not names.equivalent(user.token_policies or [], auth.token_policies):
        raise BackendError("policies have changed, not renewing")
    return Response(auth=user.renewed(auth))


engine = Engine(
    "userpass",
    kind="auth",
    new_state=Userpass,
    renew=renew,
    user=user_of,
    help="Logins with user name and password; users are written under users/.",
    waits=True,
)

_USERNAME = {"username": Field(Kind.STRING, help="Name of the user, in any case.")}
_PASSWORD = {
    "password": Field(Kind.STRING, help="The password, at most 72 bytes."),
    "password_hash": Field(Kind.STRING, help="A bcrypt hash in place of the password."),
}
_OLD = {
    "policies": Field(Kind.COMMA_STRINGS, help="The former name of token_policies.", deprecated=True),
    "ttl": Field(Kind.SECONDS, help="The former name of token_ttl.", deprecated=True),
    "max_ttl": Field(Kind.SECONDS, help="The former name of token_max_ttl.", deprecated=True),
    "bound_cidrs": Field(Kind.COMMA_STRINGS, help="The former name of token_bound_cidrs.", deprecated=True),
}
user_path = engine.path("users/{username}", {**_USERNAME, **_PASSWORD, **_OLD, **FIELDS}, help="A user.")
listing = engine.path("users[/]", PAGE, help="The names of all users.")
policies_path = engine.path(
    "users/{username}/policies",
    {**_USERNAME, "policies": _OLD["policies"], "token_policies": FIELDS["token_policies"]},
    help="The policies of a user.",
)
password_path = engine.path("users/{username}/password", {**_USERNAME, **_PASSWORD}, help="A new password for a user.")
login = engine.path(
    "login/{username}", {**_USERNAME, "password": Field(Kind.STRING, help="The password.")}, login=True, help="Log in."
)
dead_ends.declare(engine, "login")


@listing.on(Operation.LIST)
def list_users(state: Userpass, call: Call) -> dict[str, Any]:
    return {"keys": page(sorted(state.users), call["after"], call["limit"])}


@user_path.existence
def exists(state: Userpass, call: Call) -> bool:
    return call["username"].lower() in state.users


@user_path.on(Operation.READ)
def read_user(state: Userpass, call: Call) -> dict[str, Any] | None:
    user = state.users.get(call["username"].lower())
    if user is None:
        return None
    data = user.shown(call.core.product)
    for name in ("ttl", "max_ttl", "bound_cidrs"):
        if user.old.get(name):
            data[name] = user.old[name]
    if user.old.get("policies"):
        data["policies"] = data["token_policies"]
    return data


@user_path.on(Operation.DELETE)
def delete_user(state: Userpass, call: Call) -> None:
    state.users.pop(call["username"].lower(), None)


@user_path.on(Operation.CREATE, Operation.UPDATE)
def write_user(state: Userpass, call: Call) -> None:
    name = call["username"].lower()
    given_twice = bool(call["password"] and call["password_hash"])
    if call.request.operation is Operation.CREATE or (given_twice and call.core.product.has(Feature.LOGIN_NAMES_ALIAS)):
        _check_password(call)
    found = state.users.get(name)
    user = User(**{**vars(found), "old": dict(found.old)}) if found is not None else User()
    try:
        user.parse(call)
        if call["password"] or call["password_hash"]:
            _set_password(call, user)
        for old, new in (("policies", "token_policies"), ("ttl", "token_ttl"), ("max_ttl", "token_max_ttl"),
                         ("bound_cidrs", "token_bound_cidrs")):  # fmt: skip
            user.upgrade(call, old, new)
    except ValueError as error:
        raise ErrorResponse(str(error)) from None
    state.users[name] = user


def _check_password(call: Call) -> None:
    password, hashed = call["password"], call["password_hash"]
    reworded = call.core.product.has(Feature.LOGIN_NAMES_ALIAS)
    if password and hashed:
        both = '"password" and "password_hash" cannot be supplied together'
        raise ErrorResponse(both if reworded else "only one of password or password_hash may be provided")
    if not password and not hashed:
        none = '"password" or "password_hash" must be supplied'
        raise ErrorResponse(none if reworded else "must provide either password or password_hash")


def _set_password(call: Call, user: User) -> None:
    _check_password(call)
    hashed: str = call["password_hash"]
    if not hashed:
        user.password = new_password(call.core, call["password"])
        return
    if call.core.product.has(Feature.LOGIN_NAMES_ALIAS):
        _check_form(hashed)
    else:
        _check_cost(hashed)
    user.password = hashed


def _check_form(hashed: str) -> None:
    """Check what Vault looks at in a hash that is given. Raises BackendError."""
    if len(hashed.encode("utf-8", "replace")) != _HASH_LENGTH:
        raise BackendError("password hash has incorrect length")
    if not hashed.startswith(("$2a$", "$2y$", "$2b$")):
        raise BackendError("password hash has incorrect prefix")


def _check_cost(hashed: str) -> None:
    """Check what OpenBao looks at in a hash that is given. Raises ErrorResponse."""
    cost = passwords.bcrypt_cost(hashed)
    if cost is None:
        raise ErrorResponse("password_hash is not a valid bcrypt hash")
    if cost < 5:
        raise ErrorResponse(f"bcrypt cost of {cost} is too low, want 5 at minimum")
    if cost > 12:
        raise ErrorResponse(f"bcrypt cost of {cost} exceeds maximum cost of 12")


def new_password(core: Context, password: str) -> str:
    """What is kept of a password. Raises BackendError for one that bcrypt, which the real server uses, refuses."""
    if len(password.encode("utf-8", "replace")) > 72:
        raise BackendError("bcrypt: password length exceeds 72 bytes")
    return passwords.protect(password, core.entropy.bytes(16))


def _existing(state: Userpass, call: Call) -> User:
    """Return the user to change, as a copy. Raises BackendError."""
    user = state.users.get(call["username"].lower())
    if user is None:
        raise BackendError("username does not exist")
    return User(**{**vars(user), "old": dict(user.old)})


@password_path.on(Operation.UPDATE)
def set_password(state: Userpass, call: Call) -> None:
    user = _existing(state, call)
    _set_password(call, user)
    _keep(state, call, user)


def _keep(state: Userpass, call: Call, user: User) -> None:
    """Keep a changed user. Both products do so under the name as it was written, where no login finds capitals."""
    state.users[call["username"]] = user


@policies_path.on(Operation.UPDATE)
def set_policies(state: Userpass, call: Call) -> None:
    user = _existing(state, call)
    if "token_policies" in call:
        user.token_policies = names.sanitize(call["token_policies"])
        if "policies" in call:
            user.old["policies"] = user.token_policies
        else:
            user.old.pop("policies", None)
    elif "policies" in call:
        user.old["policies"] = user.token_policies = names.sanitize(call["policies"])
    _keep(state, call, user)


@login.on(Operation.UPDATE)
def log_in(state: Userpass, call: Call) -> Response:
    name = call["username"].lower()
    password: str = call["password"]
    if not password:
        if call.core.product.has(Feature.LOGIN_NAMES_ALIAS):
            raise InvalidCredentials("invalid credentials")
        raise BackendError("missing password", status=call.core.product.missing_credentials)
    user = state.users.get(name)
    if user is None or not user.password:
        raise ErrorResponse("invalid username or password")
    with waiting():  # A hash by bcrypt takes its time.
        matches = passwords.matches(password, user.password)
    if not matches:
        raise InvalidCredentials("invalid username or password")
    request = call.request
    if user.token_bound_cidrs and not cidr.contains(user.token_bound_cidrs, request.remote_address):
        raise ErrorResponse("permission denied", status=403)
    auth = Auth(metadata={"username": name}, display_name=name, alias={"name": name})
    return Response(auth=user.apply(auth, request))
