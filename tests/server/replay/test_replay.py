"""Traffic recorded from a server replays with every answer equal, and no secret of it is in a file."""

from __future__ import annotations

import base64
import json
import os
import stat
import time
from pathlib import Path

import hvac
import pytest
import requests
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from mockkms import MockKMS
from mockkms.recording.reader import read
from tests.server.replay.program import SECRETS, Client, run

FLAVORS = ("vault", "vault-1.21", "openbao")


def recorded(tmp_path: Path, flavor: str = "vault") -> tuple[Path, Client, str]:
    """A recording of the program, what it was answered, and the root token."""
    path = tmp_path / "program.jsonl"
    token = "root-token-of-the-real-server"
    with MockKMS(flavor=flavor, root_token=token) as real, MockKMS(upstream=real.url, record=path) as proxy:
        done = run(proxy.url, token)
    assert proxy.recorder is not None
    assert proxy.recorder.exchanges == len(done.answers)
    return path, done, token


@pytest.mark.parametrize("flavor", FLAVORS)
def test_every_answer_is_equal(tmp_path: Path, flavor: str) -> None:
    path, real, token = recorded(tmp_path, flavor)
    with MockKMS(replay=path) as kms:
        replayed = run(kms.url, token)
        assert kms.state == "replay"
        assert not [entry for entry in kms.journal if entry.unhandled]
        assert_equal(real, replayed)
        kms.reset()
        assert_equal(real, run(kms.url, "another-root-token"))


def assert_equal(real: Client, replayed: Client) -> None:
    """All answers are equal, but for secrets that the server made: each is the same placeholder everywhere."""
    given: dict[object, object] = {}
    assert len(real.answers) == len(replayed.answers)
    for (line, status, headers, body), (_, *other) in zip(real.answers, replayed.answers, strict=True):
        assert other[:2] == [status, headers], line
        if body == other[2]:
            continue
        _same(json.loads(body), json.loads(other[2]), given, line)
    assert len({*given.values()}) == len(given)


def _same(one: object, other: object, given: dict[object, object], where: str) -> None:
    if isinstance(one, dict) and isinstance(other, dict):
        assert list(one) == list(other), where
        for name in one:
            _same(one[name], other[name], given, f"{where} {name}")
    elif isinstance(one, list) and isinstance(other, list):
        assert len(one) == len(other), where
        for first, second in zip(one, other, strict=True):
            _same(first, second, given, where)
    elif one != other:
        assert type(one) is type(other), where
        assert given.setdefault(one, other) == other, where


@pytest.mark.parametrize("flavor", FLAVORS)
def test_no_secret_is_in_the_file(tmp_path: Path, flavor: str) -> None:
    path, real, token = recorded(tmp_path, flavor)
    text = path.read_text()
    lines = [line for secret in real.secrets for line in secret.splitlines() if "-----" not in line]
    for secret in {token, *SECRETS, *lines}:
        for form in (secret, base64.b64encode(secret.encode()).decode(), json.dumps(secret)[1:-1]):
            assert form not in text
    assert len(real.secrets) > 8
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_placeholders_are_usable(tmp_path: Path) -> None:
    path, _, token = recorded(tmp_path)
    with MockKMS(replay=path) as kms:
        replayed = run(kms.url, token)
    bodies = {line: json.loads(body) for line, _, _, body in replayed.answers if body[:1] == b"{"}
    assert len(base64.b64decode(bodies["POST transit/datakey/plaintext/orders"]["data"]["plaintext"])) == 32
    load_pem_private_key(bodies["POST pki/issue/web"]["data"]["private_key"].encode(), None)
    assert bodies["POST auth/userpass/login/anna"]["auth"]["client_token"].startswith("hvs.")
    assert bodies["POST auth/token/create"]["auth"]["client_token"].startswith("hvb.")
    assert bodies["POST totp/keys/anna"]["data"]["url"].startswith("otpauth://totp/")


def test_hvac_against_a_replay(tmp_path: Path) -> None:
    path = tmp_path / "hvac.jsonl"

    def story(url: str, token: str, password: str) -> tuple[str, str]:
        root = hvac.Client(url=url, token=token)
        root.sys.enable_auth_method("userpass")
        root.auth.userpass.create_or_update_user("anna", password=password, policies=["default"])
        anna = hvac.Client(url=url)
        anna.auth.userpass.login("anna", password)
        assert anna.is_authenticated()
        root.secrets.kv.v2.create_or_update_secret("app", {"password": password})
        with pytest.raises(hvac.exceptions.Forbidden):
            anna.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)
        found = root.secrets.kv.v2.read_secret_version("app", raise_on_deleted_version=True)
        return found["data"]["data"]["password"], anna.token

    with MockKMS() as real, MockKMS(upstream=real.url, record=path) as proxy:
        assert story(proxy.url, real.token, "pass-word-of-the-recording")[0] == "pass-word-of-the-recording"
    with MockKMS(replay=path) as kms:
        # Another root token, and another password: what is sent comes back.
        password, token = story(kms.url, "root-of-the-test", "pass-word-of-the-test")
        assert password == "pass-word-of-the-test"
        assert token.startswith("hvs.mockkms-redacted-")


