"""Userpass: logins with a user name and a password. User names are in lower case."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, ClassVar

from mockkms.crypto import passwords
from mockkms.outside.turn import waiting
from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import (
    Auth,
    BackendError,
    ErrorResponse,
    InvalidCredentials,
    Operation,
    PermissionDenied,
    Request,
    Response,
    refusing,
)
from mockkms.vault.framework.records import Show, param
from mockkms.vault.policy import names
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment


@stored("auth.userpass.UserpassUser")
@dataclass
class UserpassUser(TokenParams):
    """One user. ``password`` is a hash: that of ``crypto.passwords``, or a bcrypt hash that was sent."""

    old_names: ClassVar = ("policies", "ttl", "max_ttl", "bound_cidrs")

    password: Annotated[str, param(Kind.STRING, help="The password, at most 72 bytes.", show=Show.NEVER)] = ""


@stored("auth.userpass.Userpass")
@dataclass
class Userpass:
    """State of a userpass mount: users by name."""

    users: dict[str, UserpassUser] = field(default_factory=dict)


_HASH_LENGTH = 60
_NAME = re.compile(r"\w(?:[\w\-.]*\w)?", re.ASCII)


def user_of(core: Environment, request: Request, below: str) -> str:
    """Return the user name for the user lockout."""
    name = below.removeprefix("login/").lower()
    return name if _NAME.fullmatch(name) else ""


def renew(state: Userpass, call: Call) -> Response | None:
    """Renew a login. Return None if the user was deleted. Raises BackendError if the user's policies have changed."""
    auth = call.login
    user = state.users.get((auth.metadata or {}).get("username", ""))
    if user is None:
        return None
    names.check_unchanged(call.core.product, user.token_policies, auth.token_policies)
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
_HASH = {"password_hash": Field(Kind.STRING, help="A bcrypt hash in place of the password.")}
users = Collection[Userpass, UserpassUser](
    engine,
    "users/{username}",
    UserpassUser,
    lambda state: state.users,
    name=_USERNAME["username"],
    lower=True,
    extra=_HASH,
    empty_list=True,
    help="A user.",
    list_help="The names of all users.",
    go_errors=True,
)
policies_path = engine.path(
    "users/{username}/policies",
    {**_USERNAME, **UserpassUser.fields("policies", "token_policies")},
    help="The policies of a user.",
    go_errors=True,
)
password_path = engine.path(
    "users/{username}/password",
    {**_USERNAME, **UserpassUser.fields("password"), **_HASH},
    help="A new password for a user.",
    go_errors=True,
)
login = engine.path(
    "login/{username}",
    {**_USERNAME, "password": Field(Kind.STRING, help="The password.")},
    login=True,
    help="Log in.",
    go_errors=True,
)
engine.open_folders("login")


@users.write
def write_user(
    state: Userpass, call: Call, name: str, user: UserpassUser, *, password: str, password_hash: str
) -> None:
    """Create or change a user. Raises ErrorResponse and BackendError."""
    given_twice = bool(password and password_hash)
    if call.request.operation is Operation.CREATE or (given_twice and call.core.product.has(Feature.LOGIN_NAMES_ALIAS)):
        _check_password(call, password, password_hash)
    with refusing():
        user.parse(call)
        if password or password_hash:
            _set_password(call, user, password, password_hash)
        user.upgrade(call)


def _check_password(call: Call, password: str, hashed: str) -> None:
    reworded = call.core.product.has(Feature.LOGIN_NAMES_ALIAS)
    if password and hashed:
        both = '"password" and "password_hash" cannot be supplied together'
        raise ErrorResponse(both if reworded else "only one of password or password_hash may be provided")
    if not password and not hashed:
        none = '"password" or "password_hash" must be supplied'
        raise ErrorResponse(none if reworded else "must provide either password or password_hash")


