"""``If-Modified-Since`` is heeded where the mount lets it pass."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mockkms.vault.framework.message import Response
from tests.vault.driving import START
from tests.vault.secrets.pki.authority import Authority

PATHS = ["ca", "ca/pem", "cert/ca", "crl", "crl/pem", "crl/delta", "cert/crl", "issuer/default/der",
         "issuer/default/json", "issuer/default/crl", "issuer/default/crl/delta/der"]  # fmt: skip


def prepare(pki: Authority) -> None:
    mount = pki.core.state.mounts.get("", "pki/")
    assert mount is not None
    mount.config.passthrough_request_headers = ["if-modified-since"]
    mount.config.allowed_response_headers = ["Last-Modified"]


pytestmark = pytest.mark.prepared(by=prepare)


def since(pki: Authority, path: str, moment: float) -> Response:
    date = datetime.fromtimestamp(moment, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    return pki.ask("read", f"pki/{path}", token="", headers={"if-modified-since": date})


@pytest.mark.parametrize("path", PATHS)
def test_a_copy_that_is_new_enough_is_not_sent_again(pki: Authority, path: str) -> None:
    assert since(pki, path, START).status != 304
    kept = since(pki, path, START + 1)
    assert (kept.status, kept.raw) == (304, b"")
    assert kept.headers == {"Last-Modified": datetime.fromtimestamp(START, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")}
    pki.later(60)
    pki.data("pki/issuer/default", "patch", issuer_name="renamed")
    assert since(pki, path, START + 60).status != 304
    assert since(pki, path, START + 61).status == 304


def test_another_default_issuer_is_a_change(pki: Authority) -> None:
    pki.later(60)
    other = pki.data("pki/root/generate/internal", common_name="Other", key_type="ec")["issuer_id"]
    assert since(pki, "ca", START + 30).status == 304
    pki.later(60)
    pki.data("pki/config/issuers", default=other)
    for path in ("ca", "crl"):
        assert since(pki, path, START + 120).status != 304
        assert since(pki, path, START + 121).status == 304


def test_a_bad_date_is_refused(pki: Authority) -> None:
    answer = pki.ask("read", "pki/ca", token="", headers={"if-modified-since": "yesterday"})
    assert answer.status == 500
    assert answer.errors is not None
    assert answer.errors[0].startswith("failed to parse given value for 'If-Modified-Since' header: parsing time")


def test_the_header_is_ignored_unless_the_mount_passes_it(pki: Authority) -> None:
    mount = pki.core.state.mounts.get("", "pki/")
    assert mount is not None
    mount.config.allowed_response_headers = []
    assert since(pki, "ca", START + 1).headers == {}
    mount.config.passthrough_request_headers = []
    assert since(pki, "ca", START + 1).status == 200
