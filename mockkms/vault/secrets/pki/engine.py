"""The PKI engine, to which every file of this package adds its endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.vault.framework.engine import Engine
from mockkms.vault.secrets.pki.model import PKI

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context
    from mockkms.vault.kernel.mounts import Mount


def _setup(state: PKI, core: Context, mount: Mount) -> None:
    state.last_tidy = state.delta_checked = core.clock.now()


engine = Engine(
    "pki",
    kind="secret",
    new_state=PKI,
    setup=_setup,
    help="A certificate authority: issues and signs X.509 certificates, revokes them, and keeps revocation lists.",
)
