"""Lists of roles and settings that the real plugins keep as they come: null until one is sent, [] if it is empty.

Clients such as the modules of ansible-modules-hashivault send every list, and compare what they read with it.
"""

from __future__ import annotations

import hvac
import pytest

from mockkms import MockKMS

Values = dict[str, object]

AZURE_CONFIG: Values = {"tenant_id": "t", "subscription_id": "s", "client_id": "c", "client_secret": "x"}
CASES: dict[str, tuple[str, str, Values, list[str]]] = {
    "auth/azure": (
        "auth/azure", "role/app", {"bound_service_principal_ids": "owner"},
        ["bound_group_ids", "bound_locations", "bound_subscription_ids", "bound_resource_groups", "bound_scale_sets"],
    ),
    "auth/cf": (
        "auth/cf", "roles/app", {},
        ["bound_application_ids", "bound_space_ids", "bound_organization_ids", "bound_instance_ids"],
    ),
    "auth/aws": (
        "auth/aws", "role/app", {"auth_type": "ec2", "bound_account_id": "123456789012"}, ["bound_ec2_instance_id"]
    ),
    "nomad": ("nomad", "role/app", {"type": "management"}, ["policies"]),
    "azure": ("azure", "roles/app", {"application_object_id": "object"}, ["tags", "azure_roles", "azure_groups"]),
    "mongodbatlas": (
        "mongodbatlas", "roles/app", {"organization_id": "o", "roles": ["ORG_MEMBER"]},
        ["project_roles", "ip_addresses", "cidr_blocks"],
    ),
    "aws": (
        "aws", "roles/app", {"credential_type": "iam_user", "policy_document": "{}"},
        ["policy_arns", "role_arns", "iam_groups"],
    ),
    "alicloud": (
        "alicloud", "role/app", {"inline_policies": "[{}]"}, ["remote_policies"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_list_is_null_until_it_is_sent(kms: MockKMS, client: hvac.Client, case: str) -> None:
    """A list reads as null until it is sent, and as an empty list if it was sent empty; a copy of the world too."""
    mount, path, required, lists = CASES[case]
    client.write_data(f"sys/{'auth' if '/' in mount else 'mounts'}/{mount.removeprefix('auth/')}",
                      data={"type": mount.removeprefix("auth/")})  # fmt: skip
    if case == "azure":
        client.write_data("azure/config", data=AZURE_CONFIG)
    client.write_data(f"{mount}/{path}", data=required)
    shown = client.read(f"{mount}/{path}")["data"]
    assert {name: shown[name] for name in lists} == dict.fromkeys(lists)

    empty = {name: "[]" if name.startswith("azure_") else [] for name in lists}
    client.write_data(f"{mount}/{path}", data={**required, **empty})
    shown = client.read(f"{mount}/{path}")["data"]
    assert {name: shown[name] for name in lists} == {name: [] for name in lists}

    with MockKMS(seed=kms.dump()) as copy:
        again = hvac.Client(copy.url, token=copy.token).read(f"{mount}/{path}")["data"]
    assert {name: again[name] for name in lists} == {name: [] for name in lists}


def test_tags_are_null_until_they_are_sent(kms: MockKMS, client: hvac.Client) -> None:
    """Maps are kept as lists are."""
    client.write_data("sys/mounts/aws", data={"type": "aws"})
    client.write_data("aws/roles/app", data={"credential_type": "assumed_role"})
    shown = client.read("aws/roles/app")["data"]
    assert (shown["iam_tags"], shown["session_tags"]) == (None, None)
    client.write_data("aws/roles/app", data={"iam_tags": {}, "session_tags": []})
    shown = client.read("aws/roles/app")["data"]
    assert (shown["iam_tags"], shown["session_tags"]) == ({}, {})
    with MockKMS(seed=kms.dump()) as copy:
        again = hvac.Client(copy.url, token=copy.token).read("aws/roles/app")["data"]
    assert (again["iam_tags"], again["session_tags"]) == ({}, {})
