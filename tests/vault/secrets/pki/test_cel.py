"""Certificates by programs: CEL roles of OpenBao's PKI engine.

Source of the rules: OpenBao 2.6.2, ``builtin/logical/pki``: ``path_cel.go``, ``path_issue_sign.go`` and
``translate_cert.go``; results and messages are those of its code for the same programs.
"""

from __future__ import annotations

import ipaddress
import pickle
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mockkms import MockKMS
from mockkms.vault.framework.message import Response
from mockkms.worldfile import SeedError
from tests.vault.secrets.pki.authority import Authority

_CERTIFICATE = (
    "CertTemplate{{Subject: PKIX.Name{{CommonName: request.common_name}}, NotBefore: now, "
    "NotAfter: now + duration(request.ttl){more}}}"
)
_CREATE, _PARSE = "unable to create certificate: ", "unable to parse created certificate: x509: "
_REQUEST = {"common_name": "app", "ttl": "2h"}


def template(more: str = "") -> str:
    return _CERTIFICATE.format(more=more)


def output(described: str, more: str = "") -> str:
    return f"ValidationOutput{{template: {described}{more}}}"


def role(pki: Authority, expression: str, *variables: tuple[str, str]) -> Response:
    listed = [{"name": name, "expression": text} for name, text in variables]
    program = {"expression": expression, **({"variables": listed} if listed else {})}
    return pki.write("pki/cel/roles/r", {"cel_program": program})


def issue(pki: Authority, expression: str, **request: Any) -> Response:
    assert role(pki, expression).errors is None
    return pki.write("pki/cel/issue/r", {**_REQUEST, **request})


def certificate(answer: Response) -> x509.Certificate:
    assert answer.errors is None, answer.errors
    return x509.load_pem_x509_certificate((answer.data or {})["certificate"].encode())


def go_error(answer: Response) -> str:
    assert answer.status == 500, answer
    return (answer.errors or [""])[0].removeprefix("1 error occurred:\n\t* ").removesuffix("\n\n")


def signing_request() -> str:
    names: list[x509.GeneralName] = [
        x509.DNSName("a.test"), x509.IPAddress(ipaddress.ip_address("192.0.2.1")), x509.RFC822Name("a@b.test"),
        x509.UniformResourceIdentifier("https://a.test/x"),
    ]  # fmt: skip
    subject = x509.Name(
        [x509.NameAttribute(x509.NameOID.COMMON_NAME, "csr"), x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "o")]
    )
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    made = builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.PEM).decode()


def test_a_role_is_kept_patched_listed_and_deleted(pki: Authority) -> None:
    program = {"expression": "x ? 'no' : false", "variables": [{"name": "x", "expression": "use_csr"}]}
    made = pki.write("pki/cel/roles/r", {"cel_program": program})
    assert made.data == {"name": "r", "cel_program": program}
    assert pki.ask("read", "pki/cel/roles/r").data == made.data
    assert pki.ask("list", "pki/cel/roles/").data == {"keys": ["r"]}
    changed = pki.ask("patch", "pki/cel/roles/r", {"cel_program": {"expression": "false"}})
    assert changed.data == {"name": "r", "cel_program": {**program, "expression": "false"}}
    missing = pki.ask("patch", "pki/cel/roles/none", {"cel_program": program})
    assert missing.errors == ["Unable to fetch cel role entry to patch"]
    assert pki.ask("delete", "pki/cel/roles/r").status != 204, "OpenBao 2.6.2 sends 200 without data"
    assert pki.ask("read", "pki/cel/roles/r").status == 404


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({}, "missing required field 'cel_program'"),
        ({"cel_program": {}}, "cel_program.expression cannot be empty"),
        (
            {"cel_program": {"expression": "nope"}},
            "error type-checking CEL MainProgram: ERROR: <input>:1:1: undeclared reference to 'nope' "
            "(in container 'openbao.pki')\n | nope\n | ^",
        ),
        (
            {"cel_program": {"expression": "CertTemplate{Foo: 1}"}},
            "error type-checking CEL MainProgram: ERROR: <input>:1:17: undefined field 'Foo'\n"
            " | CertTemplate{Foo: 1}\n | ................^",
        ),
    ],
)
def test_programs_are_checked(pki: Authority, data: dict[str, Any], fault: str) -> None:
    assert go_error(pki.write("pki/cel/roles/r", data)) == fault


