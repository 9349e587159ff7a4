"""Paths of ``sys`` that HashiCorp's product has and OpenBao has not: client counts, feature switches, runtimes."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from mockkms import MockKMS

_PATHS = [
    "internal/counters/activity", "internal/counters/activity/monthly", "internal/counters/config", "activation-flags",
    "experiments", "plugins/pins", "plugins/runtimes/catalog",
]  # fmt: skip


def ask(server: MockKMS, method: str, path: str, body: Any = None) -> requests.Response:
    head = {"X-Vault-Token": server.token}
    return requests.request(method, f"{server.url}/v1/sys/{path}", json=body, headers=head, timeout=60)


@pytest.mark.parametrize("path", _PATHS)
def test_the_other_product_has_none_of_it(path: str) -> None:
    with MockKMS(flavor="openbao") as other:
        answer = ask(other, "GET", path)
        assert answer.status_code == 404
        assert "unsupported path" in answer.text


@pytest.mark.parametrize("path", ["activity/monthly", "activity/export"])
def test_no_clients_are_counted(kms: MockKMS, path: str) -> None:
    answer = ask(kms, "GET", f"internal/counters/{path}")
    assert (answer.status_code, answer.content) == (204, b"")


def test_activity_is_all_of_the_months_before(kms: MockKMS) -> None:
    kms.clock.freeze("2026-03-05T12:00:00Z")
    path = "internal/counters/activity?start_time=2026-01-01T00:00:00Z"
    answer = ask(kms, "GET", path).json()
    data = answer["data"]
    assert (data["start_time"], data["end_time"]) == ("2026-01-01T00:00:00Z", "2026-02-28T23:59:59Z")
    assert set(data["total"].values()) == {0}
    assert "was therefore ignored" in answer["warnings"][0]
    assert ask(kms, "GET", f"{path}&end_time=2026-02-01T00:00:00Z").json()["warnings"] is None
    kms.clock.resume()


def test_a_period_ends_after_it_starts(kms: MockKMS) -> None:
    answer = ask(kms, "GET", "internal/counters/activity?start_time=2026-02-01T00:00:00Z&end_time=2026-01-01T00:00:00Z")
    assert answer.json()["errors"] == ["start_time is later than end_time"]


def test_how_clients_are_counted_can_be_changed(kms: MockKMS) -> None:
    path = "internal/counters/config"
    assert ask(kms, "GET", path).json()["data"]["enabled"] == "default-disabled"
    told = ask(kms, "POST", path, {"enabled": "enable", "retention_months": 99, "default_report_months": 1}).json()
    assert [warning.split(" ")[0] for warning in told["warnings"]] == ["default_report_months", "retention_months"]
    shown = ask(kms, "GET", path).json()["data"]
    assert (shown["enabled"], shown["retention_months"]) == ("enable", 60)
    refused = ask(kms, "POST", path, {"retention_months": 0})
    assert (refused.status_code, refused.json()["errors"]) == (400, ["retention_months cannot be 0 while enabled"])
    wrong = ask(kms, "POST", path, {"enabled": "on"}).json()["errors"]
    assert wrong == ['enabled must be one of "default", "enable", "disable"']
    assert "will be deleted" in ask(kms, "POST", path, {"enabled": "disable"}).json()["warnings"][0]


def test_a_feature_is_switched_on_once(kms: MockKMS) -> None:
    for _ in range(2):
        told = ask(kms, "PUT", "activation-flags/force-identity-deduplication/activate").json()["data"]
        assert told == {"activated": ["force-identity-deduplication"]}
    assert ask(kms, "GET", "activation-flags").json()["data"] == told


def test_plugin_runtimes_are_kept(kms: MockKMS) -> None:
    path = "plugins/runtimes/catalog"
    assert ask(kms, "GET", path).json()["data"] == {"runtimes": []}
    assert ask(kms, "LIST", path).json()["data"] == {"runtimes": []}
    assert ask(kms, "GET", f"{path}?type=vm").status_code == 500
    assert ask(kms, "POST", f"{path}/container/gvisor", {"oci_runtime": "runsc", "cpu_nanos": 5}).status_code == 204
    shown = ask(kms, "GET", f"{path}/container/gvisor").json()["data"]
    assert (shown["oci_runtime"], shown["cpu_nanos"], shown["memory_bytes"]) == ("runsc", 5, 0)
    assert ask(kms, "GET", path).json()["data"]["runtimes"] == [shown]
    assert ask(kms, "POST", f"{path}/container/x", {"memory_bytes": -1}).status_code == 400
    assert ask(kms, "DELETE", f"{path}/container/gvisor").status_code == 204
    assert ask(kms, "GET", f"{path}/container/gvisor").status_code == 404


def test_the_rest_answers_as_an_edition_without_it(kms: MockKMS) -> None:
    assert ask(kms, "POST", "config/reload/license").status_code == 204
    assert ask(kms, "GET", "experiments").json()["data"]["enabled"] == []
    assert ask(kms, "GET", "plugins/pins").json()["data"] == {"pinned_versions": []}
    shown = ask(kms, "GET", "plugins/catalog/secret/kv").json()["data"]
    assert not {"oci", "declarative"} & set(shown)
    kms.journal.assert_no_unhandled()
