"""Questions to AWS about callers, principals and machines: asked of a substitute on this machine, or of the world.

A configured endpoint on this machine (``config/client``) is asked over HTTP with a signed request, as of AWS. Without
one, the world's inventory answers, in the words of AWS. Other machines are never contacted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from mockkms.error_context import error_context
from mockkms.vault.amazon.query import AwsAccess, AwsFault, refusal, text_in
from mockkms.vault.auth.cloud.aws import arns
from mockkms.vault.auth.cloud.aws.inventory import AwsMachine
from mockkms.vault.framework.endpoint import Call

if TYPE_CHECKING:
    from mockkms.vault.auth.cloud.aws.engine import AwsAuth

_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}


def ask(state: AwsAuth, call: Call, service: str, region: str, **parameters: str) -> ElementTree.Element | None:
    """Return the response of a service's endpoint on this machine; None where none is configured. Raises AwsFault."""
    config = state.config
    if config is None:
        return None
    endpoint = {"iam": config.iam_endpoint, "ec2": config.endpoint, "sts": config.sts_endpoint}[service]
    access = AwsAccess(service, endpoint, config.access_key, config.secret_key, region)
    return access.ask_with(call, parameters) if access.here else None


def _entity(state: AwsAuth, call: Call, principal: arns.Principal, kind: str) -> ElementTree.Element | None:
    """Return IAM's description of a principal; None where no IAM is configured on this machine. Raises AwsFault."""
    region = _REGIONS.get(principal.partition, "us-east-1")
    ask(state, call, "sts", region, Action="GetCallerIdentity")
    if kind == "InstanceProfile":
        return ask(state, call, "iam", region, Action="GetInstanceProfile", InstanceProfileName=principal.name)
    return ask(state, call, "iam", region, Action=f"Get{kind}", **{f"{kind}Name": principal.name})


def unique_id(state: AwsAuth, call: Call, arn: str) -> str:
    """Return the unique id of the user, role or instance profile with an ARN. Raises ValueError with AWS's text."""
    principal = arns.parse(arn)
    kinds = {"user": ("User", "UserId"), "role": ("Role", "RoleId")}
    kind, member = kinds.get(principal.type, ("InstanceProfile", "InstanceProfileId"))
    try:
        found = _entity(state, call, principal, kind)
    except AwsFault as fault:
        sts = state.config.sts_endpoint if state.config else ""
        before = "unable to fetch current caller: " if fault.unreachable and fault.unreachable == sts else ""
        raise AwsFault(f"{before}{fault}") from None
    if found is not None:
        return text_in(found, member)
    for one in state.principals:
        if one.canonical == principal.canonical:
            return one.unique_id
    return arns.made_up_id(principal)


def full_arn(state: AwsAuth, call: Call, principal: arns.Principal) -> str:
    """Return the ARN with its path of a caller's user or role. Raises ValueError with AWS's text."""
    kind = "User" if principal.type == "user" else "Role"
    with error_context(f'error fetching {kind.lower()} "{principal.name}": ', AwsFault, of=AwsFault):
        found = _entity(state, call, principal, kind)
    if found is not None:
        return text_in(found, "Arn")
    known = (one.full_arn for one in state.principals if one.canonical == principal.canonical and one.full_arn)
    return next(known, principal.canonical)


def machine(state: AwsAuth, call: Call, instance_id: str, region: str) -> AwsMachine:
    """Return a running machine. Raises ValueError with the server's text."""
    parameters = {"Action": "DescribeInstances", "InstanceId.1": instance_id}
    with error_context(f'error fetching description for instance ID "{instance_id}": ', AwsFault, of=AwsFault):
        answer = ask(state, call, "ec2", region or "us-east-1", **parameters)
        found = _described(answer) if answer is not None else _known(state, call, instance_id, region)
    if found is None:
        raise AwsFault("no reservations found in instance description")
    if found.instance_id != instance_id:
        raise AwsFault("expected instance ID not matching the instance ID in the instance description")
    if found.state != "running":
        raise AwsFault("instance is not in 'running' state")
    return found


def _known(state: AwsAuth, call: Call, instance_id: str, region: str) -> AwsMachine:
    for one in state.machines:
        if one.instance_id == instance_id and one.region in ("", region):
            return one
    call.request.trace.hint = f"the world's AWS has no machine {instance_id} in {region or 'this region'} (`instances`)"
    message = f"The instance ID '{instance_id}' does not exist"
    raise refusal(call.core.entropy, 400, "InvalidInstanceID.NotFound", message)


def _described(answer: ElementTree.Element) -> AwsMachine | None:
    instance = answer.find(".//{*}instancesSet/{*}item")
    if instance is None:
        return None
    tags = {text_in(tag, "key"): text_in(tag, "value") for tag in instance.findall("{*}tagSet/{*}item")}
    return AwsMachine(
        text_in(instance, "instanceId"),
        ami_id=text_in(instance, "imageId"),
        subnet_id=text_in(instance, "subnetId"),
        vpc_id=text_in(instance, "vpcId"),
        instance_profile_arn=text_in(instance.find("{*}iamInstanceProfile"), "arn"),
        private_dns_name=text_in(instance, "privateDnsName"),
        state=text_in(instance.find("{*}instanceState"), "name"),
        tags=tags,
    )


def machine_role(state: AwsAuth, call: Call, found: AwsMachine) -> str:
    """Return the ARN of the role of a machine's instance profile. Raises ValueError with the server's text."""
    profile = arns.parse(found.instance_profile_arn)
    answer = _entity(state, call, profile, "InstanceProfile")
    arn = text_in(answer.find(".//{*}Roles"), "Arn") if answer is not None else found.role_arn
    if not arn:
        raise AwsFault("invalid roles in the output of instance profile details")
    return arn
