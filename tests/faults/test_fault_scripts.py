"""The scripts that a Vault client's own tests need, each as a script of ours: exact requests, answers in order.

A row is what the client under test sends and what it must be told. Every script is played three times: as written, with
a request too many, and with its last request missing; the last two must fail aloud, or the script would prove nothing.
What a client makes of the answers (a cache dropped, a metric counted) is for that client's tests.
"""

from __future__ import annotations

from typing import Any

import pytest
import requests

from mockkms import MockKMS

META, KEY, OTHER = "secret/metadata/keys/a", "secret/data/keys/a", "secret/data/keys/b"
LIST, MARKER = "secret/metadata/keys/", "secret/data/restore-marker"
VERSION_1, VERSION_2 = f"{KEY}/versions/1", f"{KEY}/versions/2"
ENCRYPT, REWRAP, ROTATE = "transit/encrypt/k", "transit/rewrap/k", "transit/keys/k/rotate"
PROBE = "auth/token/lookup-self"

Step = tuple[str, str, int | None, Any]
"""Method, path, the ``cas`` of the body (None without), and the answer."""


def get(path: str, answer: Any = 200) -> Step:
    return "GET", path, None, answer


def post(path: str, answer: Any = 200, cas: int | None = None) -> Step:
    return "POST", path, cas, answer


def listed(*keys: str) -> Step:
    return "LIST", LIST, None, {"data": {"keys": [*keys]}}


LOST = "cas-conflict"
NO_VALUE = {"status": 404, "errors": ["no value found"]}
NO_KEY = {"status": 404, "errors": ["encryption key not found"]}
NO_LIST: dict[str, Any] = {"status": 404, "errors": []}
NO_MOUNT = {"status": 404, "errors": ['no handler for route "secret/metadata/keys/". route entry not found.']}
RECORD = {"data": {"data": {"state": "enabled"}, "metadata": {"version": 1}}}


def version(number: int) -> dict[str, Any]:
    return {"data": {"current_version": number}}


SCRIPTS: dict[str, list[Step]] = {
    "a read is tried again": [get(KEY, 503), get(KEY, RECORD)],
    "a refused read is not tried again": [get(KEY, 403)],
    "a write is not tried again": [post(KEY, 503, 0)],
    "a create that is recovered": [post(KEY, LOST, 0), get(KEY, RECORD)],
    "a lost update reads afresh": [
        get(META, version(1)), get(KEY, RECORD), post(KEY, LOST, 1),
        get(META, version(2)), get(KEY, RECORD), post(KEY, 200, 2),
    ],
    "a lost update meets another state": [
        get(META, version(1)), get(KEY, RECORD), post(KEY, LOST, 1),
        get(META, version(2)), get(KEY, {"data": {"data": {"state": "gone"}}}),
    ],
    "three lost updates": [
        step for n in (1, 2, 3) for step in (get(META, version(n)), get(KEY, RECORD), post(KEY, LOST, n))
    ],
    "an encryption is tried again after 429": [
        post(ENCRYPT, 429), post(ENCRYPT, {"data": {"ciphertext": "vault:v1:AA=="}}),
    ],
    "a rotation is not": [post(ROTATE, "standby")],
    "a cached record whose key is gone": [get(KEY, RECORD), post(ENCRYPT, NO_KEY), get(KEY, RECORD)],
    "a metadata read that is refused": [get(META, 403)],
    "a made-up record that could not be kept": [
        get(KEY, NO_VALUE), get("transit/keys/k", {"data": {"name": "k"}}), post(KEY, 500, 0),
    ],
    "a made-up record that another made first": [
        get(KEY, NO_VALUE), get("transit/keys/k", {"data": {"name": "k"}}), post(KEY, LOST, 0), get(KEY, RECORD),
    ],
    "an empty list": [("LIST", LIST, None, NO_LIST)],
    "a list of a mount that is missing": [("LIST", LIST, None, NO_MOUNT)],
    "a list answered by something else": [
        ("LIST", LIST, None, {"status": 404, "body": "<html>", "content_type": "text/html"}),
    ],
    "a list refused without a word": [("LIST", LIST, None, {"status": 403, "errors": []})],
    "a list whose second read fails": [listed("a", "b"), get(KEY, RECORD), get(OTHER, 503)],
    "a list whose second read is undecodable": [
        listed("a", "b"), get(KEY, RECORD), get(OTHER, {"status": 200, "body": "{"}),
    ],
    "a list of a key that went": [listed("a"), get(KEY, NO_VALUE)],
    "a record of wrong types": [get(KEY, {"data": {"data": {"state": 7, "versions": "x"}}})],
    "a record without a body": [get(KEY, {"json": {"data": None}})],
    "a rotation of a key with versions": [
        get(META, version(3)), get(KEY, RECORD), ("LIST", f"{META}/versions", None, NO_LIST),
        post(VERSION_1, 200, 0), post(VERSION_2, 200, 0), post(KEY, 200, 3),
    ],
    "a rotation that was interrupted": [
        get(META, version(3)), get(KEY, RECORD), post(VERSION_2, LOST, 0), get(VERSION_2, RECORD), post(KEY, 200, 3),
    ],
    "a rewrap without context": [post(REWRAP, {"data": {"ciphertext": "vault:v2:AA=="}})],
    "a rewrap with context": [
        get("transit/keys/k", {"data": {"latest_version": 2}}), post("transit/decrypt/k"),
        post(ENCRYPT, {"data": {"ciphertext": "vault:v2:AA=="}}),
    ],
    "a reservation that loses and adds on top": [
        get(KEY, RECORD), get(KEY, RECORD), get(META, version(1)), get(KEY, RECORD), post(KEY, LOST, 1),
        get(META, version(2)), get(KEY, RECORD), post(KEY, 200, 2),
    ],
    "a reservation that fails": [get(KEY, RECORD), get(META, version(1)), get(KEY, RECORD), post(KEY, 503, 1)],
    "a restore tried dry": [get(MARKER, NO_VALUE), get(KEY, NO_VALUE), get(OTHER, NO_VALUE)],
    "a restore": [
        post(MARKER, 200, 0), post(KEY, 200, 0), post(MARKER, 200, 1), post(OTHER, 200, 0), post(MARKER, 200, 2),
        ("DELETE", "secret/metadata/restore-marker", None, 204),
    ],
    "a restore stopped by another writer": [post(MARKER, 200, 0), post(KEY, LOST, 0)],
    "a login that cannot look itself up": [get(PROBE, 403), get(KEY, 403)],
    "a login while Vault is away": [get(PROBE, 503), get(KEY, 403)],
}  # fmt: skip

