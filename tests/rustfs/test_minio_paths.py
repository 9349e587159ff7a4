"""``/minio/admin/v3/kms``, where MinIO's clients (``mc admin kms``) ask, is the admin API under another name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import requests

from mockkms import MockKMS
from mockkms.rustfs import AdminRequest
from mockkms.rustfs.contracts import v1, v2
from tests.rustfs.driver import fresh
from tests.rustfs.signer import signed

RUSTFS, MINIO = "/rustfs/admin/v3/kms", "/minio/admin/v3/kms"
ROUTES = sorted({*v1.ROUTES, *v2.ROUTES})


@pytest.mark.parametrize("api", ["guide", "handler", "current", "auto"])
@pytest.mark.parametrize("seed", [{}, {"configured": True, "kms_type": "local", "keys": {"{key_id}": {}}}])
def test_every_route_answers_the_same(api: str, seed: dict[str, Any]) -> None:
    for method, path in ROUTES:
        answers = []
        for prefix in (RUSTFS, MINIO):
            admin = fresh(api=api)
            admin.seed({"api": api, **seed})
            answers.append(admin.handle(AdminRequest(method, prefix + path, "keyName=a&keyId=a")))
        assert answers[0] == answers[1], (method, path)


@pytest.mark.parametrize("path", ["/minio/admin/v3/kmsx/status", "/minio/admin/v3/info", f"{MINIO}/nothing", MINIO])
def test_other_paths_are_not_implemented(path: str) -> None:
    assert fresh(api="current").handle(AdminRequest("GET", path)).status == 501


def test_the_signature_covers_the_path_that_was_sent() -> None:
    admin = fresh(api="current", auth="sigv4")
    asked = signed("GET", f"{MINIO}/service-status", now=admin.core.clock.now())
    assert admin.handle(asked).status == 200
    moved = admin.handle(replace(asked, path=f"{RUSTFS}/service-status"))
    assert moved.status == 403
    assert b"SignatureDoesNotMatch" in moved.body


def test_rules_and_journal_see_the_same_operation() -> None:
    with MockKMS() as kms:
        kms.faults.add("key/status", service="rustfs", key="k", status=418)
        kms.faults.add("keys/*", service="rustfs", method="GET", status=429)
        for prefix in (RUSTFS, MINIO):
            url = kms.rustfs_url + prefix
            assert requests.get(f"{url}/key/status?keyName=k", timeout=60).status_code == 418
            assert requests.get(f"{url}/key/status?keyName=other", timeout=60).status_code == 503
            assert requests.get(f"{url}/keys/k", timeout=60).status_code == 429
        seen = [(entry.service, entry.operation, entry.path, entry.key) for entry in kms.journal]
        assert seen[:3] == seen[3:]
        assert seen[0] == ("rustfs", "read", "key/status", "k")
        kms.journal.assert_called("key/status", service="rustfs", times=4)
