"""A mockkms that somebody else runs (``--mockkms-url``): this process works in a tenant of it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mockkms import RemoteKMS
from mockkms.remote import NotMockKMS, RemoteError


@contextmanager
def tenant_of(url: str, control_token: str, seed: Any) -> Iterator[RemoteKMS | None]:
    """A tenant of the server as it is now, with the suite's world over it if there is one; None: it is no mockkms.

    Each process (xdist worker) has its own, which ends with it.
    """
    ca_file = os.environ.get("VAULT_CACERT", "") if url.startswith("https:") else ""
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
            # Nothing is known of it: the tests themselves will see what is wrong.
            yield None
            return
        pytest.exit(f"--mockkms-url: {error}", returncode=pytest.ExitCode.USAGE_ERROR)
    seeds = seed if isinstance(seed, list) else [] if seed is None else [seed]
    held = _Suite(tenant, seeds) if seeds else tenant
    try:
        yield held
    finally:
        held.close()
        try:
            remote.forget_tenant(name)
        except RemoteError as error:
            if error.status == 0:
                pytest.fail(f"the server of the tests is gone: {error}", pytrace=False)
        remote.close()


class _Suite(RemoteKMS):
    """A tenant whose worlds lie over the suite's."""

    def __init__(self, tenant: RemoteKMS, seeds: list[Any]) -> None:
        super().__init__(tenant.url, control_token=tenant.control_token, ca_file=tenant.ca_file)
        self._seeds = seeds

    def load(self, *seeds: Any) -> None:
        """Go to the suite's world with ``seeds`` laid over it."""
        super().load(*self._seeds, *seeds)