@pytest.mark.parametrize(
    ("expression", "fault"),
    [
        ("'not today'", "not today"),
        ("false", "request denied"),
        ("true", "request denied"),
        ("1", "unexpected mainProgram result type int64"),
        ("1u", "unexpected mainProgram result type uint64"),
        ("b'x'", "unexpected mainProgram result type []uint8"),
        ("ValidationOutput{}", "template is nil"),
        ("openbao.pki.KeyUsage.KeyUsageDigitalSignature == 1 ? 'one' : 'other'", "one"),
        (
            "now + duration('3600') > now",
            "error evaluating mainProgram: failed to evaluate expression: failed to evaluate expression "
            "\"now + duration('3600') > now\": type conversion error from 'string' to 'google.protobuf.Duration'",
        ),
        (output(template(", ExtraExtensions: [PKIX.Extension{}]")), f"{_CREATE}asn1: structure error: invalid object"),
        (
            output(template(", ExtraExtensions: [PKIX.Extension{Id: [-1, 2]}]")),
            f"{_PARSE}malformed extension OID field",
        ),
        (
            output(template(", ExtraExtensions: [PKIX.Extension{Id: [1, 2, 2147483648]}]")),
            f"{_PARSE}malformed extension OID field",
        ),
        (
            output(template(", UnknownExtKeyUsage: [ObjectIdentifier{arc: [1u, 2u, 4294967295u]}]")),
            f"{_PARSE}invalid extended key usages",
        ),
        (
            output(
                template(", PermittedIPRanges: [net.IPNet{IP: net.IP{IP: b'aaaa'}, Mask: net.IPMask{IPMask: b'a'}}]")
            ),
            f"{_PARSE}IP constraint contained value of length 1",
        ),
        (output(template(", Policies: [OID{arc: [9u, 9u]}]")), "bad policy OID: invalid oid"),
        ("ValidationOutput{template: null}", "template is nil"),
        (output(template(), ", key_type: 'odd'"), "invalid cel response for key type, key bits, or signature bits: "),
        (output(template(), ", key_bits: 1024u"), "invalid cel response for key type, key bits, or signature bits: "),
        (output(template(", IPAddresses: [net.IP{IP: b'a'}]")), "bad IP address: invalid IP bytes: 61"),
        (output(template(", PermittedIPRanges: [net.IPNet{}]")), "bad permitted IP range: empty ip or mask"),
        ("entity_id", 'error evaluating mainProgram: failed to evaluate expression: failed to evaluate expression "'),
    ],
)
def test_programs_that_refuse(pki: Authority, expression: str, fault: str) -> None:
    assert go_error(issue(pki, expression)).startswith(fault)


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("[1][5]", "index out of bounds: 5"),
        ("[1][-1]", "index out of bounds: -1"),
        ("request['x']", "no such key: x"),
        ("int('x')", "type conversion error from 'string' to 'int'"),
        ("double('x')", "type conversion error from 'string' to 'double'"),
        ("bool('x')", "type conversion error from 'string' to 'bool'"),
        ("uint(-1)", "unsigned integer overflow"),
        ("9223372036854775807 + 1", "integer overflow"),
        ("timestamp('x')", "type conversion error from 'string' to 'google.protobuf.Timestamp'"),
        ("timestamp(99999999999999)", "timestamp overflow"),
        ("string(null)", "no such overload: string(null_type)"),
        ("'abc'.substring(5)", "index out of range: 5"),
        ("'abc'.substring(2, 1)", "invalid substring range. start: 2, end: 1"),
        ("'abc'.charAt(9)", "index out of range: 9"),
        ("now.getFullYear('Mars/Foo')", "unknown time zone Mars/Foo"),
    ],
)
def test_errors_of_evaluation(pki: Authority, expression: str, why: str) -> None:
    """The texts are those of OpenBao 2.6.2, whose Go code answered the same requests."""
    assert go_error(issue(pki, expression)) == (
        "error evaluating mainProgram: failed to evaluate expression: failed to evaluate expression "
        f'"{expression}": {why}'
    )


