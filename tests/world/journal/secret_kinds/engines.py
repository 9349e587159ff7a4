"""Secrets of secrets engines and of the RustFS admin API."""

from __future__ import annotations

from typing import Any

import requests

from .registry import JWT, PLAIN, PRIVATE, SECRET, Client, kind, sends

sends("password in connection_url", lambda ask: (ask.mount("database"), ask("POST", "database/config/pg", {
    "plugin_name": "postgresql-database-plugin", "verify_connection": False, "allowed_roles": "*",
    "connection_url": f"postgresql://admin:{SECRET}@127.0.0.1:5432/db"})), SECRET)  # fmt: skip
sends("password of a database connection", lambda ask: ask("POST", "database/config/pg", {
    "plugin_name": "postgresql-database-plugin", "verify_connection": False, "username": "u", "password": SECRET,
    "connection_url": "postgresql://{{username}}:{{password}}@127.0.0.1:5432/db"}), SECRET)  # fmt: skip


@kind("password of a dynamic database user")
def _(ask: Client) -> Any:
    config = {
        "plugin_name": "postgresql-database-plugin",
        "verify_connection": False,
        "connection_url": "postgresql://a:b@192.0.2.1/x",
        "allowed_roles": "*",
    }
    ask.mount("database")
    ask("POST", "database/config/pg", config)
    ask("POST", "database/roles/r", {"db_name": "pg", "creation_statements": ["x"]})
    return [ask("GET", "database/creds/r")["data"]["password"]]


@kind("rotated keys of AWS")
def _(ask: Client) -> Any:
    ask.mount("aws")
    ask("POST", "aws/static-roles/r", {"username": "u", "rotation_period": 3600})
    return [ask("GET", "aws/static-creds/r")["data"]["secret_key"]]


@kind("private key of a certificate, and its bundle")
def _(ask: Client) -> Any:
    ask.mount("pki")
    made = ask("POST", "pki/root/generate/exported", {"common_name": "ca", "key_type": "ec", "format": "pem_bundle"})
    ask("POST", "pki/config/ca", {"pem_bundle": made["data"]["certificate"] + "\n" + made["data"]["private_key"]})
    return [made["data"]["private_key"].splitlines()[1]]


sends("plaintext in base64", lambda ask: (ask.key(),
    ask("POST", "transit/encrypt/k", {"batch_input": [{"plaintext": PLAIN}]})), PLAIN)  # fmt: skip


@kind("random bytes in hex and base64")
def _(ask: Client) -> Any:
    made = ask("POST", "sys/tools/random/24", {"format": "hex"})["data"]["random_bytes"]
    ask.mount("transit")
    return [made, ask("POST", "transit/random/24", {})["data"]["random_bytes"]]


@kind("decrypted plaintext")
def _(ask: Client) -> Any:
    ask.key()
    sealed = ask("POST", "transit/encrypt/k", {"plaintext": PLAIN})["data"]["ciphertext"]
    ask("POST", "transit/decrypt/k", {"ciphertext": sealed})
    return [PLAIN]


@kind("data key")
def _(ask: Client) -> Any:
    ask.key()
    return [ask("POST", "transit/datakey/plaintext/k", {})["data"]["plaintext"]]


@kind("exported transit key and backup")
def _(ask: Client) -> Any:
    ask.key()
    ask("POST", "transit/keys/k/config", {"allow_plaintext_backup": True})
    backup = ask("GET", "transit/backup/k")["data"]["backup"]
    ask("POST", "transit/restore/other", {"backup": backup})
    return [ask("GET", "transit/export/encryption-key/k")["data"]["keys"]["1"], backup]


sends("input of hmac, sign and hash", lambda ask: (ask.key(), ask("POST", "transit/hmac/k", {"input": PLAIN}),
    ask("POST", "sys/tools/hash", {"input": PLAIN})), PLAIN)  # fmt: skip


@kind("TOTP key, URL, bar code and code")
def _(ask: Client) -> Any:
    ask.mount("totp")
    wanted = {"generate": True, "issuer": "i", "account_name": "a", "exported": True}
    url = ask("POST", "totp/keys/made", wanted)["data"]["url"]
    code = ask("GET", "totp/code/made")["data"]["code"]
    ask("POST", "totp/code/made", {"code": code})
    ask("POST", "totp/keys/given", {"url": "otpauth://totp/i:a?secret=GEZDGNBVGY3TQOJQ&issuer=i"})
    return [url.partition("secret=")[2].partition("&")[0], f'"{code}"', "GEZDGNBVGY3TQOJQ"]


@kind("one-time password of SSH")
def _(ask: Client) -> Any:
    ask.mount("ssh")
    ask("POST", "ssh/roles/otp", {"key_type": "otp", "default_user": "u", "cidr_list": "0.0.0.0/0"})
    otp = ask("POST", "ssh/creds/otp", {"ip": "10.0.0.1"})["data"]["key"]
    ask("POST", "ssh/verify", {"otp": otp})
    return [otp]


@kind("private key of SSH")
def _(ask: Client) -> Any:
    key = "-----BEGIN OPENSSH PRIVATE KEY-----\n" + PRIVATE + "\n-----END OPENSSH PRIVATE KEY-----"
    ask("POST", "ssh/config/ca", {"private_key": key, "public_key": "ssh-ed25519 AAAA"})
    return [PRIVATE]


sends("root secret key of AWS", lambda ask: (ask.mount("aws"), ask(
    "POST", "aws/config/root", {"access_key": "AKIA1", "secret_key": SECRET})), SECRET)  # fmt: skip


@kind("generated AWS credentials")
def _(ask: Client) -> Any:
    ask.mount("aws")
    statement = '{"Version": "2012-10-17", "Statement": []}'
    ask("POST", "aws/roles/r", {"credential_type": "iam_user", "policy_document": statement})
    return [ask("GET", "aws/creds/r")["data"]["secret_key"]]


sends("KV 2 value", lambda ask: (ask("POST", "secret/data/app", {"data": {"n": {"deep": [SECRET]}}}),
    ask("GET", "secret/data/app"), ask("PATCH", "secret/data/app", {"data": {"m": SECRET}},
    Content_Type="application/merge-patch+json")), SECRET)  # fmt: skip
sends("KV 1 value", lambda ask: (ask("POST", "sys/mounts/kv1", {"type": "kv"}), ask("POST", "kv1/a", {"n": SECRET}),
    ask("GET", "kv1/a")), SECRET)  # fmt: skip
sends("cubbyhole value", lambda ask: (ask("POST", "cubbyhole/a", {"n": SECRET}), ask("GET", "cubbyhole/a")), SECRET)
sends("SigV4 signature and secret of the admin API", lambda ask: requests.get(
    f"{ask.kms.rustfs_url}/rustfs/admin/v3/kms/key/status?keyName=k&X-Amz-Signature={SECRET}"
    f"&X-Amz-Security-Token={JWT}",
    headers={"Authorization": f"AWS4-HMAC-SHA256 Signature={SECRET}"}, timeout=60), SECRET, JWT)  # fmt: skip
