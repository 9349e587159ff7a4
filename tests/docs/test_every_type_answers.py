"""Every type that mounts answers to every operation of its surface: nothing is an unsupported path or operation.

Surfaces are those of the recorded OpenAPI documents, and the path tables of the public plugins and of OpenBao's source
(``tests/parity/data/plugin-paths.json``, which names file and version).
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator

import pytest

from mockkms import MockKMS
from mockkms.vault.framework import registry
from mockkms.vault.framework.endpoint import Emulation
from mockkms.vault.framework.message import Operation
from mockkms.vault.products import OPENBAO, PRODUCTS, VAULT, Product
from scripts import coverage

_METHODS = {
    Operation.READ: "GET", Operation.LIST: "LIST", Operation.CREATE: "POST", Operation.UPDATE: "POST",
    Operation.PATCH: "PATCH", Operation.DELETE: "DELETE",
}  # fmt: skip
_OF_GROUP = {"kv-v1": "secret/kv", "kv-v2": "secret/kv", "kv2": "secret/kv"}
"""Types of the groups of a surface that are not named like theirs."""
_SCOPE = "https://www.googleapis.com/auth/cloud-platform"
_BINDINGS = 'resource "//cloudresourcemanager.googleapis.com/projects/p" {\n  roles = ["roles/viewer"]\n}\n'
_NEEDED: dict[str, dict[str, dict[str, str]]] = {
    "secret/gcp": {
        "roleset/x": {"project": "p", "token_scopes": _SCOPE, "bindings": _BINDINGS},
        "static-account/x": {"service_account_email": "a@p.iam.gserviceaccount.com", "token_scopes": _SCOPE},
    },
}
"""What to write first: a write below what is not there is a create, which these paths do not support."""
_PATCH = "application/merge-patch+json"


class _Client:
    """Requests as root on one connection."""

    def __init__(self, kms: MockKMS) -> None:
        self._token, self._connection = kms.token, http.client.HTTPConnection(kms.url.removeprefix("http://"))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, str]:
        """Return status and body of the answer."""
        headers = {"X-Vault-Token": self._token}
        if method == "PATCH":
            headers["Content-Type"] = _PATCH
        sent = json.dumps(body if body is not None else {}) if method in ("POST", "PATCH") else None
        self._connection.request(method, f"/v1/{path}", sent, headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")

    def mount(self, mount_type: str) -> str:
        """Mount a type at its name; return the path that requests begin with."""
        kind, plugin_type = mount_type.split("/")
        table, path = ("auth", f"auth/{plugin_type}") if kind == "auth" else ("mounts", plugin_type)
        status, text = self.ask("POST", f"sys/{table}/{plugin_type}", {"type": plugin_type})
        assert status in (200, 204), text
        return path


@pytest.fixture(params=PRODUCTS.values(), ids=list(PRODUCTS))
def product(request: pytest.FixtureRequest) -> Product:
    """Each product in turn."""
    found: Product = request.param
    return found


@pytest.fixture
def client(product: Product) -> Iterator[_Client]:
    """A server of the product, asked as root."""
    with MockKMS(flavor=product.name) as kms:
        found = _Client(kms)
        yield found
        found.close()


def _surveyed(product: Product) -> Product:
    """Return the product whose OpenAPI document stands for this one."""
    return OPENBAO if product is OPENBAO else VAULT


def _group_type(group: str) -> str:
    if group.startswith("auth-"):
        return f"auth/{group.removeprefix('auth-')}"
    return _OF_GROUP.get(group, f"secret/{group}")


def _mountable(product: Product) -> set[str]:
    builtins = product.builtins
    return {f"{kind}/{name}" for kind in ("auth", "secret") for name in builtins.mountable(kind)}


def test_every_type_that_mounts_has_a_surface(product: Product) -> None:
    surface = {_group_type(asked.group) for asked in coverage.surface(_surveyed(product))}
    tables = {asked.type for asked in coverage.tabled(product)}
    oidc = {"auth/oidc"}  # the engine of auth/jwt, which the document of OpenBao shows under that name only
    assert _mountable(product) - surface - tables - oidc == set()
    assert tables <= _mountable(product)
    assert {name for name in tables | surface if name.startswith("secret/")} >= {"secret/pki", "secret/ldap"}


def _unsupported(text: str) -> bool:
    return "unsupported path" in text or "unsupported operation" in text


def test_no_operation_of_a_path_table_is_unsupported(product: Product, client: _Client) -> None:
    mounted: dict[str, str] = {}
    wrong = []
    for asked in coverage.tabled(product):
        if asked.type not in mounted:
            mounted[asked.type] = client.mount(asked.type)
        for path, settings in _NEEDED.get(asked.type, {}).items():  # Each time: operations before this one delete it.
            status, text = client.ask("POST", f"{mounted[asked.type]}/{path}", settings)
            assert status in (200, 204), f"{path}: {text}"
        answers = [client.ask(_METHODS[asked.operation], f"{mounted[asked.type]}/{at}") for at in asked.samples]
        if all(_unsupported(text) for _, text in answers):
            wrong.append(f"{asked.type}: {asked.name}: {answers[0]}")
    assert not wrong, "\n".join(wrong)


def test_no_operation_of_a_recorded_surface_is_unsupported(product: Product, client: _Client) -> None:
    mounted: dict[str, str] = {}
    wrong = []
    document = _surveyed(product)
    for asked in coverage.surface(document):
        mount_type = _group_type(asked.group)
        if mount_type not in _mountable(product) or coverage.emulation(asked, document) is not Emulation.FULL:
            continue
        if asked.group not in mounted:
            mounted[asked.group] = client.mount(mount_type) if asked.group not in ("kv-v2", "kv2") else "secret"
        if asked.path.startswith("/auth/approle/role/{role_name}/"):
            # Recorded: to write one setting is an unsupported path as long as the role does not exist.
            client.ask("POST", "auth/approle/role/x")
        operation = Operation.LIST if asked.lists else asked.operations[0]
        paths = [at for at, endpoint in coverage.routed(asked, document) if operation in endpoint.operations]
        answers = [client.ask(_METHODS[operation], f"{mounted[asked.group]}/{at}") for at in paths]
        if all(_unsupported(text) for _, text in answers):
            wrong.append(f"{asked.name}: {answers[:1]}")
    assert not wrong, "\n".join(wrong)


def test_types_of_other_products_are_refused(product: Product, client: _Client) -> None:
    for mount_type in registry.KNOWN_TYPES - _mountable(product):
        kind, plugin_type = mount_type.split("/")
        status, _ = client.ask(
            "POST", f"sys/{'auth' if kind == 'auth' else 'mounts'}/{plugin_type}", {"type": plugin_type}
        )
        assert status == 400, mount_type