def test_halves_of_characters_are_no_characters(pki: Authority) -> None:
    answer = pki.write("pki/cel/roles/r", {"cel_program": {"expression": r"'\ud83d'"}})
    assert go_error(answer).startswith(
        "invalid CEL syntax for main expression: ERROR: <input>:1:1: invalid unicode code point\n"
    )


@pytest.mark.parametrize("field", ["Subject: null", "URIs: [null]", "ExtraExtensions: [null]", "IPAddresses: [null]"])
def test_null_is_no_message(pki: Authority, field: str) -> None:
    certificate(issue(pki, output(f"CertTemplate{{NotBefore: now, NotAfter: now + duration('1h'), {field}}}")))


def test_numbers_of_a_policy_may_have_64_bits(pki: Authority) -> None:
    certificate(issue(pki, output(template(", Policies: [OID{arc: [1u, 2u, 18446744073709551615u]}]"))))


def test_a_certificate_is_what_the_program_describes(pki: Authority) -> None:
    more = (
        ", KeyUsage: KeyUsage.KeyUsageDigitalSignature, "
        "ExtKeyUsage: [ExtKeyUsage.ExtKeyUsageServerAuth, ExtKeyUsage.ExtKeyUsageClientAuth], "
        "DNSNames: ['a.test', '*.b.test'], EmailAddresses: ['a@b.test'], "
        "IPAddresses: [net.IP{IP: b'\\x7f\\x00\\x00\\x01'}], "
        "URIs: [url.URL{Scheme: 'https', Host: 'x.test', Path: '/a b', RawQuery: 'q=1'}], "
        "Policies: [OID{arc: [1u, 2u, 3u]}], BasicConstraintsValid: true, "
        "ExtraExtensions: [PKIX.Extension{Id: [1, 2, 3, 4], Critical: true, Value: b'\\x05\\x00'}]"
    )
    settings = ", key_type: 'ec', key_bits: 384u, generate_lease: true, warnings: ['careful', '', 'slow']"
    answer = issue(pki, output(template(more), settings))
    made = certificate(answer)
    assert made.subject.rfc4514_string() == "CN=app"
    assert (made.not_valid_after_utc - made.not_valid_before_utc).total_seconds() == 7200
    assert isinstance(made.public_key(), ec.EllipticCurvePublicKey)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.test", "*.b.test"]
    assert names.get_values_for_type(x509.RFC822Name) == ["a@b.test"]
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["https://x.test/a%20b?q=1"]
    usages = made.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [one.dotted_string[-1] for one in usages] == ["1", "2"]
    assert made.extensions.get_extension_for_class(x509.BasicConstraints).value.ca is False
    assert made.extensions.get_extension_for_oid(x509.ObjectIdentifier("1.2.3.4")).critical
    made.verify_directly_issued_by(pki.root)
    data = answer.data or {}
    assert (data["private_key_type"], data["issuing_ca"]) == ("ec", pki.root_pem)
    assert answer.warnings == ["careful", "slow"]
    assert answer.lease is not None
    assert answer.lease.ttl == 7200
    assert pki.data(f"pki/cert/{data['serial_number']}", "read")["certificate"].strip() == data["certificate"]


