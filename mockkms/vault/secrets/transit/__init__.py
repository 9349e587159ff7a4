"""The transit secrets engine: encryption as a service.

``keys`` has the endpoints that manage keys, ``encryption`` and ``signatures`` those that use them, ``transfer`` those
that bring keys in and out. ``model`` is the state, with the rules that all of them share.
"""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Field
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.loading import load_endpoints
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit.model import Transit, takes_long

engine = Engine(
    "transit",
    kind="secret",
    new_state=Transit,
    help="Encrypts, decrypts, signs, verifies and hashes data with named keys that stay inside the server.",
    # Keys may be RSA keys, which take seconds to make; with large ones, and with P-384, each item of a batch takes
    # milliseconds. An item of RSA to decrypt has 350 bytes at least; one to encrypt takes 0.1 ms.
    slow={
        "keys/": 0,
        "wrapping_key": 0,
        "sign/": 1024,
        "verify/": 1024,
        "encrypt/": 8192,
        "decrypt/": 8192,
        "rewrap/": 8192,
    },
    takes_long=takes_long,
)

# Parameters of several endpoints.
NAME = Field(Kind.STRING, help="Name of the key.")
CONTEXT = Field(Kind.STRING, help="Context of a derived key, in base64.")
NONCE = Field(Kind.STRING, help="Nonce in base64, for convergent keys of the first kind.", needs=Feature.TRANSIT_NONCE)
PADDING = Field(Kind.STRING, help="Padding of RSA keys: oaep (if empty) or pkcs1v15.", needs=Feature.TRANSIT_NONCE)
KEY_VERSION = Field(Kind.INT, help="Version to use; 0: the latest.")
PARTIAL_FAILURE = Field(Kind.INT, help="Status for a batch of which some items failed.")
HASH_OF_WRAPPING = Field(Kind.STRING, default="SHA256", help="Hash of the wrapping: SHA1, SHA224 … SHA512.")
MANAGED_KEY = {
    "managed_key_name": Field(Kind.STRING, help="Name of an outside key.", needs=Feature.TRANSIT_ENTERPRISE),
    "managed_key_id": Field(Kind.STRING, help="Id of an outside key.", needs=Feature.TRANSIT_ENTERPRISE),
}

load_endpoints(
    __name__, "transfer.backup", "transfer.byok", "keys.certificates", "encryption.datakey", "encryption.decrypt",
    "encryption.derive_key", "encryption.encrypt", "transfer.export", "signatures.hmac", "transfer.import_",
    "keys.config", "keys.keys", "keyless", "encryption.rewrap", "keys.lifecycle", "keys.settings", "signatures.sign",
    "signatures.verify",
)  # fmt: skip
