"""The PKI engine, to which every file of this package adds its endpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockkms.crypto import x509_read
from mockkms.vault.endpoint import Call, Engine
from mockkms.vault.engines.pki.model import PKI, hyphens

if TYPE_CHECKING:
    from mockkms.vault.core import Core
    from mockkms.vault.mounts import Mount


def _setup(state: PKI, core: Core, mount: Mount) -> None:
    state.last_tidy = state.delta_checked = core.clock.now()


def _revoke(state: PKI, call: Call) -> None:
    """The lease of a certificate ends: so does the certificate, unless it is a CA's."""
    from mockkms.vault.engines.pki.revocation import revoke

    data = state.certificates.get(hyphens(str(call.raw.get("serial_number", ""))))
    if data is not None:
        certificate = x509_read.load(data)
        if not certificate.ca:
            revoke(state, call, certificate)


def _catch_up(state: PKI, call: Call) -> None:
    """Revocation lists and tidies that are due; their failures go to the real server's log."""
    from mockkms.vault.engines.pki import crls, tidywork

    crls.catch_up(state, call)
    tidywork.catch_up(state, call)


engine = Engine(
    "pki",
    kind="secret",
    new_state=PKI,
    setup=_setup,
    revoke=_revoke,
    catch_up=_catch_up,
    help="A certificate authority: issues and signs X.509 certificates, revokes them, and keeps revocation lists.",
)