def _set_password(call: Call, user: UserpassUser, password: str, hashed: str) -> None:
    _check_password(call, password, hashed)
    if not hashed:
        user.password = new_password(call.core, password)
        return
    if call.core.product.has(Feature.LOGIN_NAMES_ALIAS):
        _check_form(hashed)
    else:
        _check_cost(hashed)
    user.password = hashed


def _check_form(hashed: str) -> None:
    """Check the form of a hash as Vault does. Raises BackendError."""
    if len(hashed.encode("utf-8", "replace")) != _HASH_LENGTH:
        raise BackendError("password hash has incorrect length")
    if not hashed.startswith(("$2a$", "$2y$", "$2b$")):
        raise BackendError("password hash has incorrect prefix")


def _check_cost(hashed: str) -> None:
    """Check the cost of a hash as OpenBao does. Raises ErrorResponse."""
    cost = passwords.bcrypt_cost(hashed)
    if cost is None:
        raise ErrorResponse("password_hash is not a valid bcrypt hash")
    if cost < 5:
        raise ErrorResponse(f"bcrypt cost of {cost} is too low, want 5 at minimum")
    if cost > 12:
        raise ErrorResponse(f"bcrypt cost of {cost} exceeds maximum cost of 12")


def new_password(core: Environment, password: str) -> str:
    """Return a password's hash. Raises BackendError for passwords that bcrypt, the real server's algorithm, refuses."""
    if len(password.encode("utf-8", "replace")) > 72:
        raise BackendError("bcrypt: password length exceeds 72 bytes")
    return passwords.protect(password, core.entropy.bytes(16))


def _existing(state: Userpass, call: Call) -> UserpassUser:
    """Return the user to change, as a copy. Raises BackendError."""
    user = users.find(state, call)
    if user is None:
        raise BackendError("username does not exist")
    return user.copy()


@password_path.on(Operation.UPDATE)
def set_password(state: Userpass, call: Call, *, username: str, password: str, password_hash: str) -> None:
    """Set the password of a user, or its hash. Raises ErrorResponse and BackendError."""
    user = _existing(state, call)
    _set_password(call, user, password, password_hash)
    _keep(state, username, user)


def _keep(state: Userpass, username: str, user: UserpassUser) -> None:
    """Store a changed user. Both products use the name as written, so that logins do not find one with capitals."""
    state.users[username] = user


@policies_path.on(Operation.UPDATE)
def set_policies(state: Userpass, call: Call, *, username: str, token_policies: list[str], policies: list[str]) -> None:
    """Set the policies of a user. Raises BackendError for an unknown user."""
    user = _existing(state, call)
    if "token_policies" in call:
        user.token_policies = names.sanitize(token_policies)
        if "policies" in call:
            user.old["policies"] = user.token_policies
        else:
            user.old.pop("policies", None)
    elif "policies" in call:
        user.old["policies"] = user.token_policies = names.sanitize(policies)
    _keep(state, username, user)


@login.on(Operation.UPDATE)
def log_in(state: Userpass, call: Call, *, username: str, password: str) -> Response:
    """Return the login of a user. Raises ErrorResponse and BackendError."""
    name = username.lower()
    if not password:
        if call.core.product.has(Feature.LOGIN_NAMES_ALIAS):
            raise InvalidCredentials("invalid credentials")
        raise BackendError("missing password", status=call.core.product.missing_credentials)
    user = state.users.get(name)
    if user is None or not user.password:
        raise ErrorResponse("invalid username or password")
    with waiting():  # Bcrypt is slow.
        matches = passwords.matches(password, user.password)
    if not matches:
        raise InvalidCredentials("invalid username or password")
    request = call.request
    if user.token_bound_cidrs and not cidr.contains(user.token_bound_cidrs, request.remote_address):
        raise PermissionDenied
    auth = Auth(metadata={"username": name}, display_name=name, alias={"name": name})
    return Response(auth=user.apply(auth, request))
