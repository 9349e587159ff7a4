"""What Vault's transit does that OpenBao's does not: nonces, paddings, batches of any type, enterprise key types."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms.vault.framework.message import Response
from tests.vault.secrets.transit.ring import Ring, b64

PLAIN = b64(b"x")
REFUSED = "provided nonce not allowed for this key"
PROOFS = "'signature', 'hmac' or 'cmac'"
ILLEGAL = "illegal base64 data at input byte 0"


def prepare(ring: Ring) -> None:
    post(ring, "keys/k")
    post(ring, "keys/ed", {"type": "ed25519"})


pytestmark = [pytest.mark.flavors("vault", "vault-1.21"), pytest.mark.prepared(by=prepare)]


def post(ring: Ring, path: str, data: dict[str, Any] | None = None) -> Response:
    return ring.ask("update", path, **(data or {}))


def text_of(response: Response) -> str:
    assert response.errors
    return response.errors[0].removeprefix("1 error occurred:\n\t* ").removesuffix("\n\n")


def items_of(response: Response) -> list[dict[str, Any]]:
    assert response.data is not None
    items: list[dict[str, Any]] = response.data["batch_results"]
    return items


def test_faults_of_padding_and_associated_data_leave_a_batch_successful(ring: Ring) -> None:
    post(ring, "keys/r", {"type": "rsa-2048"})
    answer = post(ring, "encrypt/k", {"batch_input": [{"plaintext": PLAIN, "padding_scheme": "oaep"}]})
    assert not answer.status
    assert items_of(answer)[0]["error"] == (
        "'[0].padding_scheme' invalid: unsupported key type aes256-gcm96 for padding scheme"
    )
    both = {"plaintext": PLAIN, "padding_scheme": "none", "associated_data": PLAIN}
    answer = post(ring, "encrypt/r", {"batch_input": [both]})
    assert not answer.status
    assert items_of(answer)[0]["error"] == "'[0].padding_scheme' invalid: unknown padding scheme: none"


def test_a_padding_of_null_is_invalid(ring: Ring) -> None:
    answer = post(ring, "encrypt/k", {"batch_input": [{"plaintext": PLAIN, "padding_scheme": None}]})
    assert "'[0].padding_scheme' expected type 'string', got unconvertible type '<nil>'" in text_of(answer)


def test_nonces_are_decoded_and_refused(ring: Ring) -> None:
    answer = post(ring, "encrypt/k", {"batch_input": [{"plaintext": PLAIN, "nonce": "!"}]})
    assert (answer.status, items_of(answer)[0]["error"]) == (400, ILLEGAL)
    assert text_of(post(ring, "encrypt/k", {"plaintext": PLAIN, "nonce": PLAIN})) == REFUSED
    sealed = post(ring, "encrypt/k", {"plaintext": PLAIN})
    assert sealed.data is not None
    text = sealed.data["ciphertext"]
    assert text_of(post(ring, "decrypt/k", {"ciphertext": text, "nonce": "!"})) == ILLEGAL
    assert post(ring, "decrypt/k", {"ciphertext": text, "nonce": PLAIN}).data == {"plaintext": PLAIN}
    assert text_of(post(ring, "rewrap/k", {"ciphertext": text, "nonce": PLAIN})) == REFUSED
    assert text_of(post(ring, "datakey/wrapped/k", {"nonce": "!"})) == "failed to base64-decode nonce"
    answer = post(ring, "datakey/wrapped/k", {"nonce": PLAIN})
    assert (answer.status, text_of(answer)) == (500, REFUSED)


def test_rewrap_reports_padding_errors_per_item(ring: Ring) -> None:
    sealed = post(ring, "encrypt/k", {"plaintext": PLAIN})
    assert sealed.data is not None
    item = {"ciphertext": sealed.data["ciphertext"], "encrypt_padding_scheme": "oaep"}
    answer = post(ring, "rewrap/k", {"batch_input": [item]})
    assert not answer.status
    assert items_of(answer)[0]["error"] == (
        "'[0].encrypt_padding_scheme' invalid: unsupported key type aes256-gcm96 for padding scheme"
    )


def test_encrypt_creates_rsa_keys(ring: Ring) -> None:
    assert post(ring, "encrypt/new", {"plaintext": PLAIN, "type": "rsa-2048"}).errors is None
    answer = post(ring, "encrypt/derived", {"plaintext": PLAIN, "type": "rsa-2048", "context": PLAIN})
    assert answer.status == 500
    bao = Ring("openbao")
    assert text_of(post(bao, "encrypt/new", {"plaintext": PLAIN, "type": "rsa-2048"})) == "unknown key type rsa-2048"


def test_verify_takes_items_of_any_type(ring: Ring) -> None:
    signature = post(ring, "sign/ed", {"input": ""}).data
    assert signature is not None
    proof = {"signature": signature["signature"]}
    answer = post(ring, "verify/ed", {"batch_input": [proof, {**proof, "input": True}, {**proof, "reference": 5}]})
    results = items_of(answer)
    assert results[0] == {"valid": True, "reference": ""}
    assert results[1]["error"].startswith("failed to parse item: failed to parse input: illegal base64 data")
    assert results[2] == {"valid": True, "reference": "5"}


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ([{"input": ""}], f"no batch_input elements have {PROOFS}"),
        ([{"cmac": "a"}, {}], "some elements of batch_input are missing 'cmac'"),
        (
            [{"cmac": "a"}, {"hmac": "a"}],
            "elements of batch_input must all provide either 'signature', 'hmac' or 'cmac'",
        ),
        ([], "missing batch input to process"),
    ],
)
def test_verify_refuses_signatures_mixed_with_hmacs(ring: Ring, items: list[Any], text: str) -> None:
    assert text_of(post(ring, "verify/ed", {"batch_input": items})) == text


def test_only_pure_ed25519_is_supported(ring: Ring) -> None:
    pure = "only Pure Ed25519 signatures supported,"
    answer = post(ring, "sign/ed", {"input": PLAIN, "signature_context": PLAIN})
    assert text_of(answer) == f"failed to parse batch item: {pure} signature_context must be empty"
    answer = post(ring, "sign/ed", {"batch_input": [{"input": "!"}, {"input": PLAIN}], "prehashed": True})
    assert not answer.status
    assert [item["error"] for item in items_of(answer)] == [
        f"unable to decode input: {ILLEGAL}",
        f"failed to parse batch item: {pure} prehashed must be false",
    ]
    answer = post(ring, "verify/ed", {"input": PLAIN, "signature": "vault:v1:", "prehashed": True})
    assert text_of(answer) == f"failed to parse item: failed to parse batch item: {pure} prehashed must be false"
    assert text_of(post(ring, "verify/k", {"signature": "a"})) == "key type aes256-gcm96 does not support signing"


@pytest.mark.parametrize(
    ("parameters", "status", "text"),
    [
        ({"type": "managed_key"}, 500, "managed keys are supported within enterprise edition only"),
        ({"type": "aes256-cmac"}, 400, "CMAC operations are only available in enterprise versions of Vault"),
        ({"type": "ml-dsa", "parameter_set": "1"}, 400, "invalid parameter set 1 for key type ml-dsa"),
        (
            {"type": "ml-dsa", "parameter_set": "44"},
            400,
            "PQC key types are only available in enterprise versions of Vault",
        ),
        ({"type": "ml-dsa", "parameter_set": "44", "key_size": 32}, 400, "key_size is not valid for algorithm ml-dsa"),
        ({"type": "hybrid"}, 400, "invalid config for hybrid key: invalid PQC key type: "),
        (
            {"type": "hybrid", "hybrid_key_type_pqc": "ml-dsa", "parameter_set": "44", "hybrid_key_type_ec": "x"},
            400,
            "invalid config for hybrid key: invalid key type for hybrid key: x",
        ),
    ],
)
def test_enterprise_key_types(ring: Ring, parameters: dict[str, Any], status: int, text: str) -> None:
    answer = post(ring, "keys/e", parameters)
    assert (answer.status, text_of(answer)) == (status, text)


@pytest.mark.parametrize(
    ("path", "data", "status", "text"),
    [
        ("x/none", {"bits": 1, "context": "!", "nonce": "!"}, 400, "failed to base64-decode context"),
        ("x/none", {"bits": 1, "nonce": "!"}, 400, "failed to base64-decode nonce"),
        ("x/none", {"bits": 1}, 400, "invalid bit length"),
        ("x/none", {"padding_scheme": ""}, 400, "Invalid path, must be 'plaintext' or 'wrapped'"),
        ("wrapped/none", {"padding_scheme": ""}, 400, "encryption key not found"),
        ("wrapped/k", {"padding_scheme": "", "nonce": PLAIN}, 400,
         "padding_scheme argument invalid: unknown padding scheme: "),
        ("wrapped/k", {"padding_scheme": "oaep", "nonce": PLAIN}, 400,
         "padding_scheme argument invalid: unsupported key type aes256-gcm96 for padding scheme"),
        ("wrapped/k", {"nonce": PLAIN, "key_version": 9}, 500, REFUSED),
    ],
)  # fmt: skip
def test_the_first_of_several_faults_of_a_data_key(
    ring: Ring, path: str, data: dict[str, Any], status: int, text: str
) -> None:
    answer = post(ring, f"datakey/{path}", data)
    assert (answer.status, text_of(answer)) == (status, text)


@pytest.mark.parametrize(
    ("path", "data", "products"),
    [
        ("random/4", {"drbg": "hmacdrbg"}, {"vault"}),
        ("random/all/4", {"drbg": "hmacdrbg"}, {"vault"}),
        ("encrypt/k", {"plaintext": PLAIN, "iv": PLAIN}, {"vault", "vault-1.21"}),
    ],
)
def test_which_parameters_of_the_enterprise_are_known(
    ring: Ring, path: str, data: dict[str, Any], products: set[str]
) -> None:
    assert (post(ring, path, data).warnings == []) == (ring.core.product.name in products)


@pytest.mark.parametrize(
    ("path", "data", "valid"),
    [
        ("verify/k", {"algorithm": "sha2-512"}, True),
        ("verify/k", {"algorithm": "sha2-256", "hash_algorithm": "sha2-512"}, True),
        ("verify/k/sha2-512", {"algorithm": "x", "hash_algorithm": "x"}, True),
        ("verify/k", {"algorithm": "sha2-512", "hash_algorithm": "sha2-256"}, False),
        ("verify/k", {"algorithm": "sha2-512", "hash_algorithm": ""}, None),
        ("verify/k", {"algorithm": "x"}, None),
        ("verify/k/x", {}, None),
    ],
)
def test_the_hash_of_an_hmac_to_check(ring: Ring, path: str, data: dict[str, Any], valid: bool | None) -> None:
    """``builtin/logical/transit/path_hmac.go``, ``pathHMACVerify``; None: the name of the hash is unknown."""
    made = post(ring, "hmac/k/sha2-512", {"input": PLAIN}).data
    assert made is not None
    response = post(ring, path, {"input": PLAIN, "hmac": made["hmac"], **data})
    if valid is None:
        assert text_of(response) == "unsupported algorithm '\\x00'"
    else:
        assert response.data == {"valid": valid}
