"""Revocation lists: built by themselves as time passes, delta lists, and lists signed to order."""

from __future__ import annotations

import base64
import ssl
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mockkms.crypto.x509.read import Certificate
from mockkms.vault.secrets.pki.revocation import crls
from tests.vault.driving import START
from tests.vault.secrets.pki.authority import Authority, serial, signed_by

HOUR = 3600.0


def crl_of(pki: Authority, path: str) -> x509.CertificateRevocationList:
    body = pki.raw(path).raw
    assert body
    return x509.load_der_x509_crl(body)


def number(crl: x509.CertificateRevocationList) -> int:
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def base(crl: x509.CertificateRevocationList) -> int:
    found = crl.extensions.get_extension_for_class(x509.DeltaCRLIndicator)
    assert found.critical
    return found.value.crl_number


def test_a_list_is_rebuilt_before_it_expires(pki: Authority) -> None:
    pki.data("pki/config/crl", auto_rebuild=True)
    leaf, before = pki.issue(ttl="200h"), number(crl_of(pki, "pki/crl"))
    pki.revoke(leaf)
    assert pki.listed() == []
    pki.later(60 * HOUR)
    assert number(crl_of(pki, "pki/crl")) == before
    pki.later(1)
    assert pki.listed() == [serial(leaf)]
    assert crl_of(pki, "pki/crl").next_update_utc == datetime.fromtimestamp(START + 132 * HOUR + 1, UTC)


def test_without_automatic_building_a_list_just_ends(pki: Authority) -> None:
    before = pki.raw("pki/crl").raw
    pki.later(1000 * HOUR)
    assert pki.raw("pki/crl").raw == before


def test_delta_lists_tell_what_came_after_the_complete_one(pki: Authority) -> None:
    pki.data("pki/config/crl", auto_rebuild=True, enable_delta=True)
    complete, first = number(crl_of(pki, "pki/crl")), number(crl_of(pki, "pki/crl/delta"))
    assert (first, base(crl_of(pki, "pki/crl/delta"))) == (complete + 1, complete)
    leaves = [pki.issue(ttl="200h") for _ in range(2)]
    pki.revoke(leaves[0])
    pki.later(899)
    assert pki.listed("pki/crl/delta") == []
    pki.later(1)
    assert pki.listed("pki/crl/delta") == [serial(leaves[0])]
    pki.later(900)
    assert number(crl_of(pki, "pki/crl/delta")) == first + 1  # Nothing new, so it was not built again.
    pki.revoke(leaves[1])
    assert pki.data("pki/crl/rotate-delta", "read") == {"success": True}
    assert sorted(pki.listed("pki/crl/delta")) == sorted(map(serial, leaves))
    assert base(crl_of(pki, f"pki/issuer/{pki.issuer_id}/crl/delta/der")) == complete
    assert pki.listed() == []
    pki.data("pki/crl/rotate", "read")
    assert sorted(pki.listed()) == sorted(map(serial, leaves))
    assert pki.listed("pki/crl/delta") == []


def test_rotating_deltas_builds_them_though_nothing_is_new(pki: Authority) -> None:
    pki.data("pki/config/crl", auto_rebuild=True, enable_delta=True)
    before = number(crl_of(pki, "pki/crl/delta"))
    pki.data("pki/crl/rotate-delta", "read")
    assert number(crl_of(pki, "pki/crl/delta")) == before + 1


