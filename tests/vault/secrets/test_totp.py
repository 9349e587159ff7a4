"""The TOTP secrets engine, through hvac: generated and given keys, codes by the clock and by RFC 6238."""

from __future__ import annotations

import base64
from typing import Any

import hvac
import pytest
from hvac.exceptions import InternalServerError, InvalidRequest

from mockkms import MockKMS

_RFC = base64.b32encode(b"12345678901234567890").decode()


def prepare(kms: MockKMS) -> None:
    hvac.Client(kms.url, token=kms.token).sys.enable_secrets_engine("totp")


pytestmark = [pytest.mark.flavors("vault", "openbao"), pytest.mark.server(rng=3), pytest.mark.prepared(by=prepare)]


def write(client: hvac.Client, **settings: Any) -> Any:
    return client.write_data("totp/keys/k", data=settings)


@pytest.mark.parametrize(
    ("moment", "code"),
    [(59, "94287082"), (1111111109, "07081804"), (1234567890, "89005924"), (20000000000, "65353130")],
)
def test_codes_are_those_of_the_rfc(client: hvac.Client, kms: MockKMS, moment: int, code: str) -> None:
    write(client, key=_RFC, digits=8)
    kms.clock.freeze(moment)
    found = client.read("totp/code/k")["data"]
    details = {"expire_time": moment // 30 * 30 + 30, "generated": moment, "period": "30s"}
    assert found == {"code": code} | (details if kms.flavor == "openbao" else {})


def test_a_key_too_long_for_a_picture(client: hvac.Client) -> None:
    pytest.importorskip("segno")
    with pytest.raises(InternalServerError, match=r'QR code image: No encoding found to encode "otpauth://totp/b:a'):
        write(client, generate=True, account_name="a", issuer="b", key_size=3000)


def test_a_code_is_accepted_once(client: hvac.Client, kms: MockKMS) -> None:
    write(client, key=_RFC.lower().rstrip("="), period=60)
    kms.clock.freeze(1_700_000_000)
    code = client.read("totp/code/k")["data"]["code"]
    kms.clock.advance(60)
    assert client.write_data("totp/code/k", data={"code": code})["data"] == {"valid": True}
    with pytest.raises(InvalidRequest, match="code already used; wait until the next time period"):
        client.write_data("totp/code/k", data={"code": code})
    kms.clock.advance(181)
    assert client.write_data("totp/code/k", data={"code": code})["data"] == {"valid": False}


def test_generated_keys_are_shown_once(client: hvac.Client) -> None:
    shown = write(client, generate=True, issuer="Acme", account_name="ann@acme.io", algorithm="SHA256")["data"]
    assert shown["url"].startswith(
        "otpauth://totp/Acme:ann@acme.io?algorithm=SHA256&digits=6&issuer=Acme&period=30&secret="
    )
    assert set(shown) == {"barcode", "url"}
    assert client.read("totp/keys/k")["data"] == {
        "account_name": "ann@acme.io", "algorithm": "SHA256", "digits": 6, "issuer": "Acme", "period": 30,
    }  # fmt: skip
    hidden = write(client, generate=True, issuer="Acme", account_name="ann", exported=False)
    assert hidden.status_code == 204
    assert set(write(client, generate=True, issuer="Acme", account_name="ann", qr_size=0)["data"]) == {"url"}
    assert client.list("totp/keys")["data"]["keys"] == ["k"]
    client.delete("totp/keys/k")
    with pytest.raises(InvalidRequest, match="unknown key: k"):
        client.read("totp/code/k")


def test_a_url_replaces_the_other_parameters(client: hvac.Client) -> None:
    write(client, url=f"otpauth://totp/Acme:ann@acme.io?secret={_RFC}&digits=8&period=60&algorithm=SHA512")
    assert client.read("totp/keys/k")["data"] == {
        "account_name": "ann@acme.io", "algorithm": "SHA512", "digits": 8, "issuer": "Acme", "period": 60,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("url", "issuer", "account"),
    [
        (f"/I:a?secret={_RFC}&issuer=x;y&issuer=%41", "A", "a"),
        (f"otpauth:/I:a?secret={_RFC}", "I", "a"),
        (f"otpauth:I:a?secret={_RFC}", "", ""),
    ],
)
def test_a_url_is_read_as_by_go(client: hvac.Client, url: str, issuer: str, account: str) -> None:
    write(client, url=url)
    found = client.read("totp/keys/k")["data"]
    assert (found["issuer"], found["account_name"]) == (issuer, account)


@pytest.mark.parametrize("url", ["otpauth://to tp/a", "otpauth://totp:x/a", "1a:b", "otpauth://a\\b@totp/a", "a/%zz"])
def test_a_url_that_go_refuses(client: hvac.Client, url: str) -> None:
    with pytest.raises(InvalidRequest, match="an error occurred while parsing url string"):
        write(client, url=f"{url}?secret={_RFC}")


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "the key value is required"),
        ({"key": "a1"}, "invalid key value: illegal base32 data at input byte 1"),
        ({"key": "AAAAAAAA="}, "invalid key value: illegal base32 data at input byte 8"),
        ({"key": "AAAA\nAAAA"}, "invalid key value: illegal base32 data at input byte 8"),
        ({"key": "===="}, "invalid key value: illegal base32 data at input byte 0"),
        ({"key": _RFC, "digits": 7}, "the digits value can only be 6 or 8"),
        ({"key": _RFC, "algorithm": "MD5"}, "the algorithm value is not valid"),
        ({"key": _RFC, "period": 0}, "the period value must be greater than zero"),
        ({"key": _RFC, "skew": 2}, "the skew value must be 0 or 1"),
        ({"key": _RFC, "qr_size": -1}, "the qr_size value must be greater than or equal to zero"),
        ({"generate": True, "key": _RFC}, "a key should not be passed if generate is true"),
        ({"generate": True, "url": "otpauth://x"}, "a url should not be passed if generate is true"),
        ({"generate": True, "issuer": "a"}, "the account_name value is required for generated keys"),
        ({"generate": True, "account_name": "a"}, "the issuer value is required for generated keys"),
        ({"generate": True, "account_name": "a", "issuer": "b", "key_size": 0}, "the key_size value must be greater"),
        (
            {"generate": True, "account_name": "a", "issuer": "b", "key_size": 2**40},
            "mockkms generates no keys of more",
        ),
        ({"url": "otpauth://totp/a?secret=x&digits=six"}, "an error occurred while parsing digits value in url"),
    ],
)
def test_keys_that_are_refused(client: hvac.Client, settings: dict[str, Any], text: str) -> None:
    with pytest.raises(InvalidRequest, match=text):
        write(client, **settings)
    assert client.list("totp/keys") is None


def test_invalid_codes_are_refused(client: hvac.Client, kms: MockKMS) -> None:
    write(client, key=_RFC)
    with pytest.raises(InvalidRequest, match="the code value is required"):
        client.write_data("totp/code/k", data={"code": ""})
    code = client.read("totp/code/k")["data"]["code"]
    if kms.flavor == "openbao":
        for wrong in ("12345", f" {code}"):
            with pytest.raises(InvalidRequest, match="invalid number of digits for the code"):
                client.write_data("totp/code/k", data={"code": wrong})
        return
    found = [client.write_data("totp/code/k", data={"code": text})["data"]["valid"] for text in ("12345", f" {code}")]
    assert found == [False, True]


def test_a_world_brings_keys_and_a_dump_keeps_them() -> None:
    world = {"rng": 3, "vault": {"mounts": {"totp/": {"type": "totp", "keys": {"app": {"key": _RFC, "digits": 8}}}}}}
    with MockKMS(seed=world) as server:
        dump = server.dump()
    with MockKMS(seed=dump) as again:
        assert again.dump() == dump
        again.clock.freeze(59)
        client = hvac.Client(again.url, token=again.token)
        assert client.read("totp/code/app")["data"]["code"] == "94287082"
