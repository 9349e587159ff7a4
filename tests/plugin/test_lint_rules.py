"""Every rule of the linter, met and not met, as ``off``, ``warn`` and ``error`` have it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mockkms.world.journal import linter
from tests.plugin.conftest import Run

SOURCE = """
import pytest, requests

def call(kms, method, path, data=None, token=None):
    headers = {"X-Vault-Token": kms.token if token is None else token}
    return requests.request(method, f"{kms.url}/v1/{path}", json=data, headers=headers, timeout=60)

@pytest.fixture
def token(mockkms):
    made = call(mockkms, "POST", "auth/token/create", {"policies": ["default"], "ttl": "1h"})
    return made.json()["auth"]["client_token"]

def end(kms, token):
    assert call(kms, "POST", "auth/token/revoke", {"token": token}).status_code == 204

def renew_twice(kms, token, pause):
    kms.clock.freeze()
    call(kms, "POST", "auth/token/renew-self", {}, token)
    kms.clock.advance(pause)
    call(kms, "POST", "auth/token/renew-self", {}, token)
    end(kms, token)

def test_renewal_without_back_off(mockkms, token):
    renew_twice(mockkms, token, 0.5)

def test_clean_renewals(mockkms, token):
    renew_twice(mockkms, token, 60)

def test_retried_4xx(mockkms):
    for _ in range(2):
        assert call(mockkms, "POST", "secret/data/a", {"options": {"cas": 5}, "data": {}}).status_code == 400

def test_clean_retried_5xx_and_what_may_be_there_next(mockkms):
    mockkms.faults.add("secret/data/a", operation="write", sequence=[500, 503])
    for _ in range(3):
        call(mockkms, "POST", "secret/data/a", {"data": {}})
    for _ in range(2):
        assert call(mockkms, "GET", "secret/data/missing").status_code == 404

def limited(kms, pause):
    kms.faults.add("secret/*", answer={"preset": "rate-limited", "retry_after": 30}, times=1)
    call(kms, "GET", "secret/data/a")
    kms.clock.advance(pause)
    call(kms, "GET", "secret/data/a")

def test_retry_after_ignored(mockkms):
    limited(mockkms, 29)

def test_clean_retry_after(mockkms):
    limited(mockkms, 31)

def test_expired_token_used(mockkms, token):
    call(mockkms, "GET", "auth/token/lookup-self", token=token)
    mockkms.clock.advance(3601)
    assert call(mockkms, "GET", "auth/token/lookup-self", token=token).status_code == 403

def test_clean_token_that_was_never_good(mockkms):
    assert call(mockkms, "GET", "auth/token/lookup-self", token="nobody").status_code == 403

def test_token_in_url(mockkms, token):
    call(mockkms, "GET", f"secret/data/{token}")
    end(mockkms, token)

def test_clean_accessor_in_the_url(mockkms, token):
    accessor = call(mockkms, "GET", "auth/token/lookup-self", token=token).json()["data"]["accessor"]
    call(mockkms, "GET", f"secret/data/{accessor}")
    end(mockkms, token)

def test_token_left(mockkms, token):
    pass

def test_clean_token_that_ended(mockkms, token):
    mockkms.clock.advance(3601)

def lease(kms):
    call(kms, "POST", "sys/mounts/pki", {"type": "pki"})
    call(kms, "POST", "pki/root/generate/internal", {"common_name": "ca", "key_type": "ec"})
    role = {"allow_any_name": True, "generate_lease": True, "key_type": "ec", "ttl": "1h"}
    call(kms, "POST", "pki/roles/web", role)
    return call(kms, "POST", "pki/issue/web", {"common_name": "a.test"}).json()["lease_id"]

def test_lease_left(mockkms):
    lease(mockkms)

def test_clean_lease(mockkms):
    call(mockkms, "PUT", "sys/leases/revoke", {"lease_id": lease(mockkms)})

def secret_id(kms):
    call(kms, "POST", "sys/auth/approle", {"type": "approle"})
    call(kms, "POST", "auth/approle/role/web", {})
    return call(kms, "POST", "auth/approle/role/web/secret-id", {}).json()["data"]["secret_id"]

def test_secret_id_left(mockkms):
    secret_id(mockkms)

def test_clean_secret_id(mockkms):
    call(mockkms, "POST", "auth/approle/role/web/secret-id/destroy", {"secret_id": secret_id(mockkms)})
"""
RULES = (
    "renewal-without-back-off", "retried-4xx", "retry-after-ignored", "expired-token-used", "token-in-url",
    "token-left", "lease-left", "secret-id-left",
)  # fmt: skip
CLEAN = SOURCE.count("def test_clean")


def test_every_rule_has_its_tests() -> None:
    named = {name.replace("_", "-") for name in re.findall(r"def test_(?!clean)(\w+)", SOURCE)}
    told = {*re.findall(r"Finding\(\s*\"([\w-]+)\"", Path(linter.__file__).read_text())}
    assert named == {*RULES} == told
    assert len(RULES) == CLEAN == 8


def test_off(suite: Run) -> None:
    suite("--mockkms-lint=off", source=SOURCE).assert_outcomes(passed=len(RULES) + CLEAN)


def test_warn(suite: Run) -> None:
    result = suite("--mockkms-lint=warn", "-W", "default", source=SOURCE)
    result.assert_outcomes(passed=len(RULES) + CLEAN, warnings=len(RULES))
    for rule in RULES:
        result.stdout.fnmatch_lines([f"*MockKMSWarning: lint: {rule}: *"])


def test_error(suite: Run) -> None:
    result = suite("--mockkms-lint=error", source=SOURCE)
    result.assert_outcomes(passed=CLEAN, failed=len(RULES))
    text = result.stdout.str()
    for rule in RULES:
        name = "test_" + rule.replace("-", "_")
        assert re.search(rf"_ {name} _(.|\n)*?mockkms lint:\n(E +)?{rule}: ", text), rule


@pytest.mark.parametrize("word", ["of", "Warning", ""])
def test_other_words_are_usage_errors(suite: Run, word: str) -> None:
    result = suite(source="def test_it():\n    pass\n", ini=f"mockkms_lint = {word}" if word else "mockkms_lint = 1")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*mockkms_lint = *: expected one of off, warn, error"])
