"""The clients of the README's table, and how each tells its story: for most of them see ``stories/curl.sh``.

A program gets address, token and CA certificate in VAULT_ADDR, VAULT_TOKEN and VAULT_CACERT, and prints as JSON what
its row expects: ``EXPECTED`` for clients of the API, and otherwise what the program is for. Rows with the language
"program" are run if the program is on the PATH, those with "Ruby" if Ruby loads the gem; nothing installs them.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.clients.rust_programs import programs
from tests.clients.toolchain import HERE, build_once, ruby_with, run, tool, workshop

STORIES = HERE / "stories"
EXPECTED = {"password": "s3cr3t", "absent": 404, "plaintext": "four score", "refused": 403}
KEY = {"before": False, "created": "story", "described": "story", "state": "Enabled", "listed": True}
EXPECTED_OF_KEYS = {"ok": {**KEY, "length": 32, "opened": True, "healthy": True}}
SETTINGS = {"password": "s3cr3t", "absent": "absent"}
SEED = {
    "vault": {
        "mounts": {
            "transit/": {"type": "transit", "keys": {"orders": {}}},
            "secret/": {"type": "kv", "version": 2, "secrets": {"settings": {"PASSWORD": "s3cr3t"}}},
            "database/": {
                "type": "database",
                "config": {
                    "orders": {
                        "plugin_name": "postgresql-database-plugin",
                        "allowed_roles": ["app"],
                        "connection_details": {"connection_url": "postgresql://u:p@db.example.org/orders"},
                    }
                },
                "roles": {"app": {"db_name": "orders", "default_ttl": "1h", "max_ttl": "24h"}},
            },
        },
        "policies": {
            "web": "".join(
                f'path "{path}" {{ capabilities = ["read"] }}\n'
                for path in ("secret/data/settings", "database/creds/app")
            )
        },
        "auth": {
            "approle/": {
                "type": "approle",
                "roles": {"web": {"role_id": "web-role", "secret_ids": ["web-secret"], "token_policies": ["web"]}},
            }
        },
    }
}
OF_SOPS = {
    "hidden": True,
    "password": "s3cr3t",
    "edited": "changed",
    "key versions": ["v1", "v2"],
    "rotated": "changed",
    "refused": 403,
}
OF_TINK = {
    "plaintext": "four score",
    "key versions": ["v1", "v2"],
    "rotated": "four score",
    "bound to its context": True,
    "refused": True,
}
OF_CONSUL_TEMPLATE = {"password": "s3cr3t", "user": True, "renewed": True, "changed": True, "interrupted": 12}
OF_VALS = {"password": "s3cr3t", "url": "http://app:s3cr3t@db", "user": True, "absent": True, "refused": True}
OF_COMMAND_LINE = {
    "password": "s3cr3t",
    "first": "other",
    "listed": ["db"],
    "versions": ["1", "2"],
    "absent": True,
    "plaintext": "four score",
    "policy": True,
    "policies": ["app", "default"],
    "capabilities": "read",
    "with the policy": "s3cr3t",
    "renewed": 7200,
    "refused": 403,
    "lease": 7200,
    "revoked": True,
}
OF_AGENT = {"password": "s3cr3t", "user": True, "secret id": False, "policies": ["default", "web"]}
TRANSPORTS = {"HTTP": {"seed": SEED}, "HTTPS": {"seed": SEED, "tls": True}}
"""What the columns of the table are called, and the arguments of their servers."""

Tell = Callable[[Mapping[str, str]], str]
"""Runs a program with these variables; what it prints. Skips the test if a toolchain is missing."""


@dataclass(frozen=True)
class Client:
    """A row of the table."""

    language: str
    name: str
    version: str
    """The version that is used; empty for those that the machine or the lock provides."""
    tell: Tell
    expected: Mapping[str, object] = field(default_factory=lambda: EXPECTED)


def _text(name: str) -> str:
    return (STORIES / name).read_text(encoding="utf-8")


def _curl(env: Mapping[str, str]) -> str:
    tool("curl")
    return run(tool("sh"), str(STORIES / "curl.sh"), env=env)


def _python(name: str, env: Mapping[str, str]) -> str:
    return run(sys.executable, str(STORIES / name), env=env)


def _python_with(packages: str, name: str, env: Mapping[str, str]) -> str:
    """Run with packages that are installed for this program alone."""
    place = workshop("python", {"requirements.txt": packages})
    libraries = place / "libraries"
    install = ["pip", "install", "-q", "--disable-pip-version-check", "--target", str(libraries)]
    build_once("Python", sys.executable, "-m", *install, *packages.split(), cwd=place)
    return _python(name, {**env, "PYTHONPATH": str(libraries)})


def _program(name: str, story: str, env: Mapping[str, str]) -> str:
    """Run a story with a program that is on the PATH, and keep its files in a home of its own."""
    path = tool(name)
    with tempfile.TemporaryDirectory() as home:
        return _python(story, {**env, "HOME": home, "PROGRAM": path})


def _ansible(env: Mapping[str, str]) -> str:
    playbook = tool("ansible-playbook")
    with tempfile.TemporaryDirectory() as folder:
        story = Path(folder) / "story.json"
        # Its own files go there too; the locale that it requires may not be that of the tests.
        own = {"STORY": str(story), "ANSIBLE_LOCAL_TEMP": folder, "ANSIBLE_HOME": folder, "LC_ALL": "C.UTF-8"}
        run(playbook, str(STORIES / "playbook.yml"), env={**env, **own})
        return story.read_text(encoding="utf-8")


def _go(module: str, folder: str, env: Mapping[str, str]) -> str:
    go = tool("go")
    sources = {name: _text(f"{folder}/{name}") for name in ("go.mod", "go.sum")}
    place = workshop(f"story-{folder}", {**sources, "main.go": _text("story.go.txt").replace("MODULE", module)})
    program = place / "story"
    local = {"GOFLAGS": "-mod=mod", "GOTOOLCHAIN": "local"}
    build_once("Go", go, "build", "-o", str(program), ".", cwd=place, env=local)
    return run(str(program), env=env)


def _node(name: str, package: str, version: str, env: Mapping[str, str]) -> str:
    node = tool("node")
    dependencies = {package: version} if package else {}
    wanted = json.dumps({"private": True, "dependencies": dependencies})
    place = workshop("story-node", {"package.json": wanted, name: _text(name)})
    if package:
        build_once("Node", tool("npm"), "install", "--no-audit", "--no-fund", "--ignore-scripts", cwd=place)
    return run(node, str(place / name), env={**env, "NODE_EXTRA_CA_CERTS": env["VAULT_CACERT"]})


def _java(name: str, env: Mapping[str, str]) -> str:
    maven, java = tool("mvn"), tool("java")
    sources = {f"src/main/java/{path.name}": _text(f"java/{path.name}") for path in (STORIES / "java").glob("*.java")}
    place = workshop("story-java", {"pom.xml": _text("java/pom.xml"), **sources})
    libraries = place / "target" / "dependency"
    build_once("Java", maven, "-q", "-B", "compile", "dependency:copy-dependencies", cwd=place)
    return run(java, *_truststore(env["VAULT_CACERT"]), "-cp", f"{place}/target/classes:{libraries}/*", name, env=env)


def _truststore(ca_file: str) -> list[str]:
    """The properties of a store with this certificate."""
    if not ca_file:
        return []
    store, password = Path(ca_file).with_suffix(".p12"), "changeit"
    if not store.exists():
        run(tool("keytool"), "-importcert", "-noprompt", "-file", ca_file, "-keystore", str(store),
            "-storetype", "PKCS12", "-storepass", password)  # fmt: skip
    return [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={password}"]


def _ruby(gem: str, name: str, env: Mapping[str, str]) -> str:
    return run(ruby_with(gem), str(STORIES / name), env=env)


def _rust(env: Mapping[str, str]) -> str:
    # vaultrs reads a file of certificates wherever the variable is set.
    given = {name: value for name, value in env.items() if value}
    return run(str(programs() / "vaultrs-story"), env=given)


def _rustfs(env: Mapping[str, str]) -> str:
    settings = {
        "RUSTFS_KMS_BACKEND": "vault-transit",
        "RUSTFS_KMS_VAULT_ADDRESS": env["VAULT_ADDR"],
        "RUSTFS_KMS_VAULT_TOKEN": env["VAULT_TOKEN"],
        "RUSTFS_KMS_ALLOW_INSECURE_DEV_DEFAULTS": "true",
        **({"RUSTFS_KMS_VAULT_CA_CERT": env["VAULT_CACERT"]} if env["VAULT_CACERT"] else {}),
    }
    return run(str(programs() / "rustfs-client"), "guide", "story", env={**env, **settings})


CLIENTS = [
    Client("shell", "curl", "", _curl),
    Client("Python", "hvac", "", partial(_python, "with_hvac.py")),
    Client("Python", "requests", "", partial(_python, "with_requests.py")),
    Client("Python", "aiohttp", "", partial(_python, "with_aiohttp.py")),
    Client("Python", "async-hvac", "0.7.4", partial(_python_with, "async-hvac==0.7.4", "with_async_hvac.py")),
    Client(
        "Python",
        "dynaconf",
        "3.3.5",
        partial(_python_with, "dynaconf==3.3.5 hvac==2.4.0", "with_dynaconf.py"),
        SETTINGS,
    ),
    Client(
        "Python", "tink (hcvault)", "1.16.1", partial(_python_with, "tink==1.16.1 hvac==2.4.0", "with_tink.py"), OF_TINK
    ),
    Client("program", "ansible-playbook", "", _ansible),
    Client("program", "sops", "", partial(_program, "sops", "with_sops.py"), OF_SOPS),
    Client(
        "program",
        "consul-template",
        "",
        partial(_program, "consul-template", "with_consul_template.py"),
        OF_CONSUL_TEMPLATE,
    ),
    Client("program", "vals", "", partial(_program, "vals", "with_vals.py"), OF_VALS),
    Client("program", "vault", "", partial(_program, "vault", "with_command_line.py"), OF_COMMAND_LINE),
    Client("program", "vault agent", "", partial(_program, "vault", "with_agent.py"), OF_AGENT),
    Client("program", "bao", "", partial(_program, "bao", "with_command_line.py"), OF_COMMAND_LINE),
    Client("program", "bao agent", "", partial(_program, "bao", "with_agent.py"), OF_AGENT),
    Client("Go", "vault/api", "1.22.0", partial(_go, "github.com/hashicorp/vault/api", "govault")),
    Client("Go", "openbao/api/v2", "2.7.1", partial(_go, "github.com/openbao/openbao/api/v2", "gobao")),
    Client("Node", "fetch", "", partial(_node, "with_fetch.mjs", "", "")),
    Client("Node", "node-vault", "0.12.0", partial(_node, "with_node_vault.cjs", "node-vault", "0.12.0")),
    Client(
        "Node",
        "node-vault-client",
        "1.0.2",
        partial(_node, "with_node_vault_client.cjs", "node-vault-client", "1.0.2"),
    ),
    Client("Java", "RestTemplate", "6.2.8", partial(_java, "WithRestTemplate")),
    Client("Java", "Spring Vault", "3.2.0", partial(_java, "WithSpringVault")),
    Client("Java", "vault-java-driver (jopenlibs)", "6.2.0", partial(_java, "WithJopenlibs")),
    Client("Ruby", "vault (gem)", "", partial(_ruby, "vault", "with_vault_ruby.rb")),
    Client("Rust", "vaultrs", "0.8.0", _rust),
    Client("Rust", "rustfs-kms", "1.0.1", _rustfs, EXPECTED_OF_KEYS),
]
