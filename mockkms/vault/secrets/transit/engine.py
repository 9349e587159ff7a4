"""The engine object that every endpoint file of this package registers with."""

from __future__ import annotations

from mockkms.vault.framework.engine import Engine
from mockkms.vault.secrets.transit.model import Transit

engine = Engine(
    "transit",
    kind="secret",
    new_state=Transit,
    help="Encrypts, decrypts, signs, verifies and hashes data with named keys that stay inside the server.",
)
