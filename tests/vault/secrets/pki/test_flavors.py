"""What one product's PKI has and the other has not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.vault.secrets.pki.authority import Authority

_OWN_ROLE = {
    "allow_globs_in_identity_templates", "allowed_ip_sans_cidr", "not_before", "not_before_bound", "not_after_bound",
}  # fmt: skip
_UNIFIED_CRL = {"cross_cluster_revocation", "unified_crl", "unified_crl_on_existing_paths", "max_crl_entries"}
_UNIFIED_TIDY = {
    "tidy_revocation_queue", "tidy_cross_cluster_revoked_certs", "tidy_cert_metadata", "tidy_cmpv2_nonce_store",
    "revocation_queue_safety_buffer", "min_startup_backoff_duration", "max_startup_backoff_duration",
}  # fmt: skip


@pytest.fixture(scope="module")
def bao() -> Authority:
    return Authority("openbao")


@pytest.fixture(scope="module")
def vault() -> Authority:
    return Authority("vault")


@pytest.mark.parametrize(
    ("path", "own", "theirs"),
    [
        ("pki/roles/any", _OWN_ROLE, {"serial_number_source"}),
        ("pki/config/crl", {"allow_expired_cert_revocation"}, _UNIFIED_CRL),
        ("pki/config/auto-tidy", {"tidy_invalid_certs", "revoked_safety_buffer", "page_size"}, _UNIFIED_TIDY),
        ("pki/tidy-status", {"tidy_invalid_certs", "revoked_safety_buffer", "page_size"},
         {"tidy_revocation_queue", "tidy_cross_cluster_revoked_certs", "tidy_cert_metadata", "tidy_cmpv2_nonce_store",
          "revocation_queue_deleted_count", "cross_revoked_cert_deleted_count", "cert_metadata_deleted_count",
          "cmpv2_nonce_deleted_count", "last_auto_tidy_finished"}),
    ],
)  # fmt: skip
def test_what_is_shown(bao: Authority, vault: Authority, path: str, own: set[str], theirs: set[str]) -> None:
    one, other = bao.data(path, "read").keys(), vault.data(path, "read").keys()
    assert (one - other, other - one) == (own, theirs)


def test_an_issued_certificate(bao: Authority, vault: Authority) -> None:
    assert bao.issue().keys() ^ vault.issue().keys() == {"not_before", "authority_key_id"}


def test_lists_in_detail(bao: Authority, vault: Authority) -> None:
    assert bao.data("pki/certs/detailed/", "list")["key_info"]
    assert vault.errors("pki/certs/detailed/", "list")[0] == 404


@pytest.mark.parametrize(
    "path", ["pki/unified-crl", "pki/unified-crl/pem", "pki/issuer/x/unified-crl", "pki/unified-ocsp"]
)
def test_unified_lists_lead_nowhere(bao: Authority, vault: Authority, path: str) -> None:
    assert (vault.raw(path).status, vault.raw(path).errors) == (404, ["unsupported path"])
    assert bao.raw(path).status == 403


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"unified_crl": True}, "unified_crl can only be enabled on Vault Enterprise"),
        ({"unified_crl_on_existing_paths": True},
         "unified_crl_on_existing_paths cannot be enabled if unified_crl is disabled"),
        ({"cross_cluster_revocation": True},
         "Global, cross-cluster revocation queue cannot be enabled when auto rebuilding is disabled as the local "
         "cluster may not have the certificate entry!"),
        ({"cross_cluster_revocation": True, "auto_rebuild": True},
         "Global, cross-cluster revocation queue (cross_cluster_revocation) can only be enabled on Vault Enterprise."),
    ],
)  # fmt: skip
def test_revocation_over_clusters_is_for_the_enterprise(vault: Authority, given: dict[str, Any], text: str) -> None:
    assert vault.errors("pki/config/crl", **given) == (400, [text])


def test_any_key_is_for_signing_only(bao: Authority, vault: Authority) -> None:
    for pki in (bao, vault):
        pki.data("pki/roles/every", allow_any_name=True, key_type="any")
    bao.data("pki/issue/every", common_name="x.test", key_type="ec")
    status, errors = vault.errors("pki/issue/every", common_name="x.test", key_type="ec")
    assert (status, errors) == (400, ['role key type "any" not allowed for issuing certificates, only signing'])


def test_the_other_products_parameters_are_unknown(bao: Authority, vault: Authority) -> None:
    answer = vault.write("pki/roles/bound", {"not_after_bound": "forbid", "key_type": "ec", "allow_any_name": True})
    assert "Endpoint ignored these unrecognized parameters: [not_after_bound]" in answer.warnings
    vault.data("pki/issue/bound", common_name="x.test", not_after="2027-02-01T00:00:00Z")
    answer = bao.write("pki/config/crl", {"unified_crl": True})
    assert answer.warnings == ["Endpoint ignored these unrecognized parameters: [unified_crl]"]


def test_tidies_are_named(bao: Authority, vault: Authority) -> None:
    rest = " / tidy_revoked_cert_issuer_associations / tidy_expired_issuers / tidy_move_legacy_ca_bundle / "
    head = "Auto-tidy enabled but no tidy operations were requested. Enable at least one tidy operation to be run ("
    for pki, parts in (
        (bao, f"tidy_cert_store / tidy_revoked_certs / tidy_invalid_certs{rest}tidy_acme"),
        (vault, f"tidy_cert_store / tidy_revoked_certs{rest}tidy_acme / tidy_cross_cluster_revoked_certs / "
                "tidy_revocation_queue / tidy_cert_metadata / tidy_cmpv2_nonce_store"),
    ):  # fmt: skip
        assert pki.errors("pki/config/auto-tidy", enabled=True) == (400, [f"{head}{parts})."])
    assert vault.errors("pki/tidy", tidy_cert_metadata=True)[1] == [
        "certificate metadata is only supported on Vault Enterprise"
    ]
