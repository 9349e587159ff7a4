"""Second proofs at login over HTTP: the header, and the two requests."""

from __future__ import annotations

import http.client
import json
from typing import Any

import pytest

from mockkms import MockKMS
from mockkms.crypto import totp

KEY = "JBSWY3DPEHPK3PXP"
METHOD = "9a1b8f0e-0000-4000-8000-000000000001"
WORLD: dict[str, Any] = {
    "clock": "2026-01-01T00:00:00Z",
    "vault": {
        "auth": {"userpass/": {"type": "userpass", "users": {"anna": {"password": "pw"}}}},
        "identity": {
            "entities": {"anna": {"aliases": [{"mount": "auth/userpass/", "name": "anna"}]}},
            "mfa": {
                "methods": {"phone": {"type": "totp", "id": METHOD, "issuer": "Acme"}},
                "enforcements": {"second": {"methods": ["phone"], "types": ["userpass"]}},
                "keys": {"phone": {"anna": KEY}},
            },
        },
    },
}


pytestmark = pytest.mark.server(seed=WORLD)


def ask(kms: MockKMS, path: str, body: Any, *proofs: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(kms.url.removeprefix("http://"), timeout=60)
    content = json.dumps(body).encode()
    connection.putrequest("POST", "/v1/" + path)
    connection.putheader("Content-Length", str(len(content)))
    for proof in proofs:
        connection.putheader("X-Vault-MFA", proof)
    connection.endheaders(content)
    answer = connection.getresponse()
    found = json.loads(answer.read())
    connection.close()
    return answer.status, found


def code(kms: MockKMS) -> str:
    return totp.code(KEY, kms.clock.now(), period=30, digits=6, algorithm="SHA1")


def test_two_requests(kms: MockKMS) -> None:
    status, waiting = ask(kms, "auth/userpass/login/anna", {"password": "pw"})
    assert status == 200
    auth = waiting["auth"]
    requirement = auth.pop("mfa_requirement")
    assert auth == {
        "client_token": "", "accessor": "", "policies": None, "metadata": None, "lease_duration": 0,
        "renewable": False, "entity_id": "", "token_type": "default", "orphan": False, "num_uses": 0,
    }  # fmt: skip
    way = {"type": "totp", "id": METHOD, "uses_passcode": True, "name": "phone"}
    assert requirement["mfa_constraints"] == {"second": {"any": [way]}}
    proof = {"mfa_request_id": requirement["mfa_request_id"], "mfa_payload": {METHOD: [code(kms)]}}
    status, done = ask(kms, "sys/mfa/validate", proof)
    assert status == 200
    assert done["auth"]["client_token"]
    assert done["auth"]["mfa_requirement"] is None


def test_every_line_of_the_header_counts(kms: MockKMS) -> None:
    login = "auth/userpass/login/anna", {"password": "pw"}
    assert ask(kms, *login, "other", f"phone:{code(kms)}")[0] == 200
    kms.clock.advance(30)
    assert ask(kms, *login, f"{METHOD}:passcode={code(kms)}")[0] == 200
    status, refused = ask(kms, *login, "phone:123456", "phone:123456")
    assert (status, refused) == (403, {"errors": ["permission denied"]})


@pytest.mark.parametrize(("line", "lacking"), [(":x", "method name or ID"), ("phone:", "method value")])
def test_lines_without_half_of_it(kms: MockKMS, line: str, lacking: str) -> None:
    status, refused = ask(kms, "auth/userpass/login/anna", {"password": "pw"}, line)
    text = f'failed to parse X-Vault-MFA header: invalid data in header "X-Vault-MFA"; missing {lacking}'
    assert (status, refused) == (400, {"errors": [text]})
