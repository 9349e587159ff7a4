"""Whether a token was issued to the resource that a login names, by the token's claims and the world's resources."""

from __future__ import annotations

import json
from dataclasses import dataclass

from mockkms.vault.auth.claims import Claims
from mockkms.vault.auth.cloud.azure.model import AzureAuth, AzureResource, AzureRole
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.golang.fmt import quote

_COMPUTE = "providers/Microsoft.Compute"
_RULE = "-" * 80


@dataclass(frozen=True)
class NamedResource:
    """The resource that a login names; absent names are empty."""

    subscription_id: str
    resource_group: str
    vm_name: str
    vmss_name: str
    resource_id: str


def check(state: AzureAuth, call: Call, role: AzureRole, named: NamedResource, claims: Claims) -> None:
    """Check the bounds of a role on resources. Raises ValueError with the server's text."""
    if not any(role.resource_bounds):
        return
    if not named.subscription_id or not named.resource_group:
        raise ValueError("subscription_id and resource_group_name are required")
    found = _resource(state, call, role, named, claims)
    _check_group(named, claims)
    owner = str(claims.get("oid") or "")
    by_application = found is None or owner not in found.principal_ids
    if by_application:
        _check_application(state, role, named, claims)
    if role.bound_subscription_ids and not contains(role.bound_subscription_ids, named.subscription_id):
        raise ValueError("subscription not authorized")
    groups = [] if by_application else role.bound_resource_groups
    if groups and not contains(groups, named.resource_group):
        raise ValueError("resource group not authorized")
    if role.bound_locations:
        if found is None or not found.location:
            raise ValueError("location is empty")
        if not contains(role.bound_locations, found.location):
            raise ValueError("location not authorized")


def _resource(
    state: AzureAuth, call: Call, role: AzureRole, named: NamedResource, claims: Claims
) -> AzureResource | None:
    """Return the named resource; None if the login names none but the token an application. Raises ValueError."""
    group = f"/subscriptions/{named.subscription_id}/resourceGroups/{named.resource_group}"
    if named.vmss_name:
        _check_scale_set(named.vmss_name, claims)
        found = _found(
            state, call, f"{group}/{_COMPUTE}/virtualMachineScaleSets/{named.vmss_name}", "virtual machine scale set"
        )
        if role.bound_scale_sets and not contains(role.bound_scale_sets, named.vmss_name):
            raise ValueError("scale set not authorized")
        return _with_identity(found, "vmss client")
    if named.vm_name:
        _check_claims(claims, f"/virtualMachines/{named.vm_name}", f"vm_name {named.vm_name}")
        found = _found(state, call, f"{group}/{_COMPUTE}/virtualMachines/{named.vm_name}", "virtual machine")
        _with_identity(found, "vm client")
        if role.bound_scale_sets:
            raise ValueError("bound scale set defined but this vm isn't in a scale set")
        return found
    if named.resource_id:
        if role.bound_scale_sets:
            raise ValueError("scale set requires the vmss_name field to be set")
        if named.resource_id.count("/") < 2 or not named.resource_id.startswith("/"):
            raise ValueError(f"unable to parse the resource ID: {quote(named.resource_id)}")
        return _with_identity(_found(state, call, named.resource_id, "user assigned identity"), "client")
    if not claims.get("appid"):
        raise ValueError("one of vm_name, vmss_name, resource_id, or an appid JWT claim must be provided")
    return None


def _with_identity(found: AzureResource, client: str) -> AzureResource:
    if not found.principal_ids:
        raise ValueError(f"{client} did not return identity information")
    return found


def _found(state: AzureAuth, call: Call, id_: str, what: str) -> AzureResource:
    for one in state.resources:
        if one.id.casefold() == id_.casefold():
            return one
    call.request.trace.hint = f"the world's Azure has no resource {id_} (`resources`)"
    code = "ResourceNotFound"
    body = json.dumps({"error": {"code": code, "message": f"The Resource '{id_}' was not found."}}, indent=2)
    raise ValueError(
        f"unable to retrieve {what} metadata: GET https://management.azure.com{id_}\n{_RULE}\nRESPONSE 404: 404 Not "
        f"Found\nERROR CODE: {code}\n{_RULE}\n{body}\n{_RULE}\n"
    )


def _check_claims(claims: Claims, part: str, value: str) -> None:
    """Check that a claim names a part of the id of a resource. Raises ValueError with the server's text."""
    resource, machine = (str(claims.get(name) or "") for name in ("xms_az_rid", "xms_mirid"))
    if not resource and not machine:
        raise ValueError("xms_az_rid and xms_mirid claims are missing from token")
    faults = []
    for name, text in (("xms_az_rid", resource), ("xms_mirid", machine)):
        if part.casefold() in text.casefold():
            return
        if text or name == "xms_mirid":
            faults.append(f"{name} token claim does not match {value}")
    raise ValueError("\n".join(faults))


def _check_scale_set(name: str, claims: Claims) -> None:
    faults = []
    for kind, part in (("flexible", f"/virtualMachines/{name}_"), ("uniform", f"/virtualMachineScaleSets/{name}")):
        try:
            return _check_claims(claims, part, f"vmss_name {name}")
        except ValueError as fault:
            faults.append(f"failed to verify {kind} vmss claim: {fault}")
    raise ValueError("\n".join(faults))


def _check_group(named: NamedResource, claims: Claims) -> None:
    part = f"/resourcegroups/{named.resource_group}"
    if named.vm_name or named.vmss_name:
        return _check_claims(claims, part, f"resource_group_name {named.resource_group}")
    if part.casefold() not in named.resource_id.casefold():
        raise ValueError("provided resource_id does not match resource_group_name")
    return None


def _check_application(state: AzureAuth, role: AzureRole, named: NamedResource, claims: Claims) -> None:
    """Accept a token of an application that is an identity in one of the resource groups. Raises ValueError."""
    application = str(claims.get("appid") or "")
    if not application:
        raise ValueError("token object id does not match expected identities, and no app id was found")
    groups = [named.resource_group, *(role.bound_resource_groups or ())]
    if not any(one.client_id == application and contains(groups, one.resource_group) for one in state.identities):
        raise ValueError("neither token object id nor token app id match expected identities")


def contains(values: list[str], wanted: str) -> bool:
    """Return whether a list has a text, in any case."""
    return wanted.casefold() in (value.casefold() for value in values)


def texts(value: object) -> list[str]:
    """Return the members of a claim that is a list of texts."""
    return [str(one) for one in value] if isinstance(value, list) else []
