"""ACME where it is not enabled, its settings, and the keys that bind accounts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vault.secrets.pki.authority import Authority

ID = "0a1b2c3d-0000-1111-2222-333344445555"


pytestmark = pytest.mark.flavors("openbao", "vault", "vault-1.21")


@pytest.mark.parametrize("base", ["acme", "roles/r/acme", "issuer/i/acme", "issuer/i/roles/r/acme"])
@pytest.mark.parametrize(
    ("operation", "path", "errors"),
    [
        ("read", "directory", None),
        ("read", "new-nonce", None),
        ("update", "new-account", None),
        ("update", f"account/{ID}", None),
        ("update", "account/x", ["unsupported path"]),
        ("update", f"order/{ID}/finalize", None),
        ("update", "order/x/cert", ["unsupported path"]),
        ("update", "authorization/x", None),
        ("update", "challenge/x/y", None),
        ("update", "key-change", ["unsupported path"]),
        ("list", "account/", ["unsupported path"]),
        ("list", "order/", ["unsupported path"]),
    ],
)
def test_the_protocol(pki: Authority, base: str, operation: str, path: str, errors: list[str] | None) -> None:
    answer = pki.ask(operation, f"pki/{base}/{path}", token="")
    assert (answer.status, answer.errors) == (404, errors)
    assert errors or answer.raw == b""


@pytest.mark.parametrize("base", ["acme", "issuer/i/roles/r/acme"])
def test_an_authorization_may_have_an_empty_name(pki: Authority, base: str) -> None:
    answer = pki.ask("list", f"pki/{base}/authorization/", token="")
    assert (answer.status, answer.errors) == (405, ["unsupported operation"])


def test_what_needs_a_token(pki: Authority) -> None:
    for operation, path in (("update", "acme/new-eab"), ("list", "eab/"), ("read", "config/acme")):
        assert pki.ask(operation, f"pki/{path}", token="").status == 403


def test_settings(pki: Authority) -> None:
    usual = pki.data("pki/config/acme", "read")
    assert (usual["enabled"], usual["eab_policy"], usual["allowed_roles"]) == (False, "not-required", ["*"])
    assert ("max_ttl" in usual) == (pki.core.product.name != "openbao")
    assert ("challenge_excluded_ip_ranges" in usual) == (pki.core.product.name == "vault")
    assert pki.data("pki/config/acme", allowed_roles="any", dns_resolver="127.0.0.1:53")["allowed_roles"] == ["any"]
    pki.data("pki/config/cluster", path="https://here.test/v1/pki")
    assert pki.data("pki/config/acme", enabled=True)["enabled"] is True


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"enabled": True}, "ACME feature requires local cluster 'path' field configuration to be set"),
        ({"allowed_roles": []}, "allowed_roles must take a non-zero length value; specify '*' as the value to allow "
         "anything or specify enabled=false to disable ACME entirely"),
        ({"allowed_roles": "none"},
         "allowed_role none is not a valid acme role: the request message was malformed: role does not exist"),
        ({"allowed_roles": "any,*"}, "cannot use '*' as role name at index 1"),
        ({"allowed_issuers": "none"}, "failed validating allowed_issuers: unable to fetch issuer: none: unable to find "
         "PKI issuer for reference: none"),
        ({"default_directory_policy": "x"},
         "invalid default_directory_policy: string x not a valid Default Directory Policy"),
        ({"default_directory_policy": "role:"}, "invalid default_directory_policy: no role specified by policy role:"),
        ({"eab_policy": "x"}, "invalid eab policy name provided, valid values are 'not-required', "
         "'new-account-required', 'always-required'"),
        ({"dns_resolver": "x"}, "failed to parse DNS resolver address: address x: missing port in address"),
        ({"dns_resolver": "x:53"},
         "failed to parse DNS resolver address: expected IPv4/IPv6 address, likely got hostname"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit(pki: Authority, given: dict[str, Any], text: str) -> None:
    assert pki.errors("pki/config/acme", **given) == (500, [f"1 error occurred:\n\t* {text}\n\n"])


def test_keys_that_bind_accounts(pki: Authority) -> None:
    made = pki.data("pki/roles/any/acme/new-eab")
    assert made["key"].startswith("vault-eab-0-")
    listed = pki.data("pki/eab/", "list")
    assert (listed["keys"], listed["key_info"][made["id"]]["acme_directory"]) == (
        [made["id"]], "roles/any/acme/directory",
    )  # fmt: skip
    assert pki.ask("delete", f"pki/eab/{made['id']}").warnings == []
    assert pki.ask("delete", f"pki/eab/{made['id']}").warnings == [f"No key id found with id: {made['id']}"]
    assert pki.ask("list", "pki/eab/").status == 404


@pytest.mark.flavors("vault")
@pytest.mark.parametrize("name", ["challenge_permitted_ip_ranges", "challenge_excluded_ip_ranges"])
def test_ranges_of_addresses(pki: Authority, name: str) -> None:
    """Source: builtin/logical/pki/path_config_acme_test.go, ``TestAcmeIPRangeConfiguration``."""
    assert pki.data("pki/config/acme", **{name: "192.168.1.100,10.0.0.0/8"})[name] == ["192.168.1.100", "10.0.0.0/8"]
    status, (text,) = pki.errors("pki/config/acme", **{name: "999.999.999.999"})
    assert status == 500
    assert "invalid CIDR or IP address" in text


@pytest.mark.parametrize("given", ["always-required", " Always-REQUIRED "])
def test_policies_of_binding_are_read_in_any_case(pki: Authority, given: str) -> None:
    assert pki.data("pki/config/acme", eab_policy=given)["eab_policy"] == "always-required"


@pytest.mark.parametrize("policy", ["external-policy", "external-policy:", "external-policy:a b", "external-policy:!"])
def test_external_policies_are_for_the_enterprise(policy: str) -> None:
    text = "external-policy is only available in enterprise versions of Vault"
    if policy.endswith("!"):
        text = f"invalid default_directory_policy: invalid characters within external-policy name: {policy}"
    answer = Authority("vault").errors("pki/config/acme", default_directory_policy=policy)
    assert answer == (500, [f"1 error occurred:\n\t* {text}\n\n"])
