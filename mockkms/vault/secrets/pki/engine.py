"""The PKI engine, to which every file of this package adds its endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.crypto.x509 import read
from mockkms.vault.framework.endpoint import Call, Engine
from mockkms.vault.secrets.pki.model import PKI, hyphens

if TYPE_CHECKING:
    from mockkms.vault.kernel.core import Core
    from mockkms.vault.kernel.mounts import Mount


def _setup(state: PKI, core: Core, mount: Mount) -> None:
    state.last_tidy = state.delta_checked = core.clock.now()


def _revoke(state: PKI, call: Call) -> None:
    """The lease of a certificate ends: so does the certificate, unless it is a CA's."""
    from mockkms.vault.secrets.pki.revocation.revoke import revoke

    data = state.certificates.get(hyphens(str(call.raw.get("serial_number", ""))))
    if data is not None:
        certificate = read.load(data)
        if not certificate.ca:
            revoke(state, call, certificate)


def _catch_up(state: PKI, call: Call) -> None:
    """Revocation lists and tidies that are due; their failures go to the real server's log."""
    from mockkms.vault.secrets.pki.revocation import crls, tidy_work

    crls.catch_up(state, call)
    tidy_work.catch_up(state, call)


engine = Engine(
    "pki",
    kind="secret",
    new_state=PKI,
    setup=_setup,
    revoke=_revoke,
    catch_up=_catch_up,
    help="A certificate authority: issues and signs X.509 certificates, revokes them, and keeps revocation lists.",
)
