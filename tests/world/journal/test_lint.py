"""The client linter and the least-privilege report, over real requests."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from mockkms import MockKMS
from mockkms.world.journal.least_privilege import privileges
from mockkms.world.journal.linter import lint

POLICY = """
path "secret/data/*" { capabilities = ["read", "create", "delete"] }
path "transit/*" { capabilities = ["update"] }
"""


pytestmark = pytest.mark.server(rng=21)


def call(kms: MockKMS, method: str, path: str, data: Any = None, token: str | None = None) -> requests.Response:
    headers = {"X-Vault-Token": kms.token if token is None else token}
    return requests.request(method, f"{kms.url}/v1/{path}", json=data, headers=headers, timeout=60)


def token(kms: MockKMS, **words: Any) -> str:
    made = call(kms, "POST", "auth/token/create", {"policies": ["default"], **words})
    return str(made.json()["auth"]["client_token"])


def rules(kms: MockKMS) -> list[str]:
    return [finding.rule for finding in lint(kms.world)]


def test_a_tidy_client_has_no_findings(kms: MockKMS) -> None:
    mine = token(kms)
    call(kms, "GET", "auth/token/lookup-self", token=mine)
    call(kms, "POST", "auth/token/revoke-self", token=mine)
    assert call(kms, "GET", "secret/data/a").status_code == 404
    assert call(kms, "GET", "secret/data/a").status_code == 404
    assert rules(kms) == []


def test_renewals_without_back_off(kms: MockKMS) -> None:
    mine = token(kms, ttl="1h")
    kms.clock.freeze()
    call(kms, "POST", "auth/token/renew-self", {}, mine)
    kms.clock.advance(60)
    call(kms, "POST", "auth/token/renew-self", {}, mine)
    assert "renewal-without-back-off" not in rules(kms)
    call(kms, "POST", "auth/token/renew-self", {}, mine)
    assert rules(kms) == ["renewal-without-back-off", "token-left"]


def test_retried_4xx_unless_the_cause_was_removed(kms: MockKMS) -> None:
    call(kms, "POST", "transit/encrypt/a", {"plaintext": "!"})
    call(kms, "POST", "transit/encrypt/a", {"plaintext": "!"})
    assert rules(kms) == []  # No mount: 404.
    call(kms, "POST", "auth/userpass/login/u", {"password": "x"}, "")
    for _ in range(2):
        call(kms, "POST", "secret/data/a", {"options": {"cas": 5}, "data": {}})
    assert rules(kms) == ["retried-4xx"]
    call(kms, "POST", "secret/data/a", {"data": {}})
    call(kms, "POST", "secret/data/a", {"options": {"cas": 5}, "data": {}})
    assert rules(kms) == ["retried-4xx"]


def test_retry_after_that_is_ignored(kms: MockKMS) -> None:
    kms.faults.add("secret/*", answer={"preset": "rate-limited", "retry_after": 30}, times=1)
    call(kms, "GET", "secret/data/a")
    call(kms, "GET", "secret/data/a")
    assert rules(kms) == ["retry-after-ignored"]


def test_retry_after_that_is_kept(kms: MockKMS) -> None:
    kms.faults.add("secret/*", answer={"preset": "rate-limited", "retry_after": 30}, times=1)
    call(kms, "GET", "secret/data/a")
    kms.clock.advance(31)
    call(kms, "GET", "secret/data/a")
    assert rules(kms) == []


def test_a_token_used_after_its_end(kms: MockKMS) -> None:
    mine = token(kms, ttl="10s")
    call(kms, "GET", "auth/token/lookup-self", token=mine)
    kms.clock.advance(11)
    assert call(kms, "GET", "auth/token/lookup-self", token=mine).status_code == 403
    assert rules(kms) == ["expired-token-used"]


def test_a_token_in_the_url_is_not_shown(kms: MockKMS) -> None:
    mine = token(kms)
    call(kms, "GET", f"secret/data/a?token={mine}")
    call(kms, "POST", "auth/token/revoke", {"token": mine})
    found = lint(kms.world)
    assert [finding.rule for finding in found] == ["token-in-url"]
    assert mine not in str(found[0])


def test_tokens_that_were_not_revoked(kms: MockKMS) -> None:
    call(kms, "POST", "sys/auth/approle", {"type": "approle"})
    call(kms, "POST", "auth/approle/role/web", {})
    call(kms, "POST", "auth/approle/role/web/secret-id", {})
    token(kms)
    assert rules(kms) == ["token-left", "secret-id-left"]
    kms.reset()
    assert rules(kms) == []


def test_a_lease_that_was_not_revoked(kms: MockKMS) -> None:
    call(kms, "POST", "sys/mounts/pki", {"type": "pki"})
    call(kms, "POST", "pki/root/generate/internal", {"common_name": "ca", "key_type": "ec"})
    role = {"allow_any_name": True, "generate_lease": True, "key_type": "ec", "ttl": "1h"}
    call(kms, "POST", "pki/roles/web", role)
    lease = call(kms, "POST", "pki/issue/web", {"common_name": "a.test"}).json()["lease_id"]
    assert [finding.message for finding in lint(kms.world) if finding.rule == "lease-left"] == [lease]
    call(kms, "PUT", "sys/leases/revoke", {"lease_id": lease})
    assert "lease-left" not in rules(kms)


def test_the_smallest_policy_and_unused_grants(kms: MockKMS) -> None:
    call(kms, "PUT", "sys/policies/acl/app", {"policy": POLICY})
    mine = token(kms, policies=["app"])
    kms.journal.clear()
    call(kms, "POST", "secret/data/a", {"data": {}}, mine)
    call(kms, "GET", "secret/data/a", token=mine)
    assert call(kms, "GET", "sys/mounts", token=mine).status_code == 403
    found = privileges(kms.world)
    assert found.needed == {"secret/data/a": {"create", "read"}}
    assert found.unused == ['app: path "secret/data/*": delete', 'app: path "transit/*": update']
    told = requests.get(kms.url + "/_mockkms/policy", timeout=60).json()
    assert (told["policy"], told["unused"]) == (found.policy, found.unused)

    kms.reset()
    call(kms, "PUT", "sys/policies/acl/least", {"policy": found.policy})
    least = token(kms, policies=["least"])
    steps = (("POST", "secret/data/a", {"data": {}}), ("GET", "secret/data/a", None))
    seen = [call(kms, *step, least).status_code for step in steps]
    assert seen == [200, 200]
    assert call(kms, "GET", "secret/data/b", token=least).status_code == 403


def test_lists_and_sudo_in_the_smallest_policy(kms: MockKMS) -> None:
    call(kms, "POST", "secret/data/d/a", {"data": {}})
    call(kms, "LIST", "secret/metadata/d")
    call(kms, "GET", "sys/audit")
    needed = privileges(kms.world).needed
    assert needed["secret/metadata/d/"] == {"list"}
    assert needed["sys/audit"] == {"read", "sudo"}
    text = requests.get(kms.url + "/_mockkms/policy?format=hcl", timeout=60).text
    assert 'path "sys/audit" {\n  capabilities = ["read", "sudo"]\n}' in text


def test_findings_over_http(kms: MockKMS) -> None:
    token(kms)
    found = requests.get(kms.url + "/_mockkms/lint", timeout=60).json()["findings"]
    assert [finding["rule"] for finding in found] == ["token-left"]


@pytest.mark.parametrize(("flavor", "idle"), [("vault", "secret/metadata/a/*"), ("openbao", "secret/metadata*")])
def test_the_rule_that_decides_is_the_one_used(flavor: str, idle: str) -> None:
    with MockKMS(flavor=flavor) as kms:
        rules = [f'path "{path}" {{ capabilities = ["list"] }}' for path in ("secret/metadata*", "secret/metadata/a/*")]
        call(kms, "PUT", "sys/policies/acl/app", {"policy": "\n".join(rules)})
        call(kms, "POST", "secret/data/a/b", {"data": {}})
        mine = token(kms, policies=["app"])
        kms.journal.clear()
        assert call(kms, "LIST", "secret/metadata/a", token=mine).status_code == 200
        assert kms.privileges().unused == [f'app: path "{idle}": list']
        call(kms, "POST", "auth/token/revoke-self", token=mine)
        kms.journal.clear()
        assert kms.privileges().unused == []
