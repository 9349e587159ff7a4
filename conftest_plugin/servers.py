"""The servers of one process: one for each combination of product and ``tls`` that the tests use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from . import settings

if TYPE_CHECKING:
    from mockkms import MockKMS


class Servers:
    """Starts servers on first use, with the session's world; ``close`` stops all of them."""

    def __init__(self, config: pytest.Config, seed: object, folders: pytest.TempPathFactory) -> None:
        self._config = config
        self._seed = seed
        self._folders = folders
        self._made: list[tuple[object, str | None, MockKMS]] = []
        self._usual: str | None = None
        """The product of the session's server; None before it is started."""

    def of(self, tls: object, flavor: str | None = None) -> MockKMS:
        """Return the running server with this ``tls`` and product (None: that of the session)."""
        asked = tls or None
        wanted = None if flavor == self._usual else flavor
        for known, name, kms in self._made:
            if (known is asked or known == asked) and name == wanted:
                return kms
        kms = self._new(asked, wanted)
        if wanted is None:
            self._usual = kms.flavor
        self._made.append((asked, wanted, kms))
        return kms

    def _new(self, asked: object, flavor: str | None) -> MockKMS:
        from .tls import tls_files

        config = self._config
        tls, ca_file = tls_files(asked, self._folders.mktemp("mockkms") if asked else config.rootpath)
        upstream = settings.upstream(config)
        if upstream:
            from .upstream import proxy

            kms = proxy(config, upstream, tls)
        else:
            from mockkms import MockKMS, SeedError

            seed = settings.located(self._seed, config.invocation_params.dir, config.rootpath)
            usual = settings.flavor(config)
            if usual is not None:
                # Overrides the session's world; the test's own world takes precedence.
                seed = settings.merged(seed, {"flavor": usual})
            try:
                kms = MockKMS(seed=seed, rng=settings.rng(config), tls=tls, flavor=flavor)
            except SeedError as error:
                source = "mockkms_seed" if self._seed == settings.suite_seed(config) else "the fixture mockkms_seed"
                pytest.fail(f"invalid world of the session ({source}): {error}", pytrace=False)
        kms.start()
        kms.ca_file = ca_file or kms.ca_file
        return kms

    def close(self) -> None:
        """Stop all servers."""
        while self._made:
            self._made.pop()[2].stop()
