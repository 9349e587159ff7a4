"""Which machines and service accounts a role accepts.

Source: ``authorizer_gce.go`` and ``path_login.go`` of the plugin.
"""

from __future__ import annotations

from mockkms.vault.auth.cloud.gcp import cloud
from mockkms.vault.auth.cloud.gcp.model import GcpAccount, GcpAuth, GcpMachine, GcpRole
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy.names import quoted


def check_account(role: GcpRole, account: GcpAccount) -> None:
    """Check the service account of an iam login. Raises ValueError with the server's text."""
    if role.bound_projects and account.project_id not in role.bound_projects:
        raise ValueError(
            f"service account {quote(account.email)} not in bound projects [{' '.join(role.bound_projects)}]"
        )
    bound = role.bound_service_accounts
    if bound != ["*"] and account.email not in bound and account.unique_id not in bound:
        raise ValueError(f"service account {account.email} (id: {account.unique_id}) is not authorized for role")


def check_machine(state: GcpAuth, call: Call, role: GcpRole, machine: GcpMachine, account: str) -> None:
    """Check the machine of a gce login. Raises ValueError with the server's text."""
    for name, value in role.labels.items():
        if machine.labels.get(name) != value:
            raise ValueError(f'instance missing bound label "{name}:{value}"')
    region, separator, _ = machine.zone.rpartition("-")
    if not separator:
        raise ValueError(f"failed to extract region from zone name {quote(machine.zone)}")
    if role.bound_zones:
        if machine.zone not in role.bound_zones:
            raise ValueError(f"instance not in bound zones {quoted(role.bound_zones)}")
    elif role.bound_regions and region not in role.bound_regions:
        raise ValueError(f"instance not in bound regions {quoted(role.bound_regions)}")
    if role.bound_instance_groups:
        _check_groups(state, role, machine)
    if role.bound_service_accounts:
        try:
            found = cloud.account(state, call, account)
        except ValueError as fault:
            raise ValueError(f"could not find service account {quote(account)}: {fault}") from None
        if found.email not in role.bound_service_accounts and found.unique_id not in role.bound_service_accounts:
            raise ValueError(
                f"service account {quote(found.unique_id)} ({quote(found.email)}) is not in bound service accounts "
                f"{quoted(role.bound_service_accounts)}"
            )


def _check_groups(state: GcpAuth, role: GcpRole, machine: GcpMachine) -> None:
    """Check the instance groups of a machine; a group exists where one of its machines is."""
    for group in role.bound_instance_groups:
        zones = [one.zone for one in state.machines if one.project_id == machine.project_id and group in one.groups]
        bound = role.bound_zones or role.bound_regions
        exists = any(zone in bound if role.bound_zones else zone.startswith(tuple(bound)) for zone in zones)
        if not exists:
            kind = "zones" if role.bound_zones else "regions"
            where = f"{kind} {quoted(bound)} for project {quote(machine.project_id)}"
            raise ValueError(f"instance group {quote(group)} does not exist in {where}")
        if group in machine.groups:
            return
    raise ValueError(f"instance is not part of instance groups {quoted(role.bound_instance_groups)}")
