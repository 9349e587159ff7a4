"""Policies of users: whether a document is valid, and what its statements allow.

A statement allows what its actions and keys cover, unless a statement denies it. Resources other than keys do not
restrict a statement, and conditions are not emulated: a document with one is refused.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from mockkms.vault.policy.globs import matches_wildcards

VERSION = "2012-10-17"
"""The only version of a policy document."""
KEY_ACTIONS = frozenset({
    "Configure", "ServiceControl", "ClearCache", "GenerateDataKey", "DeleteKey", "EnableKey", "DisableKey", "RotateKey",
    "UpdateKeyDescription", "TagResource", "UntagResource", "ListKeys", "DescribeKey", "Decrypt", "Backup", "Restore",
    "Rekey",
})  # fmt: skip
"""The actions of the KMS; besides them there is ``kms:*``."""
_WHOLE_SERVICE = ("kms:Backup", "kms:Restore")
"""Actions on all keys at once, which a statement about single keys cannot allow."""
_KEY = "arn:aws:kms:::"
_BUCKET = "arn:aws:s3:::"
_FAMILIES = ("s3:", "admin:", "sts:", "kms:")
_MEMBERS = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")


def _statement(*actions: str) -> dict[str, object]:
    return {"Effect": "Allow", "Action": [f"kms:{action}" for action in actions]}


BUILT_IN: Mapping[str, Mapping[str, object]] = {
    **{name: {"Version": VERSION, "Statement": []} for name in ("readwrite", "readonly", "writeonly", "diagnostics")},
    "consoleAdmin": {"Version": VERSION, "Statement": [_statement("*")]},
    "KMSKeyAdministrator": {
        "Version": VERSION,
        "Statement": [
            _statement("DescribeKey", "ListKeys", "EnableKey", "DisableKey", "RotateKey", "DeleteKey"),
        ],
    },
    "KMSKeyUser": {"Version": VERSION, "Statement": [_statement("GenerateDataKey", "Decrypt", "DescribeKey")]},
    "KMSAuditor": {"Version": VERSION, "Statement": [_statement("DescribeKey", "ListKeys")]},
}
"""The policies that every server has: their statements about the KMS."""


# -- evaluation ------------------------------------------------------------------------------------------------------


def allowed(documents: list[Mapping[str, object]], action: str, key_id: str) -> bool:
    """Return whether documents together allow an action on a key; ``key_id`` is empty if it does not concern one."""
    effects = {
        statement.get("Effect")
        for document in documents
        for statement in statements(document)
        if _covers(statement, action, key_id)
    }
    return "Allow" in effects and "Deny" not in effects


def statements(document: Mapping[str, object]) -> list[Mapping[str, object]]:
    """Return the statements of a document."""
    found = document.get("Statement")
    return [statement for statement in found if isinstance(statement, Mapping)] if isinstance(found, list) else []


def _covers(statement: Mapping[str, object], action: str, key_id: str) -> bool:
    wanted, unwanted = texts(statement.get("Action")), texts(statement.get("NotAction"))
    if (wanted and not _named(wanted, action)) or _named(unwanted, action):
        return False
    resources, others = texts(statement.get("Resource")), texts(statement.get("NotResource"))
    if not wanted:
        # Such a statement concerns buckets; requests to the KMS have an empty bucket name, and the key as the object.
        return bool(resources or others) and _within(f"/{key_id}", _BUCKET, resources, others)
    if action in _WHOLE_SERVICE and (resources or others):
        return statement.get("Effect") == "Deny"
    return not key_id or _within(f"key/{key_id}", _KEY, resources, others)


def _within(asked: str, prefix: str, resources: list[str], others: list[str]) -> bool:
    """Return whether a name is one of the resources with this prefix, if any, and not one of the others."""
    asked = posixpath.normpath(asked)
    wanted, unwanted = _below(prefix, resources), _below(prefix, others)
    if wanted and not any(matches_wildcards(pattern, asked) for pattern in wanted):
        return False
    return not any(matches_wildcards(pattern, asked) for pattern in unwanted)


def _named(actions: list[str], action: str) -> bool:
    return any(matches_wildcards(pattern, action) for pattern in actions if pattern != "*")


def _below(prefix: str, resources: list[str]) -> list[str]:
    """Return the patterns of the resources with a prefix, such as ``key/app-*``; other resources are ignored."""
    return [resource.removeprefix(prefix) for resource in resources if resource.startswith(prefix)]


def texts(value: object) -> list[str]:
    """Return the strings of a string or a list."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


