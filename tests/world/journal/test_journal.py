"""The journal records, queries and asserts."""

from __future__ import annotations

import pytest

from mockkms.faults import FaultError
from mockkms.vault.framework.message import Operation, Request, Trace
from mockkms.world.journal.bounds import PART_LIMIT
from mockkms.world.journal.entry import Entry, entry_of
from mockkms.world.journal.journal import Journal


def journal_of(*lines: str, size: int = 100) -> Journal:
    journal = Journal(size, body_limit=8)
    for line in lines:
        method, target = line.split()
        operation = Operation.READ if method == "GET" else Operation.UPDATE
        request = Request(operation, target[4:], token="secret-token")
        request.trace.mount, request.trace.endpoint = "transit/", "encrypt/{name}"
        headers = {"x-vault-token": "secret-token"}
        journal.record(Entry(0.0, "vault", method, target, headers, b"0123456789", request, 200, b"", 0))
    return journal


ENCRYPT, READ = "POST /v1/transit/encrypt/orders", "GET /v1/transit/keys/orders?x=1"


def test_queries_use_the_words_of_matches() -> None:
    journal = journal_of(ENCRYPT, READ, ENCRYPT)
    assert journal.count("transit/encrypt/*", operation="update") == 2
    assert journal.count(key="orders", method="POST") == 2
    assert journal.count(status=[200, 204], fault=False) == 3
    assert journal.lines(method="GET") == [READ]
    with pytest.raises(FaultError, match="did you mean 'status'"):
        journal.entries(statsu=1)


def test_assertions_pass_and_fail_with_the_journal_in_the_text() -> None:
    journal = journal_of(ENCRYPT, READ)
    assert len(journal.assert_called("transit/encrypt/orders", times=1)) == 1
    journal.assert_not_called("secret/*")
    journal.assert_order("transit/encrypt/*", {"method": "GET"})
    for failing in (
        lambda: journal.assert_called("transit/encrypt/order"),
        lambda: journal.assert_called("transit/*", times=3),
        lambda: journal.assert_not_called("transit/*"),
        lambda: journal.assert_order({"method": "GET"}, "transit/encrypt/*"),
    ):
        with pytest.raises(AssertionError, match="transit/encrypt/orders"):
            failing()


def test_near_misses_name_the_differences() -> None:
    misses = journal_of(ENCRYPT).near_misses("transit/encrypt/order", method="POST")
    assert len(misses) == 1
    assert misses[0].endswith("<- wrong: path")


def test_a_token_of_the_restored_world_is_not_shown_in_a_target_that_was_seen_before() -> None:
    issued: set[str] = set()
    journal = Journal(issued=issued.__contains__)
    start = journal.snapshot()

    def shown() -> str:
        request = Request(Operation.READ, "secret/data/custom-token")
        entry = Entry(0.0, "vault", "GET", "/v1/secret/data/custom-token", {}, b"", request, 200, b"", 0)
        return journal.record(entry).shown_target

    assert shown() == "/v1/secret/data/custom-token"
    journal.restore(start)
    issued.add("custom-token")
    assert "custom-token" not in shown()


def test_the_ring_and_the_bodies_are_bounded() -> None:
    journal = journal_of(*[ENCRYPT] * 10, size=3)
    assert (len(journal), journal.total, journal[0].number, journal[-1].body) == (3, 10, 8, b"01234567")


def test_no_token_is_ever_shown() -> None:
    journal = journal_of(ENCRYPT)
    assert "secret-token" not in f"{journal.table()} {journal[0].data()} {journal[0]!r}"
    assert journal.count(token="secret-token") == 1


def test_unhandled_and_unexpected_requests_are_reported() -> None:
    journal = journal_of(ENCRYPT)
    journal.assert_no_unhandled()
    journal[0].trace.unhandled = True
    with pytest.raises(AssertionError, match="not emulated"):
        journal.assert_no_unhandled()


def test_snapshots_bring_entries_back() -> None:
    journal = journal_of(ENCRYPT)
    kept = journal.snapshot()
    journal.clear()
    assert len(journal) == 0
    journal.restore(kept)
    assert (len(journal), journal.total) == (1, 1)


