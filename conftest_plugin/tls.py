"""Values of ``mockkms_tls`` as files for a server and its clients."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockkms.server.wire.tls import Tls


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
