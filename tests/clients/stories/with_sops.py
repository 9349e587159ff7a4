"""The story of a file that sops encrypts with a key of transit.

It is written, read, edited, encrypted again with the key's next version, and refused with another token.
"""

import json
import os
import re
import subprocess
from pathlib import Path

import requests

ADDRESS, CA = os.environ["VAULT_ADDR"], os.environ["VAULT_CACERT"]
KEY = f"{ADDRESS}/v1/transit/keys/orders"
FILE = Path(os.environ["HOME"], "settings.yaml")


def sops(*arguments: str, **variables: str) -> str:
    command = ["sops", *arguments, str(FILE)]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout


def key_version() -> str:
    """The version of the key that encrypts the file's own key."""
    [version] = re.findall(r"enc: vault:(v\d+):", FILE.read_text(encoding="utf-8"))
    return version


found: dict[str, object] = {}
FILE.write_text("password: s3cr3t\n", encoding="utf-8")
sops("encrypt", "--in-place", "--hc-vault-transit", KEY)
found["hidden"] = "s3cr3t" not in FILE.read_text(encoding="utf-8")
found["password"] = sops("decrypt", "--extract", '["password"]')
sops("edit", EDITOR="sed -i.old s/s3cr3t/changed/")
found["edited"] = sops("decrypt", "--extract", '["password"]')
first = key_version()
token = {"X-Vault-Token": os.environ["VAULT_TOKEN"]}
requests.post(f"{KEY}/rotate", headers=token, verify=CA or True, timeout=60).raise_for_status()
sops("rotate", "--in-place")
found["key versions"] = [first, key_version()]
found["rotated"] = sops("decrypt", "--extract", '["password"]')
try:
    sops("decrypt", VAULT_TOKEN="other")
except RuntimeError as error:
    [found["refused"]] = map(int, re.findall(r"Code: (\d+)", str(error)))
print(json.dumps(found))
