"""The servers of one process: the suite's, and one for each other product and ``tls`` that a marker asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from . import settings

if TYPE_CHECKING:
    from mockkms import MockKMS


class Servers:
    """Made when first asked for, with the suite's world; ``close`` ends them all."""

    def __init__(self, config: pytest.Config, seed: Any, folders: pytest.TempPathFactory) -> None:
        self._config = config
        self._seed = seed
        self._folders = folders
        self._made: list[tuple[Any, str | None, MockKMS]] = []
        self._usual: str | None = None
        """The product of the suite's server, once there was one."""

    def of(self, tls: Any, flavor: str | None = None) -> MockKMS:
        """The server with this ``tls`` that is this product (None: that of the suite), started."""
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

    def _new(self, asked: Any, flavor: str | None) -> MockKMS:
        from .tls import tls_files

        config = self._config
        tls, ca_file = tls_files(asked, self._folders.mktemp("mockkms") if asked else config.rootpath)
        upstream = settings.upstream(config)
        if upstream:
            from .upstream import proxy

            kms = proxy(config, upstream, tls)
        else:
            from mockkms import MockKMS

            seed = settings.located(self._seed, config.invocation_params.dir, config.rootpath)
            usual = settings.flavor(config)
            if usual is not None:
                # Over the suite's world, below what a test's own world says.
                seed = settings.laid(seed, {"flavor": usual})
            kms = MockKMS(seed=seed, rng=settings.rng(config), tls=tls, flavor=flavor)
        kms.start()
        kms.ca_file = ca_file or kms.ca_file
        return kms

    def close(self) -> None:
        """Stop them."""
        while self._made:
            self._made.pop()[2].stop()
