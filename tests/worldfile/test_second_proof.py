"""Second proofs at login in a world: read, used, written back."""

from __future__ import annotations

from typing import Any

import pytest

from mockkms import MockKMS
from mockkms.crypto import totp
from mockkms.vault.framework.message import Operation, Request, Response
from mockkms.world.world import World
from mockkms.worldfile import SeedError, dump, exact

KEY = "JBSWY3DPEHPK3PXP"
WORLD: dict[str, Any] = {
    "clock": "2026-01-01T00:00:00Z",
    "vault": {
        "auth": {"userpass/": {"type": "userpass", "users": {"anna": {"password": "pw"}, "bob": {"password": "pw"}}}},
        "identity": {
            "entities": {"anna": {"aliases": [{"mount": "auth/userpass/", "name": "anna"}]}},
            "mfa": {
                "services": "approve",
                "methods": {
                    "phone": {"type": "totp", "issuer": "Acme", "digits": 8},
                    "push": {"type": "duo", "secret_key": "s", "integration_key": "i", "api_hostname": "api.duo.test"},
                    "okta": {"type": "okta", "org_name": "acme", "api_token": "t", "username_format": "x"},
                    "ping": {"type": "pingid", "settings_file_base64": "dG9rZW49eA=="},
                },
                "enforcements": {
                    "second": {"methods": ["phone"], "entities": ["anna"]},
                    "third": {"methods": ["push", "okta", "ping"], "mounts": ["auth/userpass/"]},
                },
                "keys": {"phone": {"anna": KEY}},
            },
        },
    },
}


def login(world: World, user: str, **proofs: str) -> Response:
    mfa = {name: [value] if value else [] for name, value in proofs.items()}
    request = Request(Operation.UPDATE, f"auth/userpass/login/{user}", data={"password": "pw"}, mfa=mfa)
    return world.core.handle(request)


def test_logins_need_what_the_world_says() -> None:
    world = MockKMS(seed=WORLD).world
    waiting = login(world, "anna").auth
    assert waiting is not None
    assert waiting.mfa_requirement is not None
    assert list(waiting.mfa_requirement["mfa_constraints"]) == ["second", "third"]
    code = totp.code(KEY, world.clock.now(), period=30, digits=8, algorithm="SHA1")
    done = login(world, "anna", phone=code, push="").auth
    assert done is not None
    assert done.client_token
    assert login(world, "bob", push="").auth is not None
    assert login(world, "bob", phone="12345678").status == 403


def test_a_dump_loads_to_an_equal_world_and_says_it_in_words() -> None:
    world = MockKMS(seed=WORLD).world
    text = dump(world)
    assert "JBSWY3DPEHPK3PXP" in text.partition("exact:")[0]
    again = MockKMS(seed=text).world
    assert exact.roots(again) == exact.roots(world)


@pytest.mark.parametrize(
    ("part", "wrong", "problem"),
    [
        ("enforcements", {"second": {"methods": ["none"], "types": ["userpass"]}}, 'no MFA method is named "none"'),
        ("enforcements", {"second": {"methods": ["phone"], "groups": ["none"]}}, 'groups.0.: no group is named "none"'),
        ("methods", {"phone": {"type": "totp"}}, "issuer must be set"),
        ("methods", {"phone": {"type": "sms"}}, "sms"),
        ("keys", {"phone": {"anna": "1!"}}, "not base32 without padding"),
        ("keys", {"push": {"anna": KEY}}, "the method push cannot have keys: its type is not totp"),
        ("services", "maybe", "maybe"),
    ],
)
def test_invalid_parts_are_named(part: str, wrong: Any, problem: str) -> None:
    identity = WORLD["vault"]["identity"]
    mfa = {**identity["mfa"], "enforcements": {}, "keys": {}, part: wrong}
    world = {"vault": {**WORLD["vault"], "identity": {**identity, "mfa": mfa}}}
    with pytest.raises(SeedError, match=problem):
        MockKMS(seed=world)