def bundle(*, crl_sign: bool | None = True, key_id: bool = True) -> str:
    """A CA of the user's own, with its key."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name.from_rfc4514_string("CN=Own CA")
    begin = datetime.fromtimestamp(START - HOUR, UTC)
    builder = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(7)
        .not_valid_before(begin).not_valid_after(datetime.fromtimestamp(START + 1000 * HOUR, UTC))
        .add_extension(x509.BasicConstraints(True, None), True)
    )  # fmt: skip
    if crl_sign is not None:
        usage = x509.KeyUsage(False, False, False, False, False, True, crl_sign, False, False)
        builder = builder.add_extension(usage, True)
    if key_id:
        builder = builder.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    certificate = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode() + private.decode()


@pytest.mark.parametrize("crl_sign", [None, False])
def test_an_issuer_without_the_key_usage_signs_no_lists(pki: Authority, crl_sign: bool | None) -> None:
    pki.core.mount("", "own/", "pki")
    answer = pki.write("own/config/ca", {"pem_bundle": bundle(crl_sign=crl_sign)})
    assert answer.errors is None
    assert any("lacked an issuer with CRL Signing KeyUsage" in text for text in answer.warnings)
    assert pki.data("own/issuer/default", "read")["usage"] == "issuing-certificates,ocsp-signing,read-only"


def test_an_issuer_without_key_identifier_makes_the_list_fail(pki: Authority) -> None:
    pki.core.mount("", "own/", "pki")
    answer = pki.write("own/config/ca", {"pem_bundle": bundle(key_id=False)})
    assert answer.data is not None
    issuer = answer.data["imported_issuers"][0]
    fault = "x509: issuer certificate doesn't contain a subject key identifier"
    text = (
        "error building CRLs: error building CRLs: "
        f"unable to build CRL for issuer ({issuer}): error creating new CRL: {fault}"
    )
    assert any(text in warning for warning in answer.warnings)
    status, errors = pki.errors("own/crl/rotate", "read")
    assert (status, text in errors[0]) == (500, True)
    assert pki.errors("own/issuer/default/sign-revocation-list")[1] == [
        f"1 error occurred:\n\t* error creating new CRL: {fault}\n\n"
    ]


def test_a_list_to_order(pki: Authority) -> None:
    reason = base64.b64encode(bytes.fromhex("0a0101")).decode()
    entries: list[Any] = [
        {"serial_number": "0a:0b", "revocation_time": "2026-01-02T03:04:05Z",
         "extensions": [{"id": "2.5.29.21", "value": reason}]},
        "passed over",
        {"serial_number": "0c", "revocation_time": 1700000000},
    ]  # fmt: skip
    made = pki.data(
        "pki/issuer/default/sign-revocation-list", crl_number=9, next_update="2h", revoked_certs=entries,
        delta_crl_base_number=3, extensions=[{"id": "1.2.3.4", "critical": "true", "value": "BQA="}],
    )["crl"]  # fmt: skip
    crl = x509.load_pem_x509_crl(made.encode())
    assert signed_by(crl, pki.root)
    assert [entry.serial_number for entry in crl] == [0x0A0B, 0x0C]
    assert (number(crl), base(crl)) == (9, 3)
    first = crl.get_revoked_certificate_by_serial_number(0x0A0B)
    assert first is not None
    assert first.extensions.get_extension_for_class(x509.CRLReason).value.reason is x509.ReasonFlags.key_compromise
    assert first.revocation_date_utc == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert crl.next_update_utc == datetime.fromtimestamp(START + 2 * HOUR, UTC)
    assert crl.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.2.3.4")).critical


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"next_update": "x"}, 'invalid value for next_update: time: invalid duration "x"'),
        ({"next_update": "-1s"}, "next_update parameter must be greater than 0"),
        ({"crl_number": -1}, "crl_number parameter must be 0 or greater"),
        ({"delta_crl_base_number": -2}, "delta_crl_base_number parameter must be -1 or greater"),
        ({"format": "yaml"}, "unknown format value of yaml"),
        ({"revoked_certs": [{}]}, "failed parsing serial_number from entry 0: missing 'serial_number' field"),
        ({"revoked_certs": [{"serial_number": "xy"}]},
         "failed parsing serial_number from entry 0: 'serial_number' failed converting to bytes: "
         "encoding/hex: invalid byte: U+0078 'x'"),
        ({"revoked_certs": [{"serial_number": "01"}]},
         "failed parsing revocation_time from entry 0: missing 'revocation_time' field"),
        ({"revoked_certs": [{"serial_number": "01", "revocation_time": "noon"}]},
         "failed parsing revocation_time from entry 0: failed parsing time noon: "
         "could not parse string as date and time"),
        ({"revoked_certs": [{"serial_number": "01", "revocation_time": 1, "extensions": {}}]},
         "failed parsing extensions from entry 0: 'extensions' field did not contain a slice"),
        ({"extensions": ["x"]}, "extension entry 0 not a map"),
        ({"extensions": [{"id": "2.5.29.20", "value": ""}]},
         "failed parsing extension entry 0: crl number object identifier (2.5.29.20) is reserved"),
        ({"extensions": [{"id": "1.x"}]},
         'failed parsing extension entry 0: failed parsing asn1 index element 1 value x: strconv.Atoi: parsing "x": '
         "invalid syntax"),
        ({"extensions": [{"id": "1.2", "value": "*"}]},
         "failed parsing extension entry 0: failed base64 decoding 'value' field: illegal base64 data at input byte 0"),
        ({"extensions": [{"id": "1.2", "value": ""}, {"id": "1.02", "value": ""}]}, "duplicate extension id: 1.2"),
    ],
)  # fmt: skip
def test_an_order_refused(pki: Authority, given: dict[str, Any], text: str) -> None:
    assert pki.errors("pki/issuer/default/sign-revocation-list", **given) == (400, [text])


def test_two_lists_become_one_with_the_older_moment(pki: Authority) -> None:
    def order(**entries: int) -> str:
        revoked = [{"serial_number": name[1:], "revocation_time": moment} for name, moment in entries.items()]
        text: str = pki.data("pki/issuer/default/sign-revocation-list", crl_number=1, revoked_certs=revoked)["crl"]
        return text

    crls = [order(n01=1700000000, n02=1700000000), order(n02=1600000000, n03=1700000000)]
    answer = pki.write("pki/issuer/default/resign-crls", {"crl_number": 2, "crls": crls, "format": "DER"})
    assert answer.warnings == [
        "Duplicate serial 02 with different revocation times detected, using oldest revocation time"
    ]
    assert answer.data is not None
    crl = x509.load_der_x509_crl(base64.b64decode(answer.data["crl"]))
    assert signed_by(crl, pki.root)
    assert [entry.serial_number for entry in crl] == [1, 2, 3]
    second = crl.get_revoked_certificate_by_serial_number(2)
    assert second is not None
    assert second.revocation_date_utc == datetime.fromtimestamp(1600000000, UTC)


def test_a_list_of_another_issuer_is_not_taken(pki: Authority) -> None:
    pki.core.mount("", "other/", "pki")
    pki.data("other/root/generate/internal", common_name="Other", key_type="ec")
    foreign = pki.data("other/issuer/default/sign-revocation-list", crl_number=1)["crl"]
    path = "pki/issuer/default/resign-crls"
    assert pki.errors(path, crls=[foreign]) == (400, ["CRL index: 0 was not signed by requested issuer"])
    short = (400, ["failed decoding crl 0: invalid crl; should be one PEM block only"])
    assert pki.errors(path, crls=["x"]) == pki.errors(path, crls=[foreign + foreign]) == short
    assert pki.errors("pki/issuer/nobody/resign-crls", crls=[]) == (
        400, ["failed to resolve issuer issuer_ref: unable to find PKI issuer for reference: nobody"],
    )  # fmt: skip


def test_a_certificate_of_an_issuer_without_key_stands_on_the_default_list(pki: Authority) -> None:
    own = bundle()
    pki.core.mount("", "own/", "pki", config=None)
    pki.data("own/config/ca", pem_bundle=own)
    pki.data("own/roles/any", allow_any_name=True, key_type="ec", ttl="1h")
    leaf = pki.data("own/issue/any", common_name="x.test")
    imported = pki.data("pki/issuers/import/cert", pem_bundle=own[: own.index("-----BEGIN PRIVATE")])
    pki.data("pki/revoke", certificate=leaf["certificate"])
    assert pki.listed() == [serial(leaf)]
    shown = pki.data(f"pki/cert/{leaf['serial_number']}", "read")
    assert shown["issuer_id"] == imported["imported_issuers"][0]


def test_a_revocation_reads_no_other_revoked_certificate(pki: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each revocation builds the whole list, as on the real server; a list may have thousands of entries."""
    leaves = [pki.issue() for _ in range(6)]
    for leaf in leaves[:5]:
        pki.revoke(leaf)
    loaded: list[bytes] = []
    load = crls.read.load

    def counting(data: bytes) -> Certificate:
        loaded.append(data)
        return load(data)

    monkeypatch.setattr(crls.read, "load", counting)
    pki.revoke(leaves[5])
    others = {ssl.PEM_cert_to_DER_cert(leaf["certificate"]) for leaf in leaves[:5]}
    assert others.isdisjoint(loaded)
    assert sorted(pki.listed()) == sorted(map(serial, leaves))