def test_the_same_requests_get_the_recorded_answers_in_order_and_the_last_repeats(tmp_path: Path) -> None:
    path = tmp_path / "order.jsonl"
    with MockKMS() as real, MockKMS(upstream=real.url, record=path) as proxy:
        ask = Client(proxy.url, real.token)
        ask("GET", "secret/data/a")
        ask("POST", "secret/data/a", {"data": {"n": 1}})
        ask("GET", "secret/data/a")
    with MockKMS(replay=path) as kms:
        ask = Client(kms.url, "any")
        for _ in range(4):
            ask("GET", "secret/data/a")
        assert [status for _, status, _, _ in ask.answers] == [404, 200, 200, 200]
        kms.reset()
        ask("GET", "secret/data/a")
        assert ask.answers[-1][1] == 404


def test_an_unrecorded_request_is_refused_with_the_nearest_one(tmp_path: Path) -> None:
    path, _, token = recorded(tmp_path)
    with MockKMS(replay=path) as kms:
        ask = Client(kms.url, token)
        error = ask("POST", "transit/keys/orders", {"exportable": False})["errors"][0]
        assert error == (
            f"mockkms: not in the recording {path}: POST /v1/transit/keys/orders; the nearest recorded request is "
            "number 19, POST /v1/transit/keys/orders: its exportable is true"
        )
        assert ask.answers[-1][1] == 599
        assert ask.answers[-1][2]["X-Mockkms-Replay"] == "unrecorded"
        error = ask("GET", "secret/data/ap")["errors"][0]
        assert error.endswith("GET /v1/secret/data/app: its path differs")
        with pytest.raises(AssertionError, match="not in the recording"):
            kms.journal.assert_no_unhandled()


def test_the_fallback_is_the_emulated_server(tmp_path: Path) -> None:
    path, _, token = recorded(tmp_path)
    with MockKMS(replay=path, replay_fallback=True, seed={"vault": {"policies": {"mine": ""}}}) as kms:
        ask = Client(kms.url, token)
        assert ask("GET", "secret/data/app")["errors"] == []
        for client_token in (kms.token, token):
            assert ask("GET", "sys/policies/acl/mine", token=client_token)["data"]["name"] == "mine"
        login = ask("POST", "auth/userpass/login/anna", {"password": "x"}, token="")
        login = ask("POST", "auth/userpass/login/anna", {"password": "y"}, token="")
        assert ask("GET", "sys/policies/acl/mine", token=login["auth"]["client_token"])["data"]["name"] == "mine"
        assert kms.state == "unsealed"


def test_a_tenant_plays_the_recording_from_its_beginning(tmp_path: Path) -> None:
    path, _, token = recorded(tmp_path)
    with MockKMS(replay=path) as kms:
        for tenant in ("one", "two"):
            assert_equal(run(kms.tenant(tenant).url, token), run(kms.tenant(tenant + "2").url, token))


def test_state_is_out_of_reach_in_a_replay(tmp_path: Path) -> None:
    path, _, _ = recorded(tmp_path)
    with MockKMS(replay=path) as kms:
        with pytest.raises(ValueError, match="a recording answers here"):
            kms.seal()
        kms.faults.add("secret/data/app", answer="sealed", times=1)
        assert requests.get(f"{kms.url}/v1/secret/data/app", timeout=60).status_code == 503
        assert requests.get(f"{kms.url}/_mockkms/", timeout=60).json()["mode"] == "replay"


def test_options_that_contradict_each_other(tmp_path: Path) -> None:
    path, _, _ = recorded(tmp_path)
    with pytest.raises(ValueError, match="`record` requires `upstream`"):
        MockKMS(record=path)
    with pytest.raises(ValueError, match="exists already"):
        MockKMS(upstream="http://127.0.0.1:1", record=path)
    with pytest.raises(ValueError, match="cannot be used together"):
        MockKMS(upstream="http://127.0.0.1:1", replay=path)
    with pytest.raises(ValueError, match="requires `replay`"):
        MockKMS(replay_fallback=True)
    with pytest.raises(ValueError, match="is not a recording of mockkms"):
        MockKMS(replay=__file__)
    with pytest.raises(ValueError, match="No such file"):
        MockKMS(replay=tmp_path / "missing")


