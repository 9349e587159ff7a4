"""Access control: users other than the owner, policies, and the three admin routes that create them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from urllib.parse import parse_qsl

from mockkms.lazy_dataclass import dataclass
from mockkms.rustfs.message import AdminReply, AdminRequest, xml_error
from mockkms.vault.policy.globs import matches_wildcards
from mockkms.world.stored import stored

KEY_RESOURCE = "arn:aws:kms:::key/"


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
    granted = False
    for name in user.policies:
        document = iam.policies.get(name)
        statements = document.get("Statement", []) if isinstance(document, Mapping) else []
        for statement in statements if isinstance(statements, list) else [statements]:
            if isinstance(statement, Mapping) and _covers(statement, action, key_id):
                if statement.get("Effect") == "Deny":
                    return False
                granted = granted or statement.get("Effect") == "Allow"
    return granted


def _covers(statement: Mapping[str, object], action: str, key_id: str) -> bool:
    if not any(matches_wildcards(pattern, action) for pattern in _texts(statement.get("Action"))):
        return False
    resources = _texts(statement.get("Resource"))
    if not resources or not key_id:
        return True
    return any(pattern == "*" or matches_wildcards(pattern, KEY_RESOURCE + key_id) for pattern in resources)


def _texts(value: object) -> list[str]:
    """Return the strings of a string or a list."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def handle(iam: IamState, request: AdminRequest, path: str) -> AdminReply | None:
    """Return the response to a request of the user API, None for other paths. Only the owner may send one."""
    handler = _ROUTES.get((request.method, path))
    if handler is None:
        return None
    query = dict(parse_qsl(request.query_string, keep_blank_values=True))
    try:
        document = json.loads(request.body) if request.body else {}
    except ValueError as error:
        return xml_error(400, "InvalidRequest", f"invalid JSON: {error}")
    fault = handler(iam, query, document if isinstance(document, dict) else {})
    if fault:
        return xml_error(400, "InvalidArgument", fault)
    return AdminReply(200, {"Content-Type": "application/json"})


def _add_user(iam: IamState, query: dict[str, str], body: dict[str, object]) -> str:
    name, secret = query.get("accessKey", ""), body.get("secretKey")
    if not name or not isinstance(secret, str) or not secret:
        return "accessKey and secretKey are required"
    kept = iam.users[name].policies if name in iam.users else []
    iam.users[name] = User(secret, body.get("status", "enabled") == "enabled", kept)
    return ""


def _add_policy(iam: IamState, query: dict[str, str], body: dict[str, object]) -> str:
    name = query.get("name", "")
    if not name or "Statement" not in body:
        return "a policy needs a name and statements"
    iam.policies[name] = body
    return ""


def _set_policy(iam: IamState, query: dict[str, str], body: dict[str, object]) -> str:
    user = iam.users.get(query.get("userOrGroup", ""))
    if user is None:
        return "no such user"
    names = [name for name in query.get("policyName", "").split(",") if name]
    unknown = [name for name in names if name not in iam.policies]
    if unknown:
        return f"no such policy: {unknown[0]}"
    user.policies = names
    return ""


_ROUTES = {
    ("PUT", "/add-user"): _add_user,
    ("PUT", "/add-canned-policy"): _add_policy,
    ("PUT", "/set-user-or-group-policy"): _set_policy,
}
