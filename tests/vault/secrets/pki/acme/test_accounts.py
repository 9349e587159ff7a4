"""Accounts and external bindings: builtin/logical/pki/path_acme_account.go and acme_jws.go, RFC 8555, section 7.3."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

import pytest
from acme import client as acme_client
from acme import messages

from tests.vault.secrets.pki.acme.conftest import AcmeAuthority
from tests.vault.secrets.pki.acme.wire import ERROR, Wire, detail, new_key

pytestmark = pytest.mark.flavors("openbao", "vault")


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def bound(wire: Wire, made: dict[str, Any], **odd: Any) -> dict[str, str]:
    """An external binding with a key of ``new-eab``, apart from ``odd``."""
    head = {"alg": "HS256", "kid": made["id"], "url": wire.at("new-account"), **odd}
    protected = encoded(json.dumps(head).encode())
    # The key as the request has it, byte by byte.
    outer = json.loads(base64.urlsafe_b64decode(wire.signed("u", None)["protected"] + "=="))
    payload = encoded(json.dumps(outer["jwk"]).encode())
    key = base64.urlsafe_b64decode(made["key"] + "=" * (-len(made["key"]) % 4))
    mac = hmac.new(key, f"{protected}.{payload}".encode(), hashlib.sha256).digest()
    return {"protected": protected, "payload": payload, "signature": encoded(mac)}


def refused(response: Any) -> tuple[int, str, str]:
    assert response.headers["Content-Type"] == "application/problem+json"
    assert "Replay-Nonce" not in response.headers, "problems come without a nonce"
    found = response.json()
    return response.status_code, found["type"].removeprefix(ERROR), detail(found)


@pytest.mark.flavors("openbao", "vault", "vault-1.21")
def test_the_sentence_of_a_kind_begins_as_its_product_does(authority: AcmeAuthority) -> None:
    """Source: acme_errors.go of both; Vault begins each with a capital letter."""
    the = "the" if authority.kms.flavor == "openbao" else "The"
    wire, nonce = authority.client(), authority.client().nonce()
    wire.post(wire.at("orders"), nonce=nonce)
    assert wire.post(wire.at("orders"), nonce=nonce).json()["detail"] == (
        f"invalid or reused nonce: {the} client sent an unacceptable anti-replay nonce"
    )
    assert wire.post(wire.at("new-order"), {}).json()["detail"] == (
        f"missing required identifiers argument: {the} request message was malformed"
    )


@pytest.mark.flavors("openbao", "vault", "vault-1.21")
def test_an_error_has_the_members_of_its_product(authority: AcmeAuthority) -> None:
    wire = authority.stranger()
    found = wire.register(onlyReturnExisting=True).json()
    assert found.pop("subproblems", "none") == ("none" if authority.kms.flavor == "openbao" else None)
    assert found.keys() == {"type", "detail"}


def test_an_account_is_created_once(authority: AcmeAuthority) -> None:
    wire = authority.stranger()
    made = wire.register(contact=["mailto:a@example.test"], termsOfServiceAgreed=True)
    assert made.status_code == 201
    base = f"{authority.kms.url}/v1/pki/acme"
    location = made.headers["Location"]
    assert location.startswith(f"{base}/account/")
    assert made.headers["Link"] == f'<{base}/directory>;rel="index"'
    assert len(made.headers["Replay-Nonce"]) > 20
    assert made.json() == {
        "status": "valid", "orders": f"{location}/orders", "contact": ["mailto:a@example.test"],
    }  # fmt: skip
    again = wire.register()
    assert (again.status_code, again.headers["Location"]) == (200, location)
    found = wire.register(onlyReturnExisting=True)
    assert (found.status_code, found.headers["Location"]) == (200, location)
    other = authority.stranger()
    assert refused(other.register(onlyReturnExisting=True)) == (
        400, "accountDoesNotExist",
        f"{'an' if authority.kms.flavor == 'openbao' else 'An'} account with this key does not exist: the request "
        "specified an account that does not exist",
    )  # fmt: skip


def test_an_account_belongs_to_its_directory(authority: AcmeAuthority) -> None:
    wire = authority.client()
    other = authority.stranger("roles/web/acme", key=wire.key)
    elsewhere = "the request message was malformed: account part of different ACME directory path"
    assert refused(other.register()) == (400, "malformed", f"failed to load account by thumbprint: {elsewhere}")
    other.kid = wire.kid
    status, kind, text = refused(other.post(other.at("orders")))
    assert (status, kind, text) == (400, "malformed", f"failed to json unmarshal 'protected': {elsewhere}")


def test_changes(authority: AcmeAuthority) -> None:
    wire = authority.client()
    assert wire.post(wire.kid, {"contact": ["mailto:b@example.test"]}).json()["contact"] == ["mailto:b@example.test"]
    # Every request to the account writes the contacts: the real server takes a missing list for an empty one.
    assert "contact" not in wire.post(wire.kid).json()
    assert wire.post(wire.kid, {"status": "deactivated"}).json()["status"] == "deactivated"
    unauthorized = "the client lacks sufficient authorization"
    assert refused(wire.post(wire.kid, {})) == (401, "unauthorized", unauthorized)
    assert refused(wire.post(wire.at("orders"))) == (
        401, "unauthorized", f"{unauthorized}: account in status: deactivated",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"contact": "a"}, "invalid type (string) for field 'contact'"),
        ({"contact": [1]}, "invalid type (float64) for field 'contact' item 0"),
        ({"termsOfServiceAgreed": "yes"}, "invalid type (string) for field 'termsOfServiceAgreed'"),
        ({"onlyReturnExisting": 1}, "invalid type (float64) for field 'onlyReturnExisting'"),
        ({"status": 1}, "invalid type (<nil>) for field 'onlyReturnExisting'"),
    ],
)
def test_values_of_other_types(authority: AcmeAuthority, payload: dict[str, Any], text: str) -> None:
    assert refused(authority.stranger().register(**payload)) == (
        400, "malformed", f"{text}: the request message was malformed",
    )  # fmt: skip


def test_an_external_binding_is_required(authority: AcmeAuthority) -> None:
    without = authority.client()
    authority.write("config/acme", eab_policy="always-required")
    wire = authority.stranger()
    meta = wire.session.get(wire.directory).json()["meta"]
    assert meta == {"externalAccountRequired": True}
    needed = "the request must include a value for the 'externalAccountBinding' field"
    assert refused(wire.register()) == (401, "externalAccountRequired", needed)
    assert refused(without.post(without.at("orders"))) == (401, "externalAccountRequired", needed)
    made = authority.write("acme/new-eab")
    binding = bound(wire, made)
    created = wire.register(externalAccountBinding=binding)
    assert (created.status_code, created.json()["externalAccountBinding"]) == (201, binding)
    assert wire.order("a.example.test")["status"] == "pending"
    assert authority.vault.list("pki/eab") is None, "the key was used"
    again = authority.stranger()
    assert refused(again.register(externalAccountBinding=bound(again, made)))[1:] == (
        "unauthorized", "the client lacks sufficient authorization: failed to verify eab",
    )  # fmt: skip
    assert refused(wire.post(wire.kid, {"externalAccountBinding": binding}))[2] == (
        "the request message was malformed: not allowed to update EAB data in accounts"
    )
    authority.write("config/acme", eab_policy="new-account-required")
    assert without.post(without.at("orders")).status_code == 200


@pytest.mark.parametrize(
    ("odd", "kind", "text"),
    [
        ({"alg": "RS256"}, "malformed", "failed to json unmarshal eab 'protected': invalid header: unexpected value "
         "for 'algo': the request message was malformed"),
        ({"kid": ""}, "malformed", "failed to json unmarshal eab 'protected': invalid header: got missing required "
         "field 'kid': the request message was malformed"),
        ({"nonce": "x"}, "malformed",
         "nonce should not be provided in eab 'protected': the request message was malformed"),
        ({"url": ""}, "malformed",
         "missing required parameter 'url' in eab 'protected': the request message was malformed"),
        ({"alg": "HS512"}, "serverInternal", "go-jose/go-jose: error in cryptographic primitive"),
    ],
)  # fmt: skip
def test_bindings_that_do_not_fit(authority: AcmeAuthority, odd: dict[str, str], kind: str, text: str) -> None:
    wire = authority.stranger()
    binding = bound(wire, authority.write("acme/new-eab"), **odd)
    assert refused(wire.register(externalAccountBinding=binding))[1:] == (kind, text)


def test_a_binding_is_for_one_directory_and_one_key(authority: AcmeAuthority) -> None:
    wire = authority.stranger()
    made = authority.write("roles/web/acme/new-eab")
    assert refused(wire.register(externalAccountBinding=bound(wire, made)))[1] == "unauthorized"
    made = authority.write("acme/new-eab")
    binding = bound(wire, made)
    wire.key = new_key()
    assert refused(wire.register(externalAccountBinding=binding))[2] == (
        "eab payload does not match outer JWK key: the request message was malformed"
    )


def test_the_library_of_certbot_binds_accounts(authority: AcmeAuthority) -> None:
    authority.write("config/acme", eab_policy="always-required")
    made = authority.write("acme/new-eab")
    wire = authority.stranger()
    network = acme_client.ClientNetwork(wire.key, user_agent="tests", alg=wire.usual)
    library = acme_client.ClientV2(acme_client.ClientV2.get_directory(wire.directory, network), network)
    binding = messages.ExternalAccountBinding.from_data(
        wire.key.public_key(), made["id"], made["key"], library.directory, "HS256"
    )
    registered = library.new_account(
        messages.NewRegistration.from_data(
            email="ops@example.test", terms_of_service_agreed=True, external_account_binding=binding
        )
    )
    assert registered.body.status == "valid"


def test_management(authority: AcmeAuthority) -> None:
    """Source: builtin/logical/pki/path_acme_account_mgmt.go; OpenBao has no such paths."""
    wire = authority.client()
    account = wire.kid.rpartition("/")[2]
    if authority.kms.flavor == "openbao":
        assert authority.vault.read(f"pki/acme/mgmt/account/keyid/{account}") is None
        return
    order = authority.proved(wire, "a.example.test")
    assert authority.vault.list("pki/acme/mgmt/account/keyid")["data"]["keys"] == [account]
    found = authority.read(f"acme/mgmt/account/keyid/{account}")
    (listed,) = found.pop("orders")
    assert found.pop("created_time")
    assert found == {
        "key_id": account, "status": "valid", "contacts": ["mailto:ops@example.test"], "revoked_time": "",
        "directory": "acme/", "eab": {},
    }  # fmt: skip
    assert (listed["order_id"], listed["identifiers"], listed["cert_serial_number"]) == (
        order["url"].rpartition("/")[2], ["a.example.test"], "",
    )  # fmt: skip
    changed = authority.write(f"acme/mgmt/account/keyid/{account}", status="revoked")
    assert (changed["status"], bool(changed["revoked_time"])) == ("revoked", True)
    assert refused(wire.post(order["url"]))[2].endswith("account in status: revoked")
    assert authority.write(f"acme/mgmt/account/keyid/{account}", status="valid")["revoked_time"] == ""
    assert wire.post(order["url"]).status_code == 200
