"""Oracle Cloud logins. Rules: https://github.com/hashicorp/vault-plugin-auth-oci (``path_login.go``)."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hvac.exceptions import InvalidRequest, UnexpectedError

from mockkms import MockKMS
from tests.vault.auth.cloud.clouds import KEY, NOW, login, pem, root, round_trips
from tests.vault.auth.cloud.conftest import Seeded

_KEY_ID = "ocid1.tenancy.t/ocid1.user.u/20:3b"
_PRINCIPAL = {"key_id": _KEY_ID, "public_key": pem(KEY), "tenancy_id": "ocid1.tenancy.t", "groups": ["ocid1.group.g"]}
_USUAL = {
    "date": "Thu, 01 Jan 2026 12:00:00 GMT",
    "(request-target)": "get /v1/auth/oci/login/dev",
    "host": "127.0.0.1:8200",
}


def signed(key: rsa.RSAPrivateKey = KEY, key_id: str = _KEY_ID, names: str = "", **changes: str) -> dict[str, Any]:
    """Sign a login's headers as Oracle's SDK does."""
    headers = {**_USUAL, **changes}
    names = names or " ".join(_USUAL)
    text = "\n".join(f"{name}: {headers[name]}" for name in names.split())
    signature = base64.b64encode(key.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    headers["authorization"] = (
        f'Signature version="1",keyId="{key_id}",algorithm="rsa-sha256",headers="{names}",signature="{signature}"'
    )
    return {"request_headers": {name: [value] for name, value in headers.items()}}


def world(seeded: Seeded, **section: Any) -> MockKMS:
    roles = {"dev": {"ocid_list": ["ocid1.group.g"], "token_policies": ["p"], "token_ttl": "1h"}}
    usual = {"config": {"home_tenancy_id": "ocid1.tenancy.t"}, "roles": roles, "principals": [_PRINCIPAL]}
    return seeded("oci", NOW, **{**usual, **section})


def test_a_user_logs_in(seeded: Seeded) -> None:
    kms = world(seeded)
    found = login(kms, "oci/login/Dev", **signed())
    assert (found["metadata"], found["renewable"], found["lease_duration"]) == ({"role_name": "dev"}, False, 3600)
    sent = signed()
    text = base64.b64encode(json.dumps(sent["request_headers"]).encode()).decode()
    assert login(kms, "oci/login/dev", request_headers=text)["token_policies"] == ["default", "p"]
    round_trips(kms)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"key": rsa.generate_private_key(public_exponent=65537, key_size=2048)}, "OCI authentication failed"),
        ({"key_id": "other"}, "OCI authentication failed"),
        ({"names": "date host"}, "OCI authentication failed"),
        ({"date": "Thu, 01 Jan 2026 11:50:00 GMT"}, "OCI authentication failed"),
        ({"date": "now"}, "OCI authentication failed"),
        ({"(request-target)": "post /v1/auth/oci/login/dev"}, r"incorrect \(request-target\) specified in header"),
        ({"(request-target)": "get /v1/auth/oci/login/ops"}, r"incorrect \(request-target\) specified in header"),
        ({"(request-target)": ""}, r"no \(request-target\) specified in header"),
    ],
)
def test_requests_that_are_refused(seeded: Seeded, changes: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        login(world(seeded), "oci/login/dev", **signed(**changes))


def test_texts_that_are_no_signatures(seeded: Seeded) -> None:
    kms = world(seeded)
    for odd in ("", "Bearer x", "Signature x", f'Signature keyId="{_KEY_ID}"', "Signature " + 'a="b",' * 5000):
        headers = {**_USUAL, "authorization": odd}
        with pytest.raises(InvalidRequest, match="OCI authentication failed"):
            login(kms, "oci/login/dev", request_headers=headers)


def test_tenancy_and_groups_are_checked(seeded: Seeded) -> None:
    for section, text in (
        ({"config": {}}, "Home Tenancy is invalid"),
        ({"config": {"home_tenancy_id": "other"}}, "Invalid Tenancy"),
        ({"roles": {"dev": {"ocid_list": ["other"]}}}, "Entity not a part of any of the Role OCIDs"),
        ({"roles": {}}, "Role is not found"),
    ):
        with pytest.raises(InvalidRequest, match=text):
            login(world(seeded, **section), "oci/login/dev", **signed())


def test_settings_and_roles(seeded: Seeded) -> None:
    kms = world(seeded)
    client = root(kms)
    with pytest.raises(InvalidRequest, match="Missing homeTenancyId"):
        client.write_data("auth/oci/config", data={"home_tenancy_id": " "})
    with pytest.raises(InvalidRequest, match="Number of OCIDs for this role exceeds the limit"):
        client.write_data("auth/oci/role/dev", data={"ocid_list": [str(number) for number in range(101)]})
    with pytest.raises(UnexpectedError):
        client.write_data("auth/oci/login", data={"role": "dev"})
    assert client.read("auth/oci/role/dev")["data"]["ocid_list"] == ["ocid1.group.g"]
    client.delete("auth/oci/config")
    assert client.read("auth/oci/config") is None
