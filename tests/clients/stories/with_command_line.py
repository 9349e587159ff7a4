"""The story with the command line of Vault or OpenBao, whose path is the variable PROGRAM.

It logs in, works with secrets of KV, a key, a policy, a token and a lease, and is refused with another token.
"""

import base64
import json
import os
import re
import subprocess
from typing import Any

PROGRAM = os.environ["PROGRAM"]
POLICY = 'path "secret/data/app/*" { capabilities = ["read"] }\n'
TOKEN = os.environ.pop("VAULT_TOKEN")
"""The programs below use the token of the login, which they keep in the home directory."""


class Refused(Exception):
    """What a command wrote to standard error."""


def cli(*arguments: str, text: str | None = None, **variables: str) -> str:
    """What a command writes."""
    environment = {**os.environ, **variables}
    done = subprocess.run(
        [PROGRAM, *arguments], input=text, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Refused(f"{arguments}: {done.stdout}{done.stderr}")
    return done.stdout.strip()


def read(*arguments: str, **variables: str) -> Any:
    """The JSON of a command."""
    return json.loads(cli(*arguments, VAULT_FORMAT="json", BAO_FORMAT="json", **variables))


found: dict[str, object] = {}
cli("login", "-", text=TOKEN)

cli("kv", "put", "-mount=secret", "app/db", "password=other")
cli("kv", "put", "-mount=secret", "app/db", "password=s3cr3t")
found["password"] = cli("kv", "get", "-mount=secret", "-field=password", "app/db")
found["first"] = cli("kv", "get", "-mount=secret", "-version=1", "-field=password", "app/db")
found["listed"] = read("kv", "list", "-mount=secret", "app")
found["versions"] = sorted(read("kv", "metadata", "get", "-mount=secret", "app/db")["data"]["versions"])
try:
    cli("kv", "get", "-mount=secret", "app/none")
except Refused as error:
    found["absent"] = "No value found at secret/data/app/none" in str(error)

plaintext = base64.b64encode(b"four score").decode()
sealed = cli("write", "-field=ciphertext", "transit/encrypt/orders", f"plaintext={plaintext}")
opened = cli("write", "-field=plaintext", "transit/decrypt/orders", f"ciphertext={sealed}")
found["plaintext"] = base64.b64decode(opened).decode()

cli("policy", "write", "app", "-", text=POLICY)
found["policy"] = cli("policy", "read", "app") == POLICY.strip()
token = cli("token", "create", "-policy=app", "-ttl=1h", "-field=token")
found["policies"] = read("token", "lookup", token)["data"]["policies"]
found["capabilities"] = cli("token", "capabilities", token, "secret/data/app/db")
found["with the policy"] = cli("kv", "get", "-mount=secret", "-field=password", "app/db", VAULT_TOKEN=token)
found["renewed"] = read("token", "renew", "-increment=2h", token)["auth"]["lease_duration"]
cli("token", "revoke", token)
try:
    cli("kv", "get", "-mount=secret", "app/db", VAULT_TOKEN=token)
except Refused as error:
    [found["refused"]] = map(int, re.findall(r"Code: (\d+)", str(error)))

lease = read("read", "database/creds/app")["lease_id"]
found["lease"] = read("lease", "renew", "-increment=2h", lease)["lease_duration"]
cli("lease", "revoke", "-sync", lease)
try:
    cli("lease", "lookup", lease)
except Refused as error:
    found["revoked"] = "invalid lease" in str(error)
print(json.dumps(found))
