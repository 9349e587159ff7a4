"""The story of a file with references, which vals replaces with a secret of KV and a new user of a database.

One reference is to a secret that is absent, and one is refused with another token.
"""

import json
import os
import subprocess

PASSWORD = "ref+vault://secret/settings#/PASSWORD"


def vals(references: dict[str, str], **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["vals", "eval", "-o", "json", "-f", "-"],
        input=json.dumps(references),
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


done = vals(
    {"password": PASSWORD, "url": f"http://app:{PASSWORD}+@db", "user": "ref+vault://database/creds/app#/username"}
)
assert done.returncode == 0, done.stderr
found = json.loads(done.stdout)
found["user"] = found["user"].startswith("v-token-app-")
found["absent"] = "no secret found" in vals({"key": "ref+vault://secret/none#/key"}).stderr
found["refused"] = "Code: 403" in vals({"key": PASSWORD}, VAULT_TOKEN="other").stderr
print(json.dumps(found))
