"""Tidying: what is forgotten and when, by request and by itself."""

from __future__ import annotations

from typing import Any

from tests.vault.secrets.pki.authority import Authority, serial

HOUR = 3600.0


def stored(pki: Authority) -> list[str]:
    keys: list[str] = pki.data("pki/certs/", "list")["keys"]
    return keys


def status(pki: Authority) -> dict[str, Any]:
    return pki.data("pki/tidy-status", "read")


def tidy(pki: Authority, **given: Any) -> dict[str, Any]:
    assert pki.write("pki/tidy", given).status == 202
    return status(pki)


def test_only_certificates_that_expired_before_the_buffer_are_removed(pki: Authority) -> None:
    leaf = pki.issue(ttl="1h")
    pki.later(2 * HOUR)
    assert tidy(pki, tidy_cert_store=True, safety_buffer="1h")["cert_store_deleted_count"] == 0
    pki.later(1)
    assert tidy(pki, tidy_cert_store=True, safety_buffer="1h")["cert_store_deleted_count"] == 1
    assert leaf["serial_number"] not in stored(pki)


def test_revoked_certificates_have_a_buffer_of_their_own(pki: Authority) -> None:
    leaf = pki.issue(ttl="1h")
    pki.revoke(leaf)
    pki.later(3 * HOUR)
    buffers = {"safety_buffer": "1h", "revoked_safety_buffer": "10h"}
    assert tidy(pki, tidy_cert_store=True, tidy_revoked_certs=True, **buffers)["cert_store_deleted_count"] == 0
    assert pki.listed() == [serial(leaf)]
    buffers["revoked_safety_buffer"] = "1h"
    done = tidy(pki, tidy_cert_store=True, tidy_revoked_certs=True, **buffers)
    assert (done["cert_store_deleted_count"], done["revoked_cert_deleted_count"]) == (1, 1)
    assert pki.listed() == []


def test_a_certificate_may_go_while_its_revocation_stays(pki: Authority) -> None:
    leaf = pki.issue(ttl="1h")
    pki.revoke(leaf)
    pki.later(3 * HOUR)
    done = tidy(pki, tidy_cert_store=True, safety_buffer="1h")
    assert (done["cert_store_deleted_count"], done["revoked_cert_deleted_count"]) == (1, 0)
    assert pki.data("pki/certs/revoked/", "list")["keys"] == [leaf["serial_number"]]


def test_lists_that_are_built_by_themselves_are_not_built_for_a_tidy(pki: Authority) -> None:
    pki.data("pki/config/crl", auto_rebuild=True, expiry="1000h")
    leaf = pki.issue(ttl="1h")
    pki.revoke(leaf)
    pki.data("pki/crl/rotate", "read")
    pki.later(100 * HOUR)
    tidy(pki, tidy_revoked_certs=True)
    assert pki.listed() == [serial(leaf)]


def test_the_automatic_tidy_follows_the_clock(pki: Authority) -> None:
    leaf = pki.issue(ttl="1h")
    pki.data("pki/config/auto-tidy", enabled=True, interval_duration="6h", tidy_cert_store=True, safety_buffer="1h")
    pki.later(6 * HOUR - 1)
    assert leaf["serial_number"] in stored(pki)
    assert status(pki)["state"] == "Inactive"
    pki.later(1)
    assert leaf["serial_number"] not in stored(pki)
    first = status(pki)
    assert (first["state"], first["cert_store_deleted_count"]) == ("Finished", 1)
    pki.later(6 * HOUR)
    assert status(pki)["time_started"] > first["time_started"]
    pki.data("pki/config/auto-tidy", enabled=False)
    last = status(pki)["time_started"]
    pki.later(100 * HOUR)
    assert status(pki)["time_started"] == last


def test_a_tidy_by_request_puts_the_automatic_one_off(pki: Authority) -> None:
    pki.data("pki/config/auto-tidy", enabled=True, interval_duration="6h", tidy_cert_store=True)
    pki.later(5 * HOUR)
    last = tidy(pki, tidy_cert_store=True)["time_started"]
    pki.later(5 * HOUR)
    assert status(pki)["time_started"] == last


def test_counting_begins_at_the_next_start(pki: Authority) -> None:
    pki.data("pki/config/auto-tidy", maintain_stored_certificate_counts=True)
    pki.issue()
    assert status(pki)["current_cert_store_count"] is None


def test_a_tidy_with_pauses_goes_on_from_entry_to_entry(pki: Authority) -> None:
    stored_before = len(stored(pki))
    for _ in range(2):
        pki.issue(ttl="1h")
    pki.later(3 * HOUR)
    total = stored_before + 2
    running = tidy(pki, tidy_cert_store=True, safety_buffer="1h", pause_duration="10s")
    assert (running["state"], running["time_finished"], running["cert_store_deleted_count"]) == ("Running", None, 0)
    assert "checking entry 0 of" in running["message"]
    again = pki.write("pki/tidy", {"tidy_cert_store": True})
    assert again.warnings == ["Tidy operation already in progress."]
    pki.later(10)
    assert "checking entry 1 of" in status(pki)["message"]
    pki.later(10.0 * total - 11)
    assert status(pki)["state"] == "Running"
    pki.later(1)
    done = status(pki)
    assert (done["state"], done["message"], done["cert_store_deleted_count"]) == ("Finished", None, 2)


def test_a_tidy_is_cancelled_after_its_next_entry(pki: Authority) -> None:
    pki.issue(ttl="1h")
    tidy(pki, tidy_cert_store=True, pause_duration="10s")
    assert pki.data("pki/tidy-cancel")["state"] == "Cancelling"
    pki.later(9)
    assert status(pki)["state"] == "Cancelling"
    pki.later(1)
    ended = status(pki)
    assert (ended["state"], ended["error"]) == ("Cancelled", None)
    assert "checking entry 0 of" in ended["message"]
    assert ended["time_finished"] is not None
    nothing = pki.write("pki/tidy-cancel", {})
    assert nothing.warnings == ["Tidy operation cannot be cancelled as none is currently running."]
