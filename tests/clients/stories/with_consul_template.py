"""The story of a file that consul-template keeps up to date.

It shows a secret of KV, which changes, and the user of a database, whose lease is renewed and then revoked.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import requests

ADDRESS, FOLDER = os.environ["VAULT_ADDR"], Path(os.environ["HOME"])
SHOWN = FOLDER / "shown.json"
TEMPLATE = """\
{{ with secret "database/creds/app" }}{"user": "{{ .Data.username }}", "lease": "{{ .LeaseID }}"{{ end }},
{{ with secret "secret/data/settings" }}"password": "{{ .Data.data.PASSWORD }}"}{{ end }}
"""
CONFIGURATION = """\
vault {
  renew_token            = false
  default_lease_duration = "1s" # How often secrets without a lease are read.
}
"""
TRUSTED, TOKEN = os.environ["VAULT_CACERT"] or True, {"X-Vault-Token": os.environ["VAULT_TOKEN"]}


def vault(path: str, **data: object) -> requests.Response:
    return requests.post(f"{ADDRESS}/v1/{path}", json=data, headers=TOKEN, verify=TRUSTED, timeout=60)


def wait(until: Callable[[], object]) -> object:
    """What the function returns as soon as it is true."""
    deadline = time.monotonic() + 30
    while not (result := until()):
        assert consul_template.poll() is None, "consul-template has ended"
        assert time.monotonic() < deadline, f"waited in vain; the file is: {SHOWN.exists() and SHOWN.read_text()}"
        time.sleep(0.1)
    return result


def shown() -> dict[str, str]:
    return json.loads(SHOWN.read_text(encoding="utf-8")) if SHOWN.exists() else {}


def renewed(lease: str) -> object:
    return vault("sys/leases/lookup", lease_id=lease).json()["data"]["last_renewal"]


(FOLDER / "template").write_text(TEMPLATE, encoding="utf-8")
(FOLDER / "settings.hcl").write_text(CONFIGURATION, encoding="utf-8")
found: dict[str, object] = {}
consul_template = subprocess.Popen(
    ["consul-template", "-config", str(FOLDER / "settings.hcl"), "-template", f"{FOLDER / 'template'}:{SHOWN}"]
)
try:
    wait(shown)
    first = shown()
    found["password"], found["user"] = first["password"], first["user"].startswith("v-token-app-")
    found["renewed"] = bool(wait(lambda: renewed(first["lease"])))
    vault("secret/data/settings", data={"PASSWORD": "changed"}).raise_for_status()
    found["changed"] = bool(wait(lambda: shown()["password"] == "changed"))
finally:
    consul_template.send_signal(signal.SIGINT)  # It hands other signals on to the program that it runs.
    try:
        found["interrupted"] = consul_template.wait(60)
    finally:
        consul_template.kill()
print(json.dumps(found))