def test_answers_of_faults_are_not_recorded(tmp_path: Path) -> None:
    path = tmp_path / "faults.jsonl"
    with MockKMS() as real, MockKMS(upstream=real.url, record=path) as proxy:
        proxy.faults.add("sys/health", answer="sealed", times=1)
        proxy.faults.add("sys/seal-status", status=500, applied=True)
        for name in ("health", "health", "seal-status"):
            requests.get(f"{proxy.url}/v1/sys/{name}", timeout=60)
    found = read(path)
    assert [(one.request.path, one.answer.status) for one in found.exchanges] == [
        ("/v1/sys/health", 200),
        ("/v1/sys/seal-status", 200),
    ]


def test_a_request_whose_client_left_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "left.jsonl"
    with MockKMS() as real, MockKMS(upstream=real.url, record=path) as proxy:
        real.faults.add("sys/health", delay=2)
        with pytest.raises(requests.Timeout):
            requests.get(f"{proxy.url}/v1/sys/health", timeout=0.3)
        recorder = proxy.recorder
        assert recorder is not None
        for _ in range(100):
            if recorder.left_out:
                break
            time.sleep(0.05)
        assert recorder.left_out == {"a request whose client left before the answer": 1}


def test_clients_with_and_without_a_token_are_distinguished(tmp_path: Path) -> None:
    path = tmp_path / "tokens.jsonl"
    with MockKMS() as real, MockKMS(upstream=real.url, record=path) as proxy:
        ask = Client(proxy.url, real.token)
        ask("GET", "sys/mounts", token="")
        ask("GET", "sys/mounts")
    with MockKMS(replay=path) as kms:
        ask = Client(kms.url, "mine")
        for token in ("mine", "", "mine", ""):
            ask("GET", "sys/mounts", token=token)
        assert [status for _, status, _, _ in ask.answers] == [200, 403, 200, 403]


def test_words_that_are_also_the_root_token_stay(tmp_path: Path) -> None:
    path = tmp_path / "root.jsonl"
    with MockKMS() as real, MockKMS(upstream=real.url, record=path) as proxy:
        assert real.token == "root"
        Client(proxy.url, "root")("GET", "auth/token/lookup-self")
    with MockKMS(replay=path) as kms:
        data = Client(kms.url, "mine")("GET", "auth/token/lookup-self")["data"]
    assert (data["id"], data["policies"]) == ("mine", ["root"])


def test_bodies_of_any_form_have_no_secrets(tmp_path: Path) -> None:
    """curl sends JSON with the media type of a form, as Vault's documentation does."""
    path = tmp_path / "forms.jsonl"
    secret, token = "sesame-open-please-1", f"hvs.{'Ab1' * 12}"
    bodies = (
        (FORM, json.dumps({"data": {"p": secret}})),
        (FORM, f"grant_type=authorization_code&client_secret={secret}&code={secret}"),
        (FORM, secret),
        (FORM, f"{secret}=1&b={secret}"),
        ("text/plain", secret),
        ("application/json", json.dumps({"note": secret})),
        ("application/json", json.dumps({"data": {"p": secret}, "options": {"x": [f"a {token} b"]}})),
        ("application/json", json.dumps([secret, {"password": secret}])),
        ("application/json", json.dumps(secret)),
    )
    answers = []
    with MockKMS() as real, MockKMS(upstream=real.url, record=path) as proxy:
        for where in PLACES:
            for media_type, body in bodies:
                answers.append(_post(proxy.url, where, media_type, body))
        _post(proxy.url, "secret/data/x", "application/json", json.dumps({"data": {token: 1}}))
        requests.get(f"{proxy.url}/v1/auth/token/lookup/{token}?token={token}&other={secret}", timeout=60)
    text = path.read_text()
    assert secret not in text
    assert token not in text
    with MockKMS(replay=path) as kms:
        for where in PLACES:
            for media_type, body in bodies:
                assert _post(kms.url, where, media_type, body) == answers.pop(0)


PLACES = ("secret/data/x", "identity/oidc/provider/default/token", "unknown/place", "auth/userpass/login/a")
FORM = "application/x-www-form-urlencoded"


def _post(url: str, path: str, media_type: str, body: str) -> int:
    headers = {"X-Vault-Token": "root", "Content-Type": media_type}
    return requests.post(f"{url}/v1/{path}", data=body, headers=headers, timeout=60).status_code
