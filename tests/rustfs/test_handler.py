"""``api="handler"``: where the code beside the guide answered otherwise."""

from __future__ import annotations

from tests.rustfs.driver import CONFIGURE, call, fresh


def test_status_values_empty_responses_and_a_missing_content_type() -> None:
    admin = fresh(api="handler")
    assert call(admin, "GET", "/status")[0].status == 503
    reply, _ = call(admin, "POST", "/configure", json={"kms_type": "local"})
    assert (reply.status, reply.headers) == (200, {})
    assert call(admin, "GET", "/status")[1] == {"status": "OK", "backend": "Local", "healthy": True}
    assert call(admin, "POST", "/key/create", "keyName=k")[1] == {
        "keyId": "k", "keyName": "k", "status": "Active", "createdAt": "2026-01-01T00:00:00+00:00"
    }  # fmt: skip
    for route in ("disable", "enable"):
        reply, _ = call(admin, "PUT", f"/key/{route}", "keyName=k")
        assert (reply.status, reply.body) == (200, b"")


def test_times_have_three_or_six_digits() -> None:
    admin = fresh(api="handler")
    call(admin, "POST", "/configure", json={"kms_type": "local"})
    admin.core.clock.advance(0.25)
    assert call(admin, "POST", "/key/create", "keyName=a")[1]["createdAt"] == "2026-01-01T00:00:00.250+00:00"
    admin.core.clock.advance(0.000125)
    assert call(admin, "POST", "/key/create", "keyName=b")[1]["createdAt"] == "2026-01-01T00:00:00.250125+00:00"


def test_an_unknown_key_is_404_or_400_by_route() -> None:
    admin = fresh(api="handler")
    call(admin, "POST", "/configure", json={"kms_type": "local"})
    answers = [call(admin, *route, "keyName=x") for route in (("GET", "/key/status"), ("PUT", "/key/enable"))]
    assert [(reply.status, body["code"]) for reply, body in answers] == [(404, "NoSuchKey"), (400, "NoSuchKey")]


def test_a_vault_behind_it_cannot_disable_and_lists_nothing_as_a_failure() -> None:
    admin = fresh(api="handler")
    call(admin, "POST", "/configure", json=CONFIGURE)
    reply, body = call(admin, "GET", "/key/list")
    assert (reply.status, body["code"]) == (500, "BackendError")
    for _ in range(2):
        assert call(admin, "POST", "/key/create", "keyName=k")[0].status == 200
    reply, body = call(admin, "PUT", "/key/disable", "keyName=k")
    assert (reply.status, body["message"]) == (
        400, "Internal error: Key disable operation is not supported in Transit engine"
    )  # fmt: skip
    assert call(admin, "GET", "/key/status", "keyName=k")[1]["algorithm"] == "AES_256"


def test_an_empty_name_is_made_and_never_found_again() -> None:
    admin = fresh(api="handler")
    call(admin, "POST", "/configure", json={"kms_type": "local"})
    assert call(admin, "POST", "/key/create", "keyName=")[1]["keyName"] == ""
    assert call(admin, "POST", "/key/create", "keyName=")[0].status == 400
    assert call(admin, "GET", "/key/status", "keyName=")[0].status == 404
    assert call(admin, "GET", "/key/list")[1] == {"keys": []}