def test_a_certificate_need_not_be_stored(pki: Authority) -> None:
    data = issue(pki, output(template(), ", no_store: true")).data or {}
    assert data["private_key_type"] == "rsa"
    assert pki.ask("read", f"pki/cert/{data['serial_number']}").status == 404


def test_numbers_of_a_request_are_texts_for_programs(pki: Authority) -> None:
    """``request`` has the parameters as they were sent, whose numbers are Go's ``json.Number``, a text."""
    assert go_error(issue(pki, "request.n == '5' ? 'text' : 'number'", n=5)) == "text"


def test_a_lifetime_may_be_asked_for_in_one_way(pki: Authority) -> None:
    answer = issue(pki, output(template()), not_after="2030-01-01T00:00:00Z")
    assert go_error(answer).startswith("Either ttl or not_after should be provided.")


def test_a_request_is_signed(pki: Authority) -> None:
    role(
        pki,
        "ok ? result : 'wrong organization'",
        ("ok", "parsed_csr.Subject.Organization[0] == 'o' && use_csr"),
        ("result", output(template(", DNSNames: parsed_csr.DNSNames"), ", subject_key_id: b'abc'")),
    )
    answer = pki.write("pki/cel/sign/r", {**_REQUEST, "csr": signing_request(), "remove_roots_from_chain": True})
    made = certificate(answer)
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["a.test"]
    assert made.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest == b"abc"
    data = answer.data or {}
    assert (data["private_key"], data["private_key_type"], "ca_chain" in data) == ("", "", False)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("parsed_csr.Subject.CommonName", "csr"),
        ("parsed_csr.IPAddresses[0]", "192.0.2.1"),
        ("parsed_csr.EmailAddresses[0]", "a@b.test"),
        ("parsed_csr.URIs[0]", "https://a.test/x"),
        ("parsed_csr.PublicKeyAlgorithm", "ECDSA"),
        ("parsed_csr.SignatureAlgorithm", "ECDSA-SHA256"),
    ],
)
def test_programs_see_the_request(pki: Authority, expression: str, text: str) -> None:
    role(pki, expression)
    assert go_error(pki.write("pki/cel/sign/r", {"csr": signing_request()})) == text


def test_requests_that_cannot_be_signed(pki: Authority) -> None:
    role(pki, output(template()))
    assert go_error(pki.write("pki/cel/sign/r", {**_REQUEST, "csr": "x"})) == "failed to parse CSR: invalid CSR format"
    assert go_error(pki.write("pki/cel/sign/r", _REQUEST)) == "csr contains no data"
    assert go_error(pki.write("pki/cel/issue/none", _REQUEST)) == "CEL role not found"


def test_worlds_and_dumps_keep_roles() -> None:
    program = {"expression": "ok ? 'a' : 'b'", "variables": [{"name": "ok", "expression": "use_csr"}]}
    mount = {"type": "pki", "cel_roles": {"r": {"cel_program": program}}}
    with MockKMS(seed={"flavor": "openbao", "vault": {"mounts": {"pki/": mount}}}) as kms:
        text = kms.dump()
        pickle.dumps(kms.world.core.state)
    assert yaml.safe_load(text)["vault"]["mounts"]["pki/"]["cel_roles"] == mount["cel_roles"]
    with MockKMS(seed=text) as again:
        assert again.dump() == text
    mount["cel_roles"] = {"r": {"cel_program": {"expression": "1 +"}}}
    with pytest.raises(SeedError, match="invalid CEL syntax for main expression"):
        MockKMS(seed={"flavor": "openbao", "vault": {"mounts": {"pki/": mount}}})


@pytest.mark.flavors("vault", "vault-1.21")
def test_vault_has_no_such_roles(pki: Authority) -> None:
    for path in ("pki/cel/roles/r", "pki/cel/issue/r", "pki/cel/sign/r"):
        assert pki.write(path, {}).errors == ["1 error occurred:\n\t* unsupported path\n\n"]
