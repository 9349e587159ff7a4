"""Users of an IAM on this machine: created with their policies and keys, and deleted with all they have.

Source: ``secretAccessKeysCreate`` and ``pathUserRollback`` of Vault's ``builtin/logical/aws``.
"""

from __future__ import annotations

from contextlib import suppress

from mockkms.vault.amazon.query import AwsAccess, AwsFault, text_in, texts_in
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse, refusing
from mockkms.vault.secrets.aws.model import AwsRole


def create(iam: AwsAccess, call: Call, username: str, name: str, role: AwsRole) -> tuple[str, str]:
    """Create a user as a role describes it, and return id and secret of its access key. Raises ErrorResponse."""
    boundary = {"PermissionsBoundary": role.permissions_boundary_arn} if role.permissions_boundary_arn else {}
    with refusing("Error creating IAM user: ", of=AwsFault):
        iam.ask(call, "CreateUser", UserName=username, Path=role.user_path or "/", **boundary)
    try:
        return _equipped(iam, call, username, name, role)
    except ErrorResponse:
        # The real server does so a few minutes later (its write-ahead log).
        with suppress(AwsFault):
            delete(iam, call, username)
        raise


def _equipped(iam: AwsAccess, call: Call, username: str, name: str, role: AwsRole) -> tuple[str, str]:
    """Give a new user what its role describes, and return its access key. Raises ErrorResponse."""
    with refusing("Error attaching user policy: ", of=AwsFault):
        for arn in role.policy_arns or ():
            iam.ask(call, "AttachUserPolicy", UserName=username, PolicyArn=arn)
    with refusing("Error putting user policy: ", of=AwsFault):
        if role.policy_document:
            iam.ask(call, "PutUserPolicy", UserName=username, PolicyName=name, PolicyDocument=role.policy_document)
    with refusing("Error adding user to group: ", of=AwsFault):
        for group in role.iam_groups or ():
            iam.ask(call, "AddUserToGroup", UserName=username, GroupName=group)
    with refusing("Error adding tags to user: ", of=AwsFault):
        if role.iam_tags:
            tags: dict[str, str] = {}
            for at, (key, value) in enumerate(sorted(role.iam_tags.items()), 1):
                tags |= {f"Tags.member.{at}.Key": key, f"Tags.member.{at}.Value": value}
            iam.ask_with(call, {"Action": "TagUser", "UserName": username, **tags})
    with refusing("Error creating access keys: ", of=AwsFault):
        return create_key(iam, call, username)


def create_key(iam: AwsAccess, call: Call, username: str) -> tuple[str, str]:
    """Create an access key of a user, and return its id and secret. Raises AwsFault."""
    answer = iam.ask(call, "CreateAccessKey", UserName=username)
    return text_in(answer, "AccessKeyId"), text_in(answer, "SecretAccessKey")


def delete(iam: AwsAccess, call: Call, username: str) -> None:
    """Delete a user with keys, policies and memberships; one that is gone is ignored. Raises AwsFault."""
    try:
        groups = texts_in(iam.ask(call, "ListGroupsForUser", UserName=username), "GroupName")
    except AwsFault as fault:
        if str(fault).startswith("NoSuchEntity:"):
            return
        raise
    inline = texts_in(iam.ask(call, "ListUserPolicies", UserName=username), "member")
    attached = texts_in(iam.ask(call, "ListAttachedUserPolicies", UserName=username), "PolicyArn")
    for key in texts_in(iam.ask(call, "ListAccessKeys", UserName=username), "AccessKeyId"):
        iam.ask(call, "DeleteAccessKey", UserName=username, AccessKeyId=key)
    for arn in attached:
        iam.ask(call, "DetachUserPolicy", UserName=username, PolicyArn=arn)
    for policy in inline:
        iam.ask(call, "DeleteUserPolicy", UserName=username, PolicyName=policy)
    for group in groups:
        iam.ask(call, "RemoveUserFromGroup", UserName=username, GroupName=group)
    iam.ask(call, "DeleteUser", UserName=username)
