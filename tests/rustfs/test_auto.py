"""``api="auto"``: each request shows which contract it means; the keys are the same."""

from __future__ import annotations

from tests.rustfs.driver import CONFIGURE, call, fresh

LOCAL = {"backend_type": "Local", "key_dir": "/var/keys", "master_key": "m"}


def test_fields_and_parameters_choose_the_contract() -> None:
    admin = fresh(api="auto")
    assert call(admin, "GET", "/status")[1]["code"] == "KMSNotConfigured"
    assert call(admin, "POST", "/configure", json=CONFIGURE)[1]["kms_type"] == "vault"
    assert call(admin, "POST", "/key/create", "keyName=one")[1]["keyName"] == "one"
    assert call(admin, "POST", "/key/create", "keyId=two")[1]["key_id"] == "two"
    assert call(admin, "GET", "/key/status", "keyName=two")[1]["status"] == "Enabled"
    assert call(admin, "GET", "/key/status", "keyId=one")[1]["key_metadata"]["key_state"] == "Enabled"
    assert {key["keyName"] for key in call(admin, "GET", "/key/list")[1]["keys"]} == {"one", "two"}
    assert call(admin, "GET", "/keys/one")[0].status == 200


def test_the_last_configuration_decides_the_rest() -> None:
    admin = fresh(api="auto")
    assert call(admin, "POST", "/configure")[1]["code"] == "InvalidRequest"
    call(admin, "POST", "/configure", json=LOCAL)
    assert call(admin, "POST", "/configure")[0].body == b"Request body is required"
    assert call(admin, "GET", "/status")[0].status == 500
    call(admin, "POST", "/start")
    assert "key_id" in call(admin, "POST", "/key/create")[1]


def test_status_speaks_the_contract_of_the_last_configuration() -> None:
    admin = fresh(api="auto")
    call(admin, "POST", "/configure", json=CONFIGURE)
    assert call(admin, "GET", "/status")[1] == {"status": "Active", "backend": "vault", "healthy": True}
    admin = fresh(api="auto")
    call(admin, "POST", "/configure", json=LOCAL)
    call(admin, "POST", "/start")
    assert "backend_type" in call(admin, "GET", "/status")[1]


def test_stop_of_the_one_is_not_configured_for_the_other() -> None:
    admin = fresh(api="auto")
    call(admin, "POST", "/configure", json=CONFIGURE)
    call(admin, "PUT", "/key/disable", "keyName=x")
    call(admin, "POST", "/stop")
    assert call(admin, "GET", "/key/list")[1]["code"] == "KMSNotConfigured"
    assert call(admin, "POST", "/start")[1]["success"] is True
    assert call(admin, "GET", "/key/list")[1] == {"keys": []}
