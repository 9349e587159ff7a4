"""The story with requests."""

import base64
import json
import os

import requests

session = requests.Session()
session.trust_env = False  # REQUESTS_CA_BUNDLE would win over verify.
session.verify = os.environ.get("VAULT_CACERT") or True
session.headers["X-Vault-Token"] = os.environ["VAULT_TOKEN"]
vault = os.environ["VAULT_ADDR"] + "/v1/"
found: dict[str, object] = {}
session.post(vault + "secret/data/app/db", json={"data": {"password": "s3cr3t"}}).raise_for_status()
found["password"] = session.get(vault + "secret/data/app/db").json()["data"]["data"]["password"]
found["absent"] = session.get(vault + "secret/data/app/none").status_code
text = {"plaintext": base64.b64encode(b"four score").decode()}
sealed = session.post(vault + "transit/encrypt/orders", json=text).json()["data"]["ciphertext"]
opened = session.post(vault + "transit/decrypt/orders", json={"ciphertext": sealed}).json()["data"]["plaintext"]
found["plaintext"] = base64.b64decode(opened).decode()
found["refused"] = session.get(vault + "secret/data/app/db", headers={"X-Vault-Token": "other"}).status_code
print(json.dumps(found))
