"""Every key of a rule works in a world, in Python and over HTTP."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import yaml

from mockkms import Cluster, MockKMS
from mockkms.faults.kinds import KINDS
from mockkms.faults.kinds.connections import TLS_FAULTS
from mockkms.faults.match import match_words
from mockkms.faults.presets import PRESETS
from mockkms.faults.rule import OWN_WORDS
from mockkms.faults.schedule import WORDS
from tests.faults.asking import Seen, told
from tests.faults.vocabulary import APP, HIT, MATCH, OTHER, PRESET, WHAT, WHEN, WORLD, Ask
from tests.ports import wait_for_port

Put = Callable[[MockKMS, list[dict[str, Any]]], None]


def in_a_world(kms: MockKMS, rules: list[dict[str, Any]]) -> None:
    kms.load(yaml.safe_dump({"mockkms": 1, "faults": rules}))


def in_python(kms: MockKMS, rules: list[dict[str, Any]]) -> None:
    kms.load()
    for rule in rules:
        kms.faults.add(**rule)


def over_http(kms: MockKMS, rules: list[dict[str, Any]]) -> None:
    kms.load()
    answer = requests.post(kms.url + "/_mockkms/faults", json=rules, timeout=60, verify=kms.ca_file or True)
    assert answer.status_code == 200, answer.text


@pytest.fixture(params=[in_a_world, in_python, over_http], ids=lambda way: way.__name__)
def put(request: pytest.FixtureRequest) -> Put:
    """One way to add rules to a world at its start."""
    way: Put = request.param
    return way


pytestmark = pytest.mark.server(seed=WORLD)


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as kept:
        kept.trust_env = False
        yield kept


@pytest.fixture
def ask(kms: MockKMS, session: requests.Session) -> Callable[[Ask], Seen]:
    def asked(one: Ask) -> Seen:
        headers = {"X-Vault-Token": one.token, **one.headers}
        try:
            answer = session.request(
                one.method, kms.url + one.target, json=one.data, headers=headers, timeout=one.timeout
            )
        except requests.RequestException as error:
            return Seen(error=told(error))
        return Seen(answer.status_code, {name.lower(): text for name, text in answer.headers.items()}, answer.content)

    return asked


@pytest.mark.parametrize("row", MATCH)
def test_match(kms: MockKMS, put: Put, ask: Callable[[Ask], Seen], row: str) -> None:
    words, fits, other = MATCH[row]
    put(kms, [{**words, "answer": HIT}])
    assert (ask(fits).status, ask(other).status == HIT) == (HIT, False)
    assert kms.faults.list()[0].fired == 1


@pytest.mark.parametrize("row", WHEN)
def test_when(kms: MockKMS, put: Put, ask: Callable[[Ask], Seen], row: str) -> None:
    rules, done, expected = WHEN[row]
    *others, last = rules
    put(kms, [*others, {"path": APP, **({} if {"sequence", "choose"} & {*last} else {"answer": HIT}), **last}])
    seen = ""
    for step in done:
        if step == "+":
            kms.clock.advance(10)
        elif step == "o":
            assert ask(Ask(path=OTHER)).status == 200
        else:
            seen += "x" if ask(Ask()).status == HIT else "."
    assert seen == expected


@pytest.mark.parametrize("name", PRESET)
def test_presets(kms: MockKMS, put: Put, ask: Callable[[Ask], Seen], name: str) -> None:
    path, status, text = PRESET[name]
    put(kms, [{"answer": name}])
    seen = ask(Ask(path=path))
    assert (seen.status, text in seen.body.decode()) == (status, True), seen


@pytest.mark.parametrize("row", WHAT)
def test_what(kms: MockKMS, put: Put, ask: Callable[[Ask], Seen], row: str) -> None:
    words, check, applied = WHAT[row]
    put(kms, [{"path": APP, "times": 1, **words}])
    seen = ask(Ask("POST", APP, {"data": {"n": 2}}, timeout=1 if row == "hang" else 5))
    assert check(seen), seen
    assert [rule.fired for rule in kms.faults] == [1]
    wait_for_port(kms.url)
    kms.faults.clear()
    kms.unseal()
    versions = kms.world.core.state.mounts.match("", APP)
    assert versions is not None
    assert (versions.state.keys["app"].current == 2) is applied


@pytest.mark.parametrize("fault", TLS_FAULTS)
def test_tls(put: Put, secure: MockKMS, fault: str) -> None:
    put(secure, [{"tls": fault, "times": 1}])
    with pytest.raises(requests.RequestException):
        requests.get(f"{secure.url}/v1/sys/health", timeout=1, verify=secure.ca_file)
    assert secure.faults.list()[0].fired == 1


def test_step_down(put: Put, cluster: Cluster) -> None:
    put(cluster, [{"path": APP, "step_down": True, "times": 1, "applied": True}])
    headers = {"X-Vault-Token": "root"}
    assert requests.get(f"{cluster.url}/v1/{APP}", headers=headers, timeout=60).status_code == 200
    assert cluster.leader is None
    cluster.clock.advance(1)
    assert cluster.leader == 1


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with Cluster(3, seed=WORLD) as started:
        yield started


def test_a_script(kms: MockKMS, put: Put, ask: Callable[[Ask], Seen]) -> None:
    script: dict[str, Any] = {
        "id": "play",
        "loop": False,
        "steps": [{"expect": APP, "answer": HIT, "times": 2, "note": "twice"}, {"expect": OTHER, "answer": "pass"}],
        "aside": [{"match": "sys/*", "answer": 204}],
    }
    if put is in_python:
        kms.load()
        kms.faults.script(script)
    else:
        put(kms, [{"script": script}])
    seen = [ask(Ask(path=path)).status for path in (APP, "sys/health", APP, APP, OTHER, OTHER)]
    assert seen == [HIT, 204, HIT, 599, 200, 599]
    assert len(kms.faults.problems()) == 2


# -- nothing is left out -----------------------------------------------------------------------------------------------

DESIGN = {
    "match": "service method operation path mount key namespace token accessor policy header body all any not",
    "when": "skip times every chance seed between lasts after in_state",
    "presets": "sealed uninitialized standby dr-secondary performance-standby rate-limited permission-denied lagging "
    "overloaded internal-error bad-gateway gateway-timeout maintenance",
    "what": "answer delay hang refuse reset close truncate drip garbage bad_chunk content_type content_length empty "
    "flip drop replace stale seal restart revoke expire advance set_clock",
}
"""What was promised."""


def first(rows: Any) -> set[str]:
    return {row.split()[0] for row in rows}


def test_every_word_has_its_row() -> None:
    assert first(MATCH) == match_words() | {"match"}
    assert first(WHEN) == {*WORDS, "sequence", "choose"}
    assert first(WHAT) | {"tls", "step_down"} == {*KINDS}
    assert {*PRESET} == {*PRESETS}
    assert {*OWN_WORDS} == {"id", "match", "sequence", "choose", "applied", "note", "enabled"}
    for part, rows in (("match", MATCH), ("when", WHEN), ("presets", PRESET), ("what", WHAT)):
        assert {*DESIGN[part].split()} <= first(rows), part


def test_every_word_is_in_the_documents_of_editors_and_generators(kms: MockKMS) -> None:
    words = {*match_words(), *WORDS, *OWN_WORDS, *KINDS}
    schema = requests.get(kms.url + "/_mockkms/openapi.json", timeout=60).json()["components"]["schemas"]
    assert {*schema["Rule"]["properties"]} == words
    shape = requests.get(kms.url + "/_mockkms/", timeout=60).json()
    assert "POST /_mockkms/faults" in shape["routes"]
    assert all(preset in json.dumps(schema["Rule"]["properties"]["answer"]) for preset in PRESETS)
