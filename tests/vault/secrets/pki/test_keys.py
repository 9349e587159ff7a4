"""Keys of other systems are known by name only, and requests are never signed with PSS."""

from __future__ import annotations

import pytest

from tests.vault.secrets.pki.authority import Authority


@pytest.mark.parametrize(
    ("path", "given", "text"),
    [
        ("keys/generate/kms", {}, "Unknown type of key to generate"),
        ("root/generate/kms", {"common_name": "x"}, "unsupported public key: <nil>"),
        ("intermediate/generate/kms", {"common_name": "x"}, "unsupported public key: <nil>"),
        ("issuers/generate/root/kms", {"common_name": "x", "format": "x"},
         'the "format" path parameter must be "pem", "der", or "pem_bundle"'),
        ("root/generate/kms", {"key_type": "ec"},
         "invalid parameter for the kms/existing path parameter, key_type nor key_bits arguments can be set in this "
         "mode"),
        ("root/generate/none", {},
         'the "exported" path parameter must be "internal", "existing", exported" or "kms"'),
        ("root/generate/internal", {"key_type": "external-key"}, "unknown key type external-key"),
    ],
)  # fmt: skip
def test_keys_elsewhere(pki: Authority, path: str, given: dict[str, str], text: str) -> None:
    assert pki.errors(f"pki/{path}", **given) == (400, [text])


@pytest.mark.parametrize(
    ("path", "given"),
    [("keys/generate/internal", {"external_key_ref": "x"}), ("root/generate/internal", {"external_key_ref": "x"}),
     ("intermediate/generate/internal", {"use_pss": True}), ("intermediate/cross-sign", {"use_pss": True})],
)  # fmt: skip
def test_parameters_that_are_none(pki: Authority, path: str, given: dict[str, object]) -> None:
    kind = {} if "cross" in path else {"key_type": "ec"}
    answer = pki.write(f"pki/{path}", {"common_name": "x", **kind, **given})
    unknown = sorted([*given, *(["common_name"] if "keys" in path else [])])
    assert answer.errors is None
    assert f"Endpoint ignored these unrecognized parameters: [{' '.join(unknown)}]" in answer.warnings