def test_equal_headers_are_kept_once_and_others_apart() -> None:
    journal = Journal()
    given = [{"A": "1"}, {"A": "1"}, {"A": "2"}, {"a": "2"}, {"A": "2"}]
    for headers in given:
        journal.record(Entry(0.0, "vault", "GET", "/v1/x", headers, b"", None, 200, b"", 0.0))
    assert [entry.headers for entry in journal] == given
    assert journal[0].headers is journal[1].headers


def test_an_entry_lists_its_shortened_parts() -> None:
    journal = Journal(size=10)
    headers = {"x-one": "1", "x-long": "y" * 2 * PART_LIMIT, "x-last": "2"}
    long = b"z" * 2 * PART_LIMIT
    entry = journal.record(Entry(0.0, "vault", "GET", "/v1/" + "x" * PART_LIMIT, headers, long, None, 200, b"{}", 0))
    assert set(entry.shortened) == {"target", "headers", "body"}
    assert len(entry.target) == len(entry.body) == PART_LIMIT
    assert entry.headers["x-one"] == "1"
    assert sum(len(name) + len(text) for name, text in entry.headers.items()) <= PART_LIMIT
    assert "[shortened: target, body, headers]" in str(entry)
    assert entry_of(entry.data()).shortened == entry.shortened
    assert not journal.record(Entry(0.0, "vault", "GET", "/v1/x", {}, b"", None, 200, b"{}", 0)).shortened


def test_the_oldest_entries_go_where_all_take_too_many_bytes() -> None:
    journal = Journal(size=1000, most_bytes=100_000)
    for number in range(100):
        journal.record(Entry(0.0, "vault", "GET", f"/v1/{number}", {}, b"x" * 10_000, None, 200, b"", 0))
        assert journal.bytes == sum(entry.size for entry in journal) <= 100_000
    assert 5 < len(journal) < 10
    assert (journal.total, journal[-1].path) == (100, "99")
    kept = journal.snapshot()
    journal.clear()
    assert journal.bytes == 0
    journal.restore(kept)
    assert journal.bytes == sum(entry.size for entry in journal)


def test_entries_of_equal_requests_share_their_texts() -> None:
    journal = Journal()
    for operation in (Operation.READ, Operation.READ, Operation.LIST):
        target, token = "".join(("/v1/secret/", "data/a")), "".join(("secret-", "token"))
        request = Request(operation, target[4:], token=token)
        journal.record(Entry(0.0, "vault", "GET", target, {}, b"", request, 200, b"", 0))
    first, second, listing = journal
    assert second.target is first.target is listing.target
    assert second.asked is first.asked
    assert listing.asked == (Operation.LIST, "secret-token")


def test_equal_traces_are_kept_once_and_others_apart() -> None:
    journal = Journal()
    traces = [Trace(endpoint="data/{path}", policies=[*names]) for names in (("a",), ("a",), ("b",), ("b",))]
    for trace in traces:
        request = Request(Operation.READ, "secret/data/a", trace=trace)
        journal.record(Entry(0.0, "vault", "GET", "/v1/secret/data/a", {}, b"", request, 200, b"", 0))
    assert [entry.policies for entry in journal] == [["a"], ["a"], ["b"], ["b"]]
    assert journal[0].trace is journal[1].trace
    assert journal[2].trace is journal[3].trace


def test_the_trace_of_a_request_that_is_still_under_way_is_not_shared() -> None:
    """The client has left, and the core goes on: what it decides then belongs to this request alone."""
    journal = Journal()
    left, answered = Trace(), Trace()
    for trace, cut in ((left, "left"), (answered, "")):
        request = Request(Operation.READ, "secret/data/a", trace=trace)
        journal.record(Entry(0.0, "vault", "GET", "/v1/secret/data/a", {}, b"", request, 200, b"", 0, cut=cut))
    left.denied = True
    assert [entry.denied for entry in journal] == [True, False]


def test_a_trace_with_a_long_text_of_the_client_is_not_kept_to_be_shared() -> None:
    journal = Journal()
    for _ in range(2):
        request = Request(Operation.READ, "sys/mounts", trace=Trace(namespace="n" * 100_000))
        journal.record(Entry(0.0, "vault", "GET", "/v1/sys/mounts", {}, b"", request, 404, b"", 0))
    first, second = journal
    assert first.trace is not second.trace
    assert max(len(trace.namespace) for trace in [*journal._traces.values(), first.trace]) <= PART_LIMIT
