"""The page on metrics and the log: its commands run, and its metrics exist."""

from __future__ import annotations

import re
import shlex
import subprocess

import hvac
import requests

from mockkms import MockKMS
from tests.clients.toolchain import tool

from .pages import ROOT, blocks

PAGE = "docs/monitoring.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")


def test_the_commands_for_metrics(kms: MockKMS) -> None:
    first, second = blocks(PAGE, "sh")[0].splitlines()
    for line, expected in ((first, "vault_core_unsealed{"), (second, '"vault.core.unsealed"')):
        words = shlex.split(line.replace("$VAULT_ADDR", kms.url))
        done = subprocess.run([tool(words[0]), *words[1:]], capture_output=True, text=True, timeout=60, check=True)
        assert expected in done.stdout


def test_the_command_for_the_log(kms: MockKMS) -> None:
    line = blocks(PAGE, "sh")[1].splitlines()[1]
    words = shlex.split(line.replace("$VAULT_ADDR", kms.url).replace("$VAULT_TOKEN", kms.token))
    with subprocess.Popen([tool(words[0]), *words[1:]], stdout=subprocess.PIPE, text=True) as following:
        while not kms.world.core.log.streams:
            assert following.poll() is None
        with_header = {"X-Vault-Token": kms.token}
        requests.post(f"{kms.url}/v1/sys/mounts/keys", json={"type": "transit"}, headers=with_header, timeout=60)
        assert following.stdout is not None
        assert '"@message":"successful mount"' in following.stdout.readline()
        following.terminate()


def test_the_metrics_of_the_table_exist(kms: MockKMS, client: hvac.Client) -> None:
    client.sys.enable_auth_method("userpass")
    client.auth.userpass.create_or_update_user("anna", "pw")
    login = client.auth.userpass.login("anna", "pw", use_token=False)["auth"]["client_token"]
    client.auth.token.lookup(login)
    client.auth.token.renew(login)
    client.auth.token.revoke(login)
    client.sys.create_or_update_policy("app", 'path "a" { capabilities = ["read"] }')
    client.sys.read_policy("app")
    for method, path in (("GET", "app"), ("POST", "two"), ("DELETE", "two")):
        body = {"policy": 'path "a" { capabilities = ["read"] }'} if method == "POST" else None
        headers = {"X-Vault-Token": kms.token}
        requests.request(method, f"{kms.url}/v1/sys/policies/acl/{path}", json=body, headers=headers, timeout=60)
    for path in ("renew", "revoke", "revoke-prefix/none"):
        headers = {"X-Vault-Token": kms.token}
        requests.post(f"{kms.url}/v1/sys/leases/{path}", json={"lease_id": "x"}, headers=headers, timeout=60)
    client.sys.enable_secrets_engine("pki")
    client.write_data("pki/root/generate/internal", data={"common_name": "root", "key_type": "ec"})
    client.write_data("pki/roles/app", data={"allow_any_name": True, "key_type": "ec", "generate_lease": True})
    client.write_data("pki/issue/app", data={"common_name": "a.example", "ttl": "1h"})
    client.sys.enable_audit_device("file", options={"file_path": "discard"})
    client.write_data("sys/quotas/rate-limit/few", data={"rate": 1, "interval": "1h", "path": "cubbyhole/"})
    for _ in range(2):
        requests.get(f"{kms.url}/v1/cubbyhole/a", headers={"X-Vault-Token": kms.token}, timeout=60)
    text = requests.get(f"{kms.url}/v1/sys/metrics?format=prometheus", timeout=60).text
    known = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    rows = re.findall(r"^\| (`[^|]+) \|", TEXT, re.MULTILINE)
    named = [name for row in rows for name in re.findall(r"`([a-z_.-]+)`", row)]
    assert len(named) > 30
    for name in named:
        prefixed = name if name.startswith(("go_", "process_")) else f"vault_{re.sub('[.-]', '_', name)}"
        assert prefixed in known, name
    assert "vault_route_update_sys_" in known
