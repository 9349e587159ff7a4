"""The story with hvac."""

import base64
import json
import os

import hvac
from hvac.exceptions import Forbidden, InvalidPath

trusted = os.environ.get("VAULT_CACERT") or True
client = hvac.Client(url=os.environ["VAULT_ADDR"], token=os.environ["VAULT_TOKEN"], verify=trusted)
kv, transit = client.secrets.kv.v2, client.secrets.transit
found: dict[str, object] = {}
kv.create_or_update_secret("app/db", {"password": "s3cr3t"})
found["password"] = kv.read_secret_version("app/db", raise_on_deleted_version=True)["data"]["data"]["password"]
try:
    kv.read_secret_version("app/none", raise_on_deleted_version=True)
except InvalidPath:
    found["absent"] = 404
sealed = transit.encrypt_data("orders", plaintext=base64.b64encode(b"four score").decode())["data"]["ciphertext"]
opened = transit.decrypt_data("orders", ciphertext=sealed)["data"]["plaintext"]
found["plaintext"] = base64.b64decode(opened).decode()
client.token = "other"
try:
    kv.read_secret_version("app/db", raise_on_deleted_version=True)
except Forbidden:
    found["refused"] = 403
print(json.dumps(found))
