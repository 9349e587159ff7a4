"""Issuers: what writes and patches change, and what can be read without a token."""

from __future__ import annotations

import pytest

from tests.vault.secrets.pki.authority import Authority

URL = ["http://x.test/delta"]


@pytest.mark.parametrize("form", ["json", "pem", "der", "crl", "crl/pem", "crl/der", "crl/delta", "crl/delta/der"])
def test_what_answers_without_a_token(pki: Authority, form: str) -> None:
    assert pki.raw(f"pki/issuer/default/{form}").errors is None


@pytest.mark.parametrize("path", ["pki/issuer/default", "pki/keys", "pki/certs", "pki/issuers"])
def test_what_does_not(pki: Authority, path: str) -> None:
    assert pki.raw(path).status == 403


@pytest.mark.parametrize("path", ["pki/cert/crl/raw", "pki/cert/delta-crl/raw/pem"])
def test_lists_below_cert_are_json_only(pki: Authority, path: str) -> None:
    assert pki.raw(path).status == 404


def test_a_write_leaves_the_addresses_of_delta_lists(pki: Authority) -> None:
    lists = {"issuing_certificates": ["http://x.test/ca"], "delta_crl_distribution_points": URL}
    assert pki.data("pki/issuer/default", **lists)["delta_crl_distribution_points"] is None
    assert pki.data("pki/issuer/default", "patch", **lists)["delta_crl_distribution_points"] == URL
    shown = pki.data("pki/issuer/default", issuing_certificates=["http://x.test/ca"])
    assert shown["delta_crl_distribution_points"] == URL


def test_lists_that_were_never_written_are_null(pki: Authority) -> None:
    names = ("issuing_certificates", "crl_distribution_points", "ocsp_servers")
    assert [pki.data("pki/issuer/default", "read")[name] for name in names] == [[], [], []]
    for shown in (pki.data("pki/issuer/default", ocsp_servers=URL), pki.data("pki/issuer/default", "read")):
        assert [shown[name] for name in names] == [None, None, URL]
    pki.data("pki/issuer/default", ocsp_servers=URL, issuing_certificates=URL)
    assert [pki.data("pki/issuer/default", ocsp_servers=URL)[name] for name in names] == [[], None, URL]
    assert [pki.data("pki/issuer/default", issuer_name="a")[name] for name in names] == [[], [], []]


def test_a_patch_switches_templates_on_but_not_off(pki: Authority) -> None:
    pki.data("pki/issuer/default", "patch", ocsp_servers=["http://x.test"], enable_aia_url_templating=True)
    shown = pki.data("pki/issuer/default", "patch", enable_aia_url_templating=False)
    assert shown["enable_aia_url_templating"] is True
    shown = pki.data("pki/issuer/default", ocsp_servers=["http://x.test"])
    assert shown["enable_aia_url_templating"] is False
