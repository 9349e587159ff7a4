"""The OpenAPI document names the paths and operations of the recorded one."""

from __future__ import annotations

import pytest
import requests

from mockkms import MockKMS
from mockkms.vault.products import product_named
from scripts import coverage

_METHODS = ("get", "post", "patch", "delete")
_TYPES = {"kv-v1": ("kv1", "kv", "1"), "kv-v2": ("secret", "", ""), "kv2": ("kv2", "kv", "2"), "kv": ("kv", "kv", "1")}
"""Path, type and version of the mounts of groups that are not named like them; without a type it is mounted already."""
_WITHOUT_MOUNT = ("auth-token", "cubbyhole", "identity", "sys")
_HIDDEN = {
    "vault": {
        "get /pki/cert/ca", "get /pki/cert/ca/raw", "get /pki/cert/ca/raw/pem", "get /sys/plugins/catalog/{name}/",
        "get /sys/plugins/catalog/{type}/{name}/", "get /sys/policies/acl/{name}/", "get /sys/policy/{name}/",
        "patch /sys/policies/acl/{name}", "get /sys/raw", "post /sys/raw", "delete /sys/raw", "get /sys/raw/",
        "get /sys/rekey-recovery-key/update", "delete /sys/rekey-recovery-key/update", "get /sys/seal-backend-status",
        "post /sys/config/reload/license",
    },
    "openbao": {"get /sys/config/ui/headers/", "post /sys/internal/inspect/request"},
}  # fmt: skip
"""What our documents have and the real ones have not."""
_LACKING = {"vault": set(), "openbao": {"get /sys/leases/lookup/"}}


@pytest.mark.parametrize("flavor", ["vault", "openbao"])
def test_paths_and_operations(flavor: str) -> None:
    recorded = coverage.surface(product_named(flavor))
    with MockKMS(flavor=flavor) as kms:

        def mount(group: str) -> str:
            """Mount what a group is of; return where."""
            if group in _WITHOUT_MOUNT:
                return group.replace("-", "/")
            kind, _, name = group.rpartition("auth-")
            place, mount_type, version = _TYPES.get(group, (name, name, ""))
            table = "auth" if kind != group and group.startswith("auth-") else "mounts"
            if mount_type:
                body = {"type": mount_type, **({"options": {"version": version}} if version else {})}
                headers = {"X-Vault-Token": kms.token}
                answer = requests.post(f"{kms.url}/v1/sys/{table}/{place}", json=body, headers=headers, timeout=60)
                assert answer.status_code in (200, 204), answer.text
            return f"auth/{place}" if table == "auth" else place

        places = {mount(group) for group in {asked.group for asked in recorded}}
        headers = {"X-Vault-Token": kms.token}
        document = requests.get(f"{kms.url}/v1/sys/internal/specs/openapi", headers=headers, timeout=60).json()
    found = {
        f"{method} {path}"
        for path, item in document["paths"].items()
        for method in _METHODS
        if method in item and path.startswith(tuple(f"/{place}/" for place in places))
    }
    wanted = {f"{asked.method.lower()} {asked.path}" for asked in recorded}
    assert found - wanted == _HIDDEN[flavor]
    assert wanted - found == _LACKING[flavor]
