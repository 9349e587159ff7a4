"""Access control: users other than the owner, policies, and the three admin routes that create them."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import field
from urllib.parse import parse_qsl

from mockkms.json_reading import read_json
from mockkms.lazy_dataclass import dataclass
from mockkms.rustfs.access import policies
from mockkms.rustfs.errors import AdminError, s3_error
from mockkms.rustfs.message import AdminReply, AdminRequest
from mockkms.world.stored import stored


@stored("rustfs.iam.User")
@dataclass
class User:
    """A user other than the owner."""

    secret: str
    enabled: bool = True
    policies: list[str] = field(default_factory=list)


@stored("rustfs.iam.IamState")
@dataclass
class IamState:
    """Users and policies by name."""

    users: dict[str, User] = field(default_factory=dict)
    policies: dict[str, object] = field(default_factory=dict)
    """Policy documents by name, as they were sent."""


def allowed(iam: IamState, user: User, action: str, key_id: str) -> bool:
    """Return whether a user may do ``action`` on a key; ``key_id`` is empty if the action does not concern a key."""
    documents = [known_policy(iam, name) for name in user.policies]
    return policies.allowed([document for document in documents if document is not None], action, key_id)


def known_policy(iam: IamState, name: str) -> Mapping[str, object] | None:
    """Return a policy by name, one of the server's own included; None if there is none."""
    document = iam.policies.get(name, policies.BUILT_IN.get(name))
    return document if isinstance(document, Mapping) else None


def handle(iam: IamState, request: AdminRequest, path: str, owners: Container[str]) -> AdminReply | None:
    """Return the response to a request of the user API, None for other paths. Only the owner may send one."""
    handler = _ROUTES.get((request.method, path))
    if handler is None:
        return None
    query = dict(parse_qsl(request.query_string, keep_blank_values=True))
    try:
        handler(iam, query, request.body, owners)
    except AdminError as error:
        return error.reply
    return AdminReply(200, {"Content-Type": "application/json"})


def _refused(text: str) -> AdminError:
    return s3_error(400, "InvalidArgument", text)


def _spaced(name: str) -> bool:
    return any(letter.isspace() for letter in name)


def _invalid_credentials(name: str, secret: str) -> str:
    """Return what is wrong with the keys of a new user; empty if nothing is."""
    if len(name.encode()) < 3:
        return "invalid access key length"
    if "=" in name or "," in name:
        return "access key contains reserved characters =,"
    return "invalid secret key length" if len(secret.encode()) < 8 else ""


def _object(body: bytes, prefix: str) -> dict[str, object]:
    """Return the object of a body. Raises AdminError."""
    try:
        document = read_json(body)
    except ValueError as error:
        raise s3_error(400, "InvalidRequest", f"{prefix}{error}") from None
    if not isinstance(document, dict):
        raise s3_error(400, "InvalidRequest", f"{prefix}invalid type: expected a map")
    return document


def _add_user(iam: IamState, query: dict[str, str], body: bytes, owners: Container[str]) -> None:
    name = query.get("accessKey", "")
    if not name:
        raise _refused("access key is empty")
    given = _object(body, "invalid JSON: ")
    secret, status = given.get("secretKey"), given.get("status", "enabled")
    if not isinstance(secret, str) or not secret:
        raise _refused("secret key is required")
    if name in owners:
        raise _refused("cannot create a user with the system access key")
    if name not in iam.users and _spaced(name):
        raise _refused("access key contains spaces")
    if fault := _invalid_credentials(name, secret):
        raise s3_error(500, "InternalError", f"failed to create user: {fault}")
    kept = iam.users[name].policies if name in iam.users else []
    iam.users[name] = User(secret, status == "enabled", kept)


def _add_policy(iam: IamState, query: dict[str, str], body: bytes, _owners: Container[str]) -> None:
    name = query.get("name", "")
    if not name:
        raise _refused("policy name is required")
    if _spaced(name):
        raise _refused("policy name contains spaces")
    document = _object(body, "io error: ")
    if fault := policies.invalid(document):
        raise s3_error(400, "InvalidRequest", fault)
    if not document.get("Version"):
        raise _refused("policy version is required")
    iam.policies[name] = document


def _set_policy(iam: IamState, query: dict[str, str], _body: bytes, owners: Container[str]) -> None:
    name = query.get("userOrGroup", "")
    if not name:
        raise _refused("user or group is required")
    if name in owners:
        raise _refused("cannot set a policy for the system user")
    if name not in iam.users:
        raise _refused("user not found")
    names = [policy for policy in query.get("policyName", "").split(",") if policy]
    if any(known_policy(iam, policy) is None for policy in names):
        raise s3_error(500, "InternalError", "policy does not exist")
    iam.users[name].policies = names


_ROUTES = {
    ("PUT", "/add-user"): _add_user,
    ("PUT", "/add-canned-policy"): _add_policy,
    ("PUT", "/set-user-or-group-policy"): _set_policy,
}
