"""A running mockkms server (``--mockkms-url``): the tests of this process use a tenant of it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from mockkms import RemoteKMS
from mockkms.remote import NotMockKMS, RemoteError

from . import settings


@contextmanager
def tenant_of(url: str, control_token: str, seed: object, flavor: str | None = None) -> Iterator[RemoteKMS | None]:
    """Create a tenant with the server's current state and the session's world merged over it; drop it at the end.

    None if the server is not mockkms. Each process (xdist worker) has its own tenant. ``flavor`` is the suite's
    product: the session ends with a usage error if the server was started as another one, which no world changes.
    """
    ca_file = settings.ca_file_for(url)
    remote = RemoteKMS(url, control_token=control_token, ca_file=ca_file)
    try:
        remote.connect()
        name = f"pytest-{os.environ.get('PYTEST_XDIST_WORKER', 'main')}-{uuid.uuid4()}"
        tenant = remote.tenant(name, now=True)
    except NotMockKMS:
        yield None
        return
    except RemoteError as error:
        if error.status == 0:
            # The server cannot be reached: the tests themselves report the error.
            yield None
            return
        pytest.exit(f"--mockkms-url: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
    seeds = seed if isinstance(seed, list) else [] if seed is None else [seed]
    held = _SessionTenant(tenant, seeds) if seeds else tenant
    try:
        _check_flavor(held, url, flavor)
        yield held
    finally:
        held.close()
        try:
            remote.forget_tenant(name)
        except RemoteError as error:
            if error.status == 0:
                text = f"the server at --mockkms-url cannot be reached any more: {error}"
                raise pytest.fail.Exception(text, pytrace=False) from None
        remote.close()


def _check_flavor(tenant: RemoteKMS, url: str, flavor: str | None) -> None:
    """End the session if the suite's product cannot be had. What else is wrong with its world, each test reports."""
    if flavor is None:
        return
    with suppress(RemoteError):
        tenant.load()
        if tenant.flavor != flavor:
            pytest.exit(
                f"mockkms_flavor: {flavor}: the server at {url} was started as {tenant.flavor}",
                returncode=pytest.ExitCode.USAGE_ERROR,
            )


class _SessionTenant(RemoteKMS):
    """A tenant whose worlds are merged over the session's world."""

    def __init__(self, tenant: RemoteKMS, seeds: list[object]) -> None:
        super().__init__(tenant.url, control_token=tenant.control_token, ca_file=tenant.ca_file)
        self._seeds = seeds

    def load(self, *seeds: object) -> None:
        """Load the session's world with ``seeds`` merged over it."""
        super().load(*self._seeds, *seeds)
