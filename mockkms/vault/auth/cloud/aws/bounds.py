"""Which machines a role accepts, including those inferred from the session of a role.

Source: ``verifyInstanceMeetsRoleRequirements`` in ``path_login.go`` of Vault's ``builtin/credential/aws``.
"""

from __future__ import annotations

from mockkms.vault.auth.cloud.aws import arns, lookups
from mockkms.vault.auth.cloud.aws.engine import AwsAuth, AwsAuthRole
from mockkms.vault.auth.cloud.aws.inventory import AwsMachine
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, refusing


def check(state: AwsAuth, call: Call, found: AwsMachine, role: AwsAuthRole, name: str, account: str) -> None:
    """Check the bounds of a role.

    Raises ValueError with the server's text for a machine that is not accepted, BackendError where a bound cannot be
    checked.
    """
    if role.bound_ec2_instance_id and found.instance_id not in role.bound_ec2_instance_id:
        raise ValueError(f'instance ID "{found.instance_id}" does not belong to the role "{name}"')
    if role.bound_account_id and account not in role.bound_account_id:
        raise ValueError(f'account ID "{account}" does not belong to role "{name}"')
    if role.bound_ami_id:
        _present(found.ami_id, "AMI ID")
        if found.ami_id not in role.bound_ami_id:
            raise ValueError(f'AMI ID "{found.ami_id}" does not belong to role "{name}"')
    for bound, value, what in (
        (role.bound_subnet_id, found.subnet_id, "subnet ID"),
        (role.bound_vpc_id, found.vpc_id, "VPC ID"),
    ):
        if bound:
            _present(value, what)
            if value not in bound:
                raise ValueError(f'{what} "{value}" does not satisfy the constraint on role "{name}"')
    if role.bound_iam_instance_profile_arn:
        profile = found.instance_profile_arn
        _present(profile, "IAM instance profile")
        if not any(arns.matches(bound, profile) for bound in role.bound_iam_instance_profile_arn):
            raise ValueError(f'IAM instance profile ARN "{profile}" does not satisfy the constraint role "{name}"')
    if role.bound_iam_role_arn:
        _check_role(state, call, found, role, name)


def _check_role(state: AwsAuth, call: Call, found: AwsMachine, role: AwsAuthRole, name: str) -> None:
    profile = found.instance_profile_arn
    _present(profile, "IAM instance profile")
    with refusing(f'failed to parse IAM instance profile ARN "{profile}": ', BackendError):
        arns.parse(profile)
    with refusing("IAM role ARN could not be fetched: ", BackendError):
        arn = lookups.machine_role(state, call, found)
    if not any(arns.matches(bound, arn) for bound in role.bound_iam_role_arn):
        raise ValueError(f'IAM role ARN "{arn}" does not satisfy the constraint role "{name}"')


def _present(value: str, what: str) -> None:
    if not value:
        raise BackendError(f"{what} in the instance description is nil")
