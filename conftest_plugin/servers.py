"""The servers of one process: one for each combination of product, ``tls`` and world of the suite that tests use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from . import settings

if TYPE_CHECKING:
    from mockkms import MockKMS
    from mockkms.server.wire.tls import Tls


class Servers:
    """Starts servers on first use, with the session's world; ``close`` stops all of them."""

    def __init__(self, config: pytest.Config, seed: object, folders: pytest.TempPathFactory) -> None:
        self._config = config
        self.seed = seed
        """The world of the session's server."""
        self._folders = folders
        self._made: list[_Made] = []

    def of(self, tls: object, flavor: str | None, seed: object) -> MockKMS:
        """Return the running server with this ``tls``, product (None: that of the world) and world of the suite."""
        asked = tls or None
        alike = [made for made in self._made if _same(made.tls, asked) and _same(made.seed, seed)]
        for made in alike:
            if flavor == made.flavor or (made.flavor is None and flavor == made.product):
                return made.kms
        kms = self._new(asked, flavor, seed)
        self._made.append(_Made(asked, flavor, kms.flavor, seed, kms))
        return kms

    def _new(self, asked: object, flavor: str | None, suite_seed: object) -> MockKMS:
        config = self._config
        tls, ca_file = tls_files(asked, self._folders.mktemp("mockkms") if asked else config.rootpath)
        upstream, recording = settings.upstream(config), settings.replay(config)
        if upstream:
            from .upstream import proxy

            kms = proxy(config, upstream, tls)
        elif recording is not None and settings.in_front(config):
            from .upstream import replayed

            kms = replayed(config, recording, tls)
        else:
            from mockkms import MockKMS, SeedError

            seed = settings.located(suite_seed, config.invocation_params.dir, config.rootpath)
            usual = settings.flavor(config)
            if usual is not None:
                # Overrides the session's world; the test's own world takes precedence.
                seed = settings.merged(seed, {"flavor": usual})
            try:
                kms = MockKMS(
                    seed=seed, rng=settings.rng(config), tls=tls, flavor=flavor, replay=recording,
                    replay_fallback=recording is not None,
                )  # fmt: skip
            except SeedError as error:
                source = "mockkms_seed" if suite_seed == settings.suite_seed(config) else "the fixture mockkms_seed"
                text = f"invalid world of the session ({source}): {error}"
                raise pytest.fail.Exception(text, pytrace=False) from None
        kms.__enter__()  # Not started: a test's own `with mockkms` does not stop it.
        kms.ca_file = ca_file or kms.ca_file
        return kms

    def close(self) -> None:
        """Stop all servers."""
        while self._made:
            self._made.pop().kms.stop()


class _Made(NamedTuple):
    """One server, and what it was made of."""

    tls: object
    flavor: str | None
    product: str
    """The product when it was started: worlds of tests may change it."""
    seed: object
    kms: MockKMS


def _same(one: object, other: object) -> bool:
    return one is other or bool(one == other)


def tls_files(asked: Any, folder: Path) -> tuple[Tls | None, str]:
    """Return the server's ``tls`` and the path of the CA that clients must trust (empty if the server knows it).

    A ``trustme.CA`` issues a certificate for localhost into ``folder``; other values are passed to MockKMS.
    """
    if not asked:
        return None, ""
    if not hasattr(asked, "issue_cert"):
        return asked, ""
    leaf = asked.issue_cert("localhost", "127.0.0.1", "::1")
    chain, key, ca = folder / "server.pem", folder / "server.key", folder / "ca.pem"
    for place, blob in enumerate(leaf.cert_chain_pems):
        blob.write_to_path(chain, append=place > 0)
    leaf.private_key_pem.write_to_path(key)
    asked.cert_pem.write_to_path(ca)
    return (chain, key), str(ca)