CODES = {LOST: 400, "standby": 503}


pytestmark = pytest.mark.server(rng=12)


def told(kms: MockKMS, steps: list[Step]) -> list[requests.Response]:
    answers = []
    for method, path, cas, _ in steps:
        body = {"data": {"n": 1}, "options": {"cas": cas}} if cas is not None else None
        answers.append(
            requests.request(
                method, f"{kms.url}/v1/{path}", json=body, headers={"X-Vault-Token": kms.token}, timeout=60
            )
        )
    return answers


def play(kms: MockKMS, steps: list[Step]) -> None:
    script = []
    for method, path, cas, answer in steps:
        expect: dict[str, Any] = {"method": method, "path": path}
        if cas is not None:
            expect["body"] = {"options.cas": str(cas)}
        script.append({"expect": expect, "answer": answer})
    kms.faults.script(script)


def status(answer: Any) -> int:
    if isinstance(answer, dict):
        return int(answer.get("status", 200))
    return int(CODES.get(answer, answer))


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_script_as_written(kms: MockKMS, name: str) -> None:
    steps = SCRIPTS[name]
    play(kms, steps)
    assert [answer.status_code for answer in told(kms, steps)] == [status(step[3]) for step in steps]
    kms.faults.assert_script_done()
    kms.journal.assert_called(times=len(steps))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_request_too_many(kms: MockKMS, name: str) -> None:
    steps = SCRIPTS[name]
    play(kms, steps)
    assert told(kms, [*steps, steps[-1]])[-1].status_code == 599
    with pytest.raises(AssertionError, match=steps[-1][1]):
        kms.faults.assert_script_done()


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_last_request_missing(kms: MockKMS, name: str) -> None:
    steps = SCRIPTS[name]
    play(kms, steps)
    told(kms, steps[:-1])
    with pytest.raises(AssertionError):
        kms.faults.assert_script_done()


def test_a_write_with_the_cas_of_an_older_read(kms: MockKMS) -> None:
    play(kms, [post(KEY, 200, 2)])
    assert told(kms, [post(KEY, 200, 1)])[0].status_code == 599


def test_closed_twice_before_any_answer(kms: MockKMS) -> None:
    kms.faults.add(KEY, close=True, times=2)
    for _ in range(2):
        with pytest.raises(requests.ConnectionError):
            told(kms, [get(KEY)])
    kms.journal.assert_called(KEY, times=2)


def test_a_hang_after_a_healthy_lookup(kms: MockKMS) -> None:
    kms.faults.add(KEY, hang=True, times=1)
    assert told(kms, [get(PROBE)])[0].status_code == 200
    with pytest.raises(requests.ReadTimeout):
        requests.get(f"{kms.url}/v1/{KEY}", headers={"X-Vault-Token": kms.token}, timeout=1)
    kms.journal.assert_order(PROBE, KEY)
