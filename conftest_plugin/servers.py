"""The servers of one process: the suite's, and one for each other ``tls`` that a marker asks for."""

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
        self._made: list[tuple[Any, MockKMS]] = []

    def of(self, tls: Any) -> MockKMS:
        """The server with this ``tls``, started."""
        asked = tls or None
        for known, kms in self._made:
            if known is asked or known == asked:
                return kms
        kms = self._new(asked)
        self._made.append((asked, kms))
        return kms

    def _new(self, asked: Any) -> MockKMS:
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
            kms = MockKMS(seed=seed, rng=settings.rng(config), tls=tls)
        kms.start()
        kms.ca_file = ca_file or kms.ca_file
        return kms

    def close(self) -> None:
        """Stop them."""
        while self._made:
            self._made.pop()[1].stop()
