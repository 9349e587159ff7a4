"""What flavors of Vault have in common with OpenBao, from which they are derived."""

from __future__ import annotations

import pytest

from mockkms.vault.products.features import Feature
from mockkms.vault.products.openbao import OPENBAO
from mockkms.vault.products.vault import VAULT
from mockkms.vault.products.vault_1_21 import VAULT_1_21
from tests.vault.driving import World

PRODUCTS = ("openbao", "vault", "vault-1.21")


def test_every_feature_that_vault_shares_with_openbao_is_named_here() -> None:
    """A feature that is added to OpenBao is one of Vault too, unless Vault lacks it: this asks for the decision."""
    assert OPENBAO.features & VAULT.features == {Feature.KV_NULL_PATCH, Feature.SSH_KEY_BOUNDS}
    assert OPENBAO.features & VAULT_1_21.features == {Feature.LDAP_QUEUE_FIRST, Feature.OPEN_KEY_ENDPOINTS}


@pytest.mark.flavors(*PRODUCTS)
@pytest.mark.parametrize("function", ['"YQ==" | decode_base64', '"a" | hex', '"61" | decode_hex', 'glob "a" "a"'])
def test_functions_of_templates(world: World, function: str) -> None:
    """Source: sdk/helper/template/template.go of both."""
    world.core.mount("", "database/", "database")
    settings = {
        "plugin_name": "postgresql-database-plugin", "verify_connection": False, "allowed_roles": "*",
        "connection_url": "postgresql://db.example.test/x", "username_template": f"{{{{ {function} }}}}",
    }  # fmt: skip
    errors = " ".join(world.write("database/config/db", settings).errors or [])
    assert ("not defined" in errors) == (world.core.product.name != "openbao")


@pytest.mark.flavors(*PRODUCTS)
def test_a_key_that_was_made_for_a_request_that_failed(world: World) -> None:
    """Source: path_encrypt.go of transit: OpenBao's handlers undo what they stored if they fail, Vault's do not."""
    world.core.mount("", "transit/", "transit")
    assert world.write("transit/encrypt/k", {"plaintext": "YQ==", "key_version": 5}).status == 400
    listed = world.ask("list", "transit/keys")
    assert listed.status == 404 if world.core.product.name == "openbao" else listed.data == {"keys": ["k"]}


@pytest.mark.flavors(*PRODUCTS)
def test_a_refused_login_uses_a_secret_id_up(world: World) -> None:
    """Source: path_login.go of AppRole: Vault counts the use before it looks at addresses, OpenBao undoes it."""
    world.core.mount("", "auth/approle/", "approle")
    world.write("auth/approle/role/web", {"role_id": "web-id"})
    made = world.write("auth/approle/role/web/secret-id", {"num_uses": 1, "cidr_list": "10.0.0.0/8"}).data or {}
    login = {"role_id": "web-id", "secret_id": made["secret_id"]}
    refusals = [(world.write("auth/approle/login", login, token="").errors or [""])[0] for _ in range(2)]
    assert "unauthorized by CIDR restrictions" in refusals[0]
    kept = world.core.product.name == "openbao"
    assert refusals[1] == (refusals[0] if kept else "invalid role or secret ID")


@pytest.mark.flavors(*PRODUCTS)
@pytest.mark.parametrize(
    ("refused", "kept"),
    [
        ({"listing_visibility": "odd"}, {"default_lease_ttl": 60, "description": "mine"}),
        ({"user_lockout_config": {"lockout_threshold": "7", "lockout_duration": "x"}},
         {"default_lease_ttl": 60, "user_lockout_threshold": 7}),
        ({"max_lease_ttl": "1s"}, {}),
    ],
)  # fmt: skip
def test_the_settings_before_a_refused_one_are_tuned(world: World, refused: object, kept: dict[str, object]) -> None:
    """Source: handleTuneWriteCommon in vault/logical_system.go: OpenBao restores what it changed before a failure."""
    world.core.mount("", "auth/userpass/", "userpass")
    before = world.ask("read", "sys/auth/userpass/tune").data or {}
    assert isinstance(refused, dict)
    sent = {"default_lease_ttl": "60s", "description": "mine", "token_type": "batch", **refused}
    assert world.write("sys/auth/userpass/tune", sent).status == 400
    changed = dict((world.ask("read", "sys/auth/userpass/tune").data or {}).items() - before.items())
    changed = {name: value for name, value in changed.items() if name in kept or not name.startswith("user_lockout")}
    assert changed == ({} if world.core.product.name == "openbao" else kept)


@pytest.mark.flavors(*PRODUCTS)
def test_what_comes_before_a_refused_certificate_is_imported(world: World) -> None:
    """Source: pathImportIssuers in builtin/logical/pki/path_manage_issuers.go of both."""
    for name in ("pki", "other"):
        world.core.mount("", f"{name}/", "pki")
    root = world.write("other/root/generate/internal", {"common_name": "Root", "key_type": "ec"}).data or {}
    world.write("other/roles/any", {"allow_any_name": True, "key_type": "ec"})
    leaf = world.write("other/issue/any", {"common_name": "a.test"}).data or {}
    bundle = f"{root['certificate']}\n{leaf['certificate']}"
    assert world.write("pki/issuers/import/bundle", {"pem_bundle": bundle}).status == 400
    listed = world.ask("list", "pki/issuers").data or {}
    assert len(listed.get("keys", ())) == (0 if world.core.product.name == "openbao" else 1)
