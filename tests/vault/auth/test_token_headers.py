"""Keys and critical headers in signed tokens: what go-jose refuses, in the words of a real OpenBao's ACME server."""

from __future__ import annotations

import re

import pytest

from mockkms.crypto import jws
from mockkms.vault.auth import token_headers

X, Y = "l67Y5wycWolL_MCLGYebOwQwRQNMaFfSlc_NJecN8pI", "Xd_-bixLuZ93OwAKRCCbtaHeGpscAUL-BQF-UAF_qYc"
POINT = {"kty": "EC", "crv": "P-256", "x": X, "y": Y}


@pytest.mark.parametrize(
    ("key", "text"),
    [
        (
            {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
            "go-jose/go-jose: invalid EC public key, wrong length for x",
        ),
        (POINT | {"y": X}, "go-jose/go-jose: invalid EC key, X/Y are not on declared curve"),
        (POINT | {"crv": "P-384"}, "go-jose/go-jose: invalid EC public key, wrong length for x"),
        (POINT | {"crv": "P-999"}, "go-jose/go-jose: unsupported elliptic curve 'P-999'"),
        ({"kty": "RSA", "n": "!", "e": "AQAB"}, "illegal base64 data at input byte 0"),
        (POINT | {"x": 5}, "json: cannot unmarshal number into Go value of type string"),
        (POINT | {"kid": 5}, "json: cannot unmarshal number into Go value of type string"),
        ({"kty": "OKP", "crv": "X25519", "x": "AA"}, "go-jose/go-jose: unsupported key type/format"),
        ({"kty": "x"}, "go-jose/go-jose: unsupported key type/format"),
        ({"kty": 5}, "json: cannot unmarshal number into Go value of type string"),
        ({}, "go-jose/go-jose: missing json web key type"),
        (None, "go-jose/go-jose: missing json web key type"),
        ([], "json: cannot unmarshal array into Go value of type jose.rawJSONWebKey"),
        (True, "json: cannot unmarshal bool into Go value of type jose.rawJSONWebKey"),
    ],
)
def test_a_key_that_is_none_is_refused_as_by_go_jose(key: object, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        token_headers.check_key(key)


@pytest.mark.parametrize("key", [POINT, {"kty": "oct", "k": "AA"}, {"kty": "RSA", "n": "AA", "e": "AA"}])
def test_other_keys_are_taken(key: object) -> None:
    token_headers.check_key(key)


@pytest.mark.parametrize(
    ("critical", "text"),
    [
        ("x", "json: cannot unmarshal string into Go value of type []string"),
        ([5], "json: cannot unmarshal number into Go value of type string"),
        (["x"], "go-jose/go-jose: unsupported critical header"),
    ],
)
def test_critical_headers_that_are_not_supported_are_refused(critical: object, text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        token_headers.check_critical(jws.JwsToken({"crit": critical}, b"", "", b""))
