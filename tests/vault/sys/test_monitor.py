"""``sys/monitor``: the log as a stream, in the forms of hclog; the messages are those of the real server's source."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests

from mockkms import MockKMS
from mockkms.vault.framework.message import Operation, Request
from mockkms.vault.telemetry.server_log import KEPT, MOST_FOLLOWERS, ServerLog, json_line, standard_line
from mockkms.world.clock import Clock
from tests.waiting import eventually

ROOT = {"X-Vault-Token": "root"}
pytestmark = pytest.mark.server(rng=5, root_token="root")


def ask(kms: MockKMS, method: str, path: str, body: object = None) -> requests.Response:
    return requests.request(method, f"{kms.url}/v1/{path}", json=body, headers=ROOT, timeout=60)


def follow(kms: MockKMS, query: str = "") -> requests.Response:
    found = requests.get(f"{kms.url}/v1/sys/monitor{query}", headers=ROOT, stream=True, timeout=60)
    assert found.status_code == 200
    assert found.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert found.headers["Transfer-Encoding"] == "chunked"
    return found


def lines(stream: requests.Response) -> Iterator[str]:
    return stream.iter_lines(chunk_size=1, decode_unicode=True)


def test_lines_as_they_are_written(kms: MockKMS) -> None:
    kms.clock.freeze("2026-01-01T00:00:00.25Z")
    with closing(follow(kms)) as stream:
        ask(kms, "POST", "sys/mounts/keys", {"type": "transit"})
        ask(kms, "POST", "sys/auth/approle", {"type": "approle"})
        ask(kms, "DELETE", "sys/mounts/keys")
        ask(kms, "DELETE", "sys/auth/approle")
        read = lines(stream)
        stamp = "2026-01-01T00:00:00.250Z [INFO]  core: "
        assert [next(read) for _ in range(4)] == [
            f'{stamp}successful mount: namespace="" path=keys/ type=transit version=""',
            f'{stamp}enabled credential backend: namespace="" path=approle/ type=approle version=""',
            f'{stamp}successfully unmounted: namespace="" path=keys/',
            f'{stamp}disabled credential backend: namespace="" path=approle/',
        ]


def test_the_end_of_a_lease_in_json(kms: MockKMS) -> None:
    with closing(follow(kms, "?log_format=json&log_level=debug")) as stream:
        ask(kms, "POST", "auth/token/create", {"ttl": "1h"})
        kms.clock.advance("2h")
        ask(kms, "POST", "sys/mounts/keys", {"type": "transit"})
        read = lines(stream)
        revoked, mounted = (json.loads(next(read)) for _ in range(2))
        assert [*revoked] == ["@level", "@message", "@module", "@timestamp", "lease_id"]
        assert (revoked["@level"], revoked["@module"], revoked["@message"]) == ("info", "expiration", "revoked lease")
        assert revoked["lease_id"].startswith("auth/token/create/")
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", revoked["@timestamp"])
        assert (mounted["@module"], mounted["@message"], mounted["path"]) == ("core", "successful mount", "keys/")


def test_a_seal_ends_it(kms: MockKMS) -> None:
    with closing(follow(kms)) as stream:
        ask(kms, "POST", "sys/seal")
        found = [*lines(stream)]
    assert [line.partition("core: ")[2] for line in found[:-1]] == [
        "marked as sealed", "pre-seal teardown starting", "pre-seal teardown complete", "vault is sealed",
    ]  # fmt: skip
    assert found[-1] == "core received sealed state change, ending monitor session"
    # The entry is written once the last line is sent.
    eventually(lambda: bool(kms.journal.entries("sys/monitor")))
    entry = kms.journal.entries("sys/monitor")[-1]
    assert (entry.status, entry.cut) == (200, "")


def test_a_level_above_the_lines(kms: MockKMS) -> None:
    with closing(follow(kms, "?log_level=error")) as stream:
        ask(kms, "POST", "sys/mounts/keys", {"type": "transit"})
        ask(kms, "POST", "sys/seal")
        assert [*lines(stream)] == ["core received sealed state change, ending monitor session"]


def test_a_client_that_disconnects_is_removed(kms: MockKMS) -> None:
    """Killed in the middle, as Ctrl-C does with ``vault monitor``."""
    streams = [follow(kms) for _ in range(3)]
    assert len(kms.world.core.log.streams) == 3
    for stream in streams:
        stream.raw._fp.fp.raw._sock.shutdown(socket.SHUT_RDWR)
        stream.close()
    eventually(lambda: not kms.world.core.log.streams)
    eventually(lambda: len(kms.journal.entries("sys/monitor", cut="left")) == 3)


def test_followers_are_bounded_and_a_reset_ends_them(kms: MockKMS) -> None:
    streams = [follow(kms) for _ in range(MOST_FOLLOWERS)]
    refused = ask(kms, "GET", "sys/monitor")
    assert refused.status_code == 503
    assert "limit of 64 followers" in refused.json()["errors"][0]
    kms.world.reset()
    for stream in streams:
        assert [*lines(stream)] == []
        stream.close()


def test_an_answer_that_is_never_sent_is_no_follower(kms: MockKMS) -> None:
    """Its client has left while another thread held the world."""
    core = kms.world.core
    request = Request(Operation.READ, "sys/monitor", token="root")
    assert [core.handle(request).stream is not None for _ in range(MOST_FOLLOWERS + 1)] == [True] * (MOST_FOLLOWERS + 1)
    assert core.log.streams == []


def test_looking_at_the_levels_changes_nothing(kms: MockKMS) -> None:
    levels = ask(kms, "GET", "sys/loggers").json()["data"]
    assert set(levels.values()) == {"info"}
    assert ask(kms, "GET", "sys/loggers/core").json()["data"] == {"core": "info"}
    assert ask(kms, "GET", "sys/loggers/core").json()["warnings"] == []
    assert "[a]" in ask(kms, "GET", "sys/loggers/core?a=1").json()["warnings"][0]
    assert "loggers" not in kms.dump()
    ask(kms, "POST", "sys/loggers/core", {"level": "debug"})
    assert ask(kms, "GET", "sys/loggers").json()["data"] == levels | {"core": "debug"}
    assert "loggers" in kms.dump()


def test_a_rule_gets_an_answer_without_a_stream(kms: MockKMS) -> None:
    kms.faults.add("sys/monitor", headers={"X-Seen": "yes"})
    answer = ask(kms, "GET", "sys/monitor")
    assert (answer.status_code, answer.headers["X-Seen"], answer.text) == (200, "yes", "")
    assert kms.world.core.log.streams == []


def test_the_server_stops_with_open_streams() -> None:
    with MockKMS(root_token="root") as kms:
        stream = follow(kms)
    with closing(stream), pytest.raises(requests.exceptions.ChunkedEncodingError):
        _ = [*lines(stream)]


def test_a_slow_follower_loses_lines() -> None:
    clock = Clock()
    clock.freeze(0)
    log = ServerLog(clock)
    stream = log.follow("info", as_json=False)
    assert stream is not None
    for number in range(KEPT + 7):
        log.info("core", "line", number=number)
    found = stream.take().decode().splitlines()
    assert len(found) == KEPT + 1
    assert found[-1] == "Monitor dropped 7 logs during monitor request"
    stream.close()
    log.info("core", "nobody")
    assert stream.take() == b""


def test_the_forms_of_lines() -> None:
    pairs: dict[str, object] = {"path": "a b/", "empty": "", "quoted": 'x="y"', "count": 3, "on": True}
    assert standard_line("warn", "core", "text", pairs, 1767225600.0) == (
        '2026-01-01T00:00:00.000Z [WARN]  core: text: path="a b/" empty="" quoted="x=\\"y\\"" count=3 on=true\n'
    )
    assert standard_line("error", "core", "text", {}, 1767225600.5) == "2026-01-01T00:00:00.500Z [ERROR] core: text\n"
    assert json_line("info", "core", "text", {"b": 1, "a": "é"}, 1767225600.5) == (
        '{"@level":"info","@message":"text","@module":"core","@timestamp":"2026-01-01T00:00:00.500000Z","a":"é","b":1}\n'
    )
