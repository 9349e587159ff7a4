"""A story for Tink: its envelope encryption with a transit key, before and after the rotation of that key."""

import json
import os

import hvac
import tink
from tink import aead
from tink.integration import hcvault

PLAINTEXT = b"four score"

aead.register()
trusted = os.environ.get("VAULT_CACERT") or True
client = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"], verify=trusted)
orders = hcvault.new_aead("transit/keys/orders", client)
envelope = aead.KmsEnvelopeAead(aead.aead_key_templates.AES256_GCM, orders)
sealed = envelope.encrypt(PLAINTEXT, b"context")
found: dict[str, object] = {"plaintext": envelope.decrypt(sealed, b"context").decode()}
found["key versions"] = [orders.encrypt(PLAINTEXT, b"").decode().split(":")[1]]
client.secrets.transit.rotate_key("orders")
found["key versions"] += [orders.encrypt(PLAINTEXT, b"").decode().split(":")[1]]
found["rotated"] = envelope.decrypt(sealed, b"context").decode()
try:
    envelope.decrypt(sealed, b"another context")
except tink.TinkError:
    found["bound to its context"] = True
try:
    hcvault.new_aead("transit/keys/orders", hvac.Client(client.url, token="other", verify=trusted)).encrypt(b"x", b"")
except tink.TinkError as error:
    found["refused"] = "permission denied" in str(error)
print(json.dumps(found))
