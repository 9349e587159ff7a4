"""AWS Signature Version 4, by the vectors of AWS's own test suite (``get-vanilla`` and others), and botocore."""

from __future__ import annotations

import hashlib

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from mockkms.crypto import sigv4
from mockkms.crypto.sigv4 import CredentialScope

_SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
_SCOPE = CredentialScope("AKIDEXAMPLE", "20150830", "us-east-1", "service")
_HEADERS = [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z")]
_EMPTY = hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize(
    ("method", "query", "signature"),
    [
        ("GET", [], "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("POST", [], "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
        (
            "GET",
            [("Param2", "value2"), ("Param1", "value1")],
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
    ],
)
def test_vectors(method: str, query: list[tuple[str, str]], signature: str) -> None:
    """``get-vanilla``, ``post-vanilla`` and ``get-vanilla-query-order``."""
    made = sigv4.signature(
        _SECRET,
        _SCOPE,
        "20150830T123600Z",
        method=method,
        path="/",
        query=query,
        headers=_HEADERS,
        payload=_EMPTY,
    )
    assert made == signature


def test_headers_and_credentials_are_read() -> None:
    rest = "Credential=A/20150830/us-east-1/sts/aws4_request, SignedHeaders=host;x-amz-date, Signature=ab"
    read = sigv4.parse_authorization(rest)
    assert read == (CredentialScope("A", "20150830", "us-east-1", "sts"), ["host", "x-amz-date"], "ab")
    slashes = sigv4.parse_credential("a/b/20150830/us-east-1/sts/aws4_request")
    assert slashes == CredentialScope("a/b", "20150830", "us-east-1", "sts")
    for odd in ("", "Credential=A", rest.replace("aws4_request", "aws5"), rest.replace(", Signature=ab", "")):
        assert sigv4.parse_authorization(odd) is None
    assert sigv4.parse_moment("20150830T123600Z") == 1440938160
    assert sigv4.format_moment(1440938160) == "20150830T123600Z"
    with pytest.raises(ValueError, match="does not match format"):
        sigv4.parse_moment("now")


def test_forms_are_signed_as_botocore_signs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    made = sigv4.signed_form("A", "S", "us-east-1", "sts", "127.0.0.1:5000", body, 1440938160)
    request = AWSRequest(
        method="POST", url="http://127.0.0.1:5000/", data=body, headers={"Content-Type": made["content-type"]}
    )
    request.context["timestamp"] = made["x-amz-date"]
    request.headers["X-Amz-Date"] = made["x-amz-date"]
    signer = SigV4Auth(Credentials("A", "S"), "sts", "us-east-1")
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert made["authorization"] == (
        "AWS4-HMAC-SHA256 Credential=A/20150830/us-east-1/sts/aws4_request, "
        f"SignedHeaders=content-type;host;x-amz-date, Signature={signature}"
    )
    assert {name: value for name, value in made.items() if name != "authorization"} == {
        "content-type": "application/x-www-form-urlencoded; charset=utf-8", "host": "127.0.0.1:5000",
        "x-amz-date": "20150830T123600Z",
    }  # fmt: skip
