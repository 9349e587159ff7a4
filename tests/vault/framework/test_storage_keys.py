"""Parameters that the real server uses as keys of its storage: relative paths are refused."""

from __future__ import annotations

import pytest

from tests.vault.driving import World

RELATIVE = "relative paths not supported"


def framed(text: str) -> str:
    return f"1 error occurred:\n\t* {text}\n\n"


@pytest.mark.parametrize("flavor", ["openbao", "vault", "vault-1.21"])
def test_relative_paths_as_parameters(flavor: str) -> None:
    world = World(flavor)
    world.core.mount("", "database/", "database")
    world.core.mount("", "pki/", "pki")
    world.core.mount("", "auth/approle/", "approle")
    world.core.mount("", "auth/kubernetes/", "kubernetes")
    for path, data, status, error in (
        ("identity/oidc/role/r", {"key": "../x"}, 400, framed(RELATIVE)),
        ("identity/oidc/client/c", {"key": "../x"}, 400, framed(RELATIVE)),
        ("identity/oidc/client/c", {"assignments": ["../x"]}, 400, framed(RELATIVE)),
        ("identity/oidc/provider/p", {"scopes_supported": ["../x"]}, 400, framed(RELATIVE)),
        ("auth/kubernetes/login", {"role": "../x", "jwt": "a"}, 400, RELATIVE),
        ("auth/approle/login", {"role_id": "../x", "secret_id": "a"}, 400, RELATIVE),
        ("pki/revoke", {"serial_number": "../x"}, 500, framed(f"error fetching certificate ../x: {RELATIVE}")),
        ("sys/leases/lookup", {"lease_id": "../x"}, 400, f"failed to read lease entry ../x: {RELATIVE}"),
        ("sys/leases/revoke", {"lease_id": "../x"}, 400, f"failed to read lease entry ../x: {RELATIVE}"),
    ):
        answer = world.write(path, data)
        assert (path, answer.status, answer.errors) == (path, status, [error])
    world.write("database/roles/r", {"db_name": "../x", "creation_statements": "x"})
    answer = world.ask("read", "database/creds/r")
    assert answer.errors == [framed(f"failed to read connection configuration: {RELATIVE}")]


@pytest.mark.parametrize(
    ("flavor", "text"), [("openbao", "invalid lease"), ("vault", f"failed to read lease entry a..b: {RELATIVE}")]
)
def test_vault_refuses_two_dots_anywhere(flavor: str, text: str) -> None:
    assert World(flavor).write("sys/leases/lookup", {"lease_id": "a..b"}).errors == [text]
