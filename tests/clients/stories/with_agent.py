"""The story of the agent of Vault or OpenBao, whose path is the variable PROGRAM.

It logs in by AppRole, and writes its token and a file with a secret and a new user of a database.
"""

import json
import os
import subprocess
from pathlib import Path

HOME = Path(os.environ["HOME"])
TEMPLATE = """\
{{ with secret "secret/data/settings" }}{"password": "{{ .Data.data.PASSWORD }}",{{ end }}
{{ with secret "database/creds/app" }}"user": "{{ .Data.username }}"}{{ end }}
"""
CONFIGURATION = """\
auto_auth {
  method "approle" {
    config = {
      role_id_file_path                   = "role-id"
      secret_id_file_path                 = "secret-id"
      remove_secret_id_file_after_reading = true
    }
  }
  sink "file" {
    config = { path = "token" }
  }
}
template {
  source      = "template"
  destination = "shown.json"
}
template_config {
  exit_on_retry_failure = true
}
"""
for name, text in (
    ("role-id", "web-role"),
    ("secret-id", "web-secret"),
    ("template", TEMPLATE),
    ("agent.hcl", CONFIGURATION),
):
    (HOME / name).write_text(text, encoding="utf-8")

del os.environ["VAULT_TOKEN"]
agent = [os.environ["PROGRAM"], "agent", "-config=agent.hcl", "-exit-after-auth"]
done = subprocess.run(agent, cwd=HOME, capture_output=True, text=True, check=False, timeout=60)
assert done.returncode == 0, done.stdout + done.stderr
shown = json.loads((HOME / "shown.json").read_text(encoding="utf-8"))
lookup = [os.environ["PROGRAM"], "token", "lookup", "-format=json"]
token = json.loads(
    subprocess.run(
        lookup,
        env={**os.environ, "VAULT_TOKEN": (HOME / "token").read_text()},
        check=True,
        capture_output=True,
        text=True,
    ).stdout
)
print(
    json.dumps(
        {
            "password": shown["password"],
            "user": shown["user"].startswith("v-approle-app-"),
            "secret id": (HOME / "secret-id").exists(),
            "policies": token["data"]["policies"],
        }
    )
)
