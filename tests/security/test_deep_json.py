"""JSON that is nested too deeply to be decoded is refused in words wherever texts in requests are JSON themselves."""

from __future__ import annotations

import pytest

from mockkms.json_reading import read_json
from tests.vault.driving import World

DEEP = "[" * 100_000


@pytest.mark.parametrize("text", [DEEP, DEEP.encode(), '{"a":' * 100_000, "", "x", b"\xff"])
def test_one_kind_of_error(text: str | bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - each text has its own words
        read_json(text)


@pytest.mark.flavors("vault", "openbao")
@pytest.mark.parametrize(
    ("mount", "path", "data"),
    [
        ("pki", "pki/roles/r", {"policy_identifiers": DEEP}),
        ("jwt", "auth/jwt/login", {"role": "r", "jwt": "W1tb.W1tb.W1tb"}),
        ("", "identity/oidc/role/r", {"key": "default", "template": DEEP}),
        ("", "identity/oidc/scope/s", {"template": DEEP}),
        ("database", "database/config/c", {"plugin_name": "mongodb-database-plugin", "write_concern": DEEP}),
        ("", "sys/wrapping/unwrap", {"token": f"{DEEP}.{DEEP}.x"}),
    ],
)
def test_texts_in_requests(world: World, mount: str, path: str, data: dict[str, object]) -> None:
    if mount:
        kind = "auth" if path.startswith("auth/") else "mounts"
        world.write(f"sys/{kind}/{mount}", {"type": mount})
    response = world.write(path, data)
    assert response.errors
