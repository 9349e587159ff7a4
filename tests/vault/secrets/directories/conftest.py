"""A directory on this machine, and an LDAP mount that changes passwords in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from mockkms.vault.framework.message import Response
from tests.outside.directory_server import Directory, entry, running
from tests.vault.driving import World
from tests.vault.secrets.standin import mounted

PEOPLE, ADMIN = "ou=people,dc=acme", "cn=admin,dc=acme"
CONFIG = {"binddn": ADMIN, "bindpass": "first", "userdn": PEOPLE}
ELSEWHERE = {**CONFIG, "url": "ldaps://ldap.example.com"}


@pytest.fixture
def directory() -> Iterator[Directory]:
    people = (entry(f"cn={name},{PEOPLE}", userpassword="old", objectclass="*") for name in ("ann", "ben"))
    admin = entry(ADMIN, userpassword="first", objectclass="*")
    with running({key: value for one in (admin, *people) for key, value in one.items()}) as made:
        yield made


@pytest.fixture
def elsewhere(world: World) -> Callable[..., Response]:
    """Write below an LDAP mount whose directory is not on this machine."""
    write = mounted(world, "ldap")
    write("config", **ELSEWHERE)
    return write


@pytest.fixture
def here(world: World, directory: Directory) -> Callable[..., Response]:
    """Write below an LDAP mount whose directory is on this machine."""
    write = mounted(world, "ldap")
    write("config", **CONFIG, url=directory.url)
    return write