# -- validation ------------------------------------------------------------------------------------------------------


def invalid(document: Mapping[str, object]) -> str:
    """Return the server's message for an invalid document; empty for a valid one."""
    version = document.get("Version", "")
    if version not in ("", VERSION):
        return f"invalid Version '{version}'"
    return next((fault for statement in statements(document) if (fault := _invalid_statement(statement))), "")


def _invalid_statement(statement: Mapping[str, object]) -> str:
    unknown = [name for name in statement if name not in _MEMBERS]
    if unknown:
        expected = ", ".join(f"`{name}`" for name in _MEMBERS)
        return f"io error: unknown field `{unknown[0]}`, expected one of {expected}"
    if statement.get("Effect") not in ("Allow", "Deny"):
        return "io error: Matching variant not found" if "Effect" in statement else "io error: missing field `Effect`"
    if statement.get("Condition"):
        return "conditions of policies are not emulated"
    wanted, unwanted = texts(statement.get("Action")), texts(statement.get("NotAction"))
    resources, others = texts(statement.get("Resource")), texts(statement.get("NotResource"))
    for name in (*wanted, *unwanted):
        if not _known_action(name):
            return f"io error: invalid action: invalid action: '{name}'"
    for name in (*resources, *others):
        if fault := _invalid_resource(name):
            return f"io error: invalid resource: {fault}"
    return _contradiction(wanted, unwanted, resources, others)


def _contradiction(wanted: list[str], unwanted: list[str], resources: list[str], others: list[str]) -> str:
    if not wanted and not unwanted:
        return "both 'Action' and 'NotAction' are empty"
    if wanted and unwanted:
        return "'Action' and 'NotAction' cannot both be specified in the same statement"
    families = {"s3:" if name == "*" else name[: name.index(":") + 1] for name in wanted}
    if len(families) > 1:
        return "'Action' contains mixed action families in the same statement"
    if not resources and not others and families in (set(), {"s3:"}):
        return "'Resource' is empty"
    if resources and others:
        return "'Resource' and 'NotResource' cannot both be specified in the same statement"
    if _below(_KEY, [*resources, *others]) and families != {"kms:"}:
        return "KMS resources require a statement whose actions are all KMS actions"
    return ""


def _known_action(name: str) -> bool:
    """Return whether an action exists; of those that do not concern the KMS, only the family is checked."""
    family = next((family for family in _FAMILIES if name.startswith(family)), "")
    return name == "*" or (bool(family) and (family != "kms:" or name == "kms:*" or name[4:] in KEY_ACTIONS))


def _invalid_resource(name: str) -> str:
    if name.startswith(_BUCKET):
        pattern = name.removeprefix(_BUCKET)
        return f"invalid resource, type: 's3', pattern: '{pattern}'" if pattern[:1] in ("", "/") else ""
    if not name.startswith(_KEY):
        return f"invalid resource, type: 'unknown', pattern: '{name}'"
    pattern = name.removeprefix(_KEY)
    kind, slash, below = pattern.partition("/")
    valid = pattern == "*" or (
        bool(slash and below) and "\\" not in below and (kind == "alias" or (kind == "key" and "/" not in below))
    )
    return "" if valid else f"invalid resource, type: 'kms', pattern: '{pattern}'"
