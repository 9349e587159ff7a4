"""Multi-factor authentication: methods, enforcements, TOTP keys, logins in one and two phases."""

from __future__ import annotations

import base64
import pickle
import re
from typing import Any

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from mockkms.vault.framework.message import Response
from tests.vault.driving import World

WAITS = (
    "A login request was issued that is subject to MFA validation. Please make sure to validate the login by sending "
    "another request to mfa/validate endpoint."
)
BAD = "MFA credentials not supplied or incorrect"


def prepare(world: World) -> None:
    world.core.mount("", "auth/userpass/", "userpass")
    world.write("auth/userpass/users/ann", {"password": "pw", "token_policies": "p"})
    world.write("auth/userpass/users/bob", {"password": "pw"})


pytestmark = pytest.mark.prepared(by=prepare)


def data(response: Response) -> dict[str, Any]:
    assert response.errors is None, response.errors
    assert response.data is not None
    return response.data


def method(world: World, type: str = "totp", **settings: Any) -> str:
    settings = settings or {"issuer": "Acme"}
    return str(data(world.write(f"identity/mfa/method/{type}", settings))["method_id"])


def enforce(world: World, *methods: str, name: str = "second", **subjects: Any) -> Response:
    return world.write(
        f"identity/mfa/login-enforcement/{name}",
        {"mfa_method_ids": list(methods), **(subjects or {"auth_method_types": ["userpass"]})},
    )


def login(world: World, user: str = "ann", **more: Any) -> Response:
    return world.write(f"auth/userpass/login/{user}", {"password": "pw"}, token="", **more)


def entity_of(world: World, user: str = "ann") -> str:
    return str(world.core.identity.by_factors(accessor(world), user).canonical_id)  # type: ignore[union-attr]


def accessor(world: World) -> str:
    mount = world.core.state.mounts.get("", "auth/userpass/")
    assert mount is not None
    return mount.accessor


class Phone:
    """An authenticator app that has the key."""

    def __init__(self, world: World, answer: dict[str, Any]) -> None:
        self.world = world
        found = re.search(r"secret=([A-Z2-7]+)", answer["url"])
        assert found is not None
        key = base64.b32decode(found[1] + "=" * (-len(found[1]) % 8))
        self.totp = TOTP(key, 6, SHA1(), 30, enforce_key_length=False)

    def code(self, later: float = 0) -> str:
        return self.totp.generate(int(self.world.core.clock.now() + later)).decode()


@pytest.fixture
def guarded(world: World) -> tuple[World, str, Phone]:
    """Logins by userpass need TOTP; ann has a key."""
    login(world)
    id = method(world)
    answer = data(
        world.write("identity/mfa/method/totp/admin-generate", {"method_id": id, "entity_id": entity_of(world)})
    )
    assert enforce(world, id).errors is None
    return world, id, Phone(world, answer)


def validate(world: World, asked: Response, payload: Any, **more: Any) -> Response:
    assert asked.auth is not None
    assert asked.auth.mfa_requirement is not None
    id = asked.auth.mfa_requirement["mfa_request_id"]
    return world.write("sys/mfa/validate", {"mfa_request_id": id, "mfa_payload": payload}, token="", **more)


# -- methods ---------------------------------------------------------------------------------------------------------


def test_a_totp_method_has_these_defaults(world: World) -> None:
    id = method(world)
    assert data(world.ask("read", f"identity/mfa/method/totp/{id}")) == {
        "algorithm": "SHA1", "digits": 6, "id": id, "issuer": "Acme", "key_size": 20, "max_validation_attempts": 5,
        "name": "", "namespace_id": "root", "namespace_path": "", "period": 30, "qr_size": 200, "skew": 1,
        "type": "totp",
    }  # fmt: skip
    assert data(world.ask("read", f"identity/mfa/method/{id}"))["id"] == id


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({}, "issuer must be set"),
        ({"issuer": "a", "algorithm": "MD5"}, "unrecognized algorithm"),
        ({"issuer": "a", "digits": 7}, "digits can only be 6 or 8"),
        ({"issuer": "a", "period": 0}, "period must be greater than zero"),
        ({"issuer": "a", "skew": 2}, "skew must be 0 or 1"),
        ({"issuer": "a", "key_size": -1}, "key_size must be greater than zero"),
        ({"issuer": "a", "max_validation_attempts": -1}, "max_validation_attempts must be greater than zero"),
    ],
)
def test_totp_settings_that_are_refused(world: World, settings: dict[str, Any], text: str) -> None:
    answer = world.write("identity/mfa/method/totp", settings)
    assert (answer.status, answer.errors) == (400, [text])


def test_okta_duo_and_pingid_show_no_secrets(world: World) -> None:
    okta = method(world, "okta", org_name="acme", api_token="s3cret")
    duo = method(world, "duo", secret_key="s3cret", integration_key="i", api_hostname="api.duo.test", use_passcode=True)
    file = base64.b64encode(b"#x\nuse_base64_key=czNjcmV0\nuse_signature=true\ntoken=t\nidp_url=https://p.test\n")
    ping = method(world, "pingid", settings_file_base64=file.decode())
    shown = {id: data(world.ask("read", f"identity/mfa/method/{id}")) for id in (okta, duo, ping)}
    head = {"name": "", "namespace_id": "root", "namespace_path": ""}
    user = {"mount_accessor": "", "username_format": ""}
    assert shown[okta] == {"org_name": "acme", "base_url": "okta.com", "type": "okta", "id": okta, **head, **user}
    assert shown[duo] == {
        "api_hostname": "api.duo.test", "pushinfo": "", "use_passcode": True, "type": "duo", "id": duo, **head, **user,
    }  # fmt: skip
    assert shown[ping] == {
        "use_signature": True, "idp_url": "https://p.test", "org_alias": "", "admin_url": "", "authenticator_url": "",
        "type": "pingid", "id": ping, **head,
    }  # fmt: skip
    legacy = method(world, "okta", org_name="acme", api_token="x", production=False)
    assert data(world.ask("read", f"identity/mfa/method/{legacy}"))["production"] is False
    listed = data(world.ask("list", "identity/mfa/method/"))
    assert sorted(listed["keys"]) == sorted([okta, duo, ping, legacy])
    assert listed["key_info"][duo] == shown[duo]
    assert data(world.ask("list", "identity/mfa/method/duo/"))["keys"] == [duo]
    assert world.ask("list", "identity/mfa/method/totp/").status == 404


@pytest.mark.parametrize(
    ("type", "settings", "text"),
    [
        ("okta", {"org_name": "a"}, "api_token must be set"),
        ("okta", {}, "org_name must be set"),
        ("duo", {}, "secret_key is empty"),
        ("duo", {"secret_key": "a"}, "integration_key is empty"),
        ("duo", {"secret_key": "a", "integration_key": "b"}, "api_hostname is empty"),
        ("pingid", {}, "settings_file_base64 is empty"),
        ("pingid", {"settings_file_base64": "!"}, "illegal base64 data at input byte 0"),
        ("pingid", {"settings_file_base64": "YWJj"}, "pingid settings file contains a non-empty non-comment line that "
         'is not in key=value format: "abc"'),
        ("pingid", {"settings_file_base64": "YT1i"}, 'unknown key "a" in pingid settings file'),
    ],
)  # fmt: skip
def test_settings_of_services_that_are_refused(world: World, type: str, settings: dict[str, Any], text: str) -> None:
    assert world.write(f"identity/mfa/method/{type}", settings).errors == [text]


def test_methods_are_changed_by_id_or_name(world: World) -> None:
    id = method(world, issuer="a", method_name="phone")
    assert method(world, issuer="b", method_name="phone") == id
    assert data(world.ask("read", f"identity/mfa/method/totp/{id}"))["issuer"] == "b"
    changed = world.write(f"identity/mfa/method/totp/{id}", {"issuer": "c"})
    assert (changed.status, changed.data) == (204, None)
    assert data(world.ask("read", f"identity/mfa/method/totp/{id}"))["name"] == "phone"
    other = method(world, issuer="d", method_name="other")
    taken = world.write(f"identity/mfa/method/totp/{other}", {"issuer": "d", "method_name": "phone"})
    text = "a login MFA method configuration with the method name phone already exists"
    assert (taken.status, taken.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])
    unknown = "00000000-0000-0000-0000-000000000000"
    assert world.write(f"identity/mfa/method/totp/{unknown}", {"issuer": "d"}).status == 204
    assert world.ask("read", f"identity/mfa/method/totp/{unknown}").status == 404
    assert world.ask("read", "identity/mfa/method/totp").errors == ["missing method ID"]
    assert world.ask("read", f"identity/mfa/method/duo/{id}").errors == [
        "failed to find the method ID under MFA type duo."
    ]
    assert world.ask("read", "identity/mfa/method/totp/phone").status == 404


def test_a_method_in_use_cannot_be_deleted(world: World) -> None:
    id = method(world)
    enforce(world, id)
    enforcement = data(world.ask("read", "identity/mfa/login-enforcement/second"))["id"]
    refused = world.ask("delete", f"identity/mfa/method/totp/{id}")
    text = f"methodID is still used by an enforcement configuration with ID: {enforcement}"
    assert (refused.status, refused.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])
    assert world.ask("delete", "identity/mfa/login-enforcement/second").status == 204
    wrong = world.ask("delete", f"identity/mfa/method/duo/{id}")
    assert wrong.errors == ["1 error occurred:\n\t* method type does not match the MFA config type\n\n"]
    assert world.ask("delete", f"identity/mfa/method/totp/{id}").status == 204
    assert world.ask("delete", f"identity/mfa/method/totp/{id}").status == 204


# -- enforcements ----------------------------------------------------------------------------------------------------


def test_an_enforcement_is_shown_as_written(world: World) -> None:
    id = method(world)
    enforce(world, id, auth_method_accessors=[accessor(world)])
    shown = data(world.ask("read", "identity/mfa/login-enforcement/second"))
    assert shown == {
        "id": shown["id"], "name": "second", "namespace_id": "root", "namespace_path": "", "mfa_method_ids": [id],
        "auth_method_accessors": [accessor(world)], "auth_method_types": [], "identity_group_ids": [],
        "identity_entity_ids": [],
    }  # fmt: skip
    enforce(world, id, auth_method_types=["userpass"])
    again = data(world.ask("read", "identity/mfa/login-enforcement/second"))
    assert again == {**shown, "auth_method_types": ["userpass"]}
    assert data(world.ask("list", "identity/mfa/login-enforcement/")) == {
        "keys": ["second"], "key_info": {"second": again},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("subjects", "text"),
    [
        ({"auth_method_accessors": ["x"]}, "one of the auth method accessors provided is invalid"),
        ({"auth_method_types": ["ldap"]}, "one of the auth method types provided is invalid"),
        ({"identity_group_ids": ["x"]}, "one of the provided group ids doesn't exist"),
        ({"identity_entity_ids": ["x"]}, "one of the provided entity ids doesn't exist"),
        ({"name": "x"}, "One of auth_method_accessors, auth_method_types, identity_group_ids, identity_entity_ids must "
         "be specified"),
    ],
)  # fmt: skip
def test_enforcements_that_are_refused(world: World, subjects: dict[str, Any], text: str) -> None:
    id = method(world)
    answer = world.write("identity/mfa/login-enforcement/second", {"mfa_method_ids": [id], **subjects})
    assert (answer.status, answer.errors) == (400, [text])
    assert world.ask("read", "identity/mfa/login-enforcement/second").status == 404


def test_an_enforcement_needs_methods_that_exist(world: World) -> None:
    assert world.write("identity/mfa/login-enforcement/a", {}).errors == ["missing method ids"]
    assert enforce(world, "nothing").errors == ["one of the provided method ids doesn't exist"]


# -- keys ------------------------------------------------------------------------------------------------------------


def test_a_key_is_made_once(world: World) -> None:
    login(world)
    id, entity = method(world, issuer="Ac me", qr_size=0), entity_of(world)
    asked = {"method_id": id, "entity_id": entity}
    made = data(world.write("identity/mfa/method/totp/admin-generate", asked))
    pattern = (
        rf"otpauth://totp/Ac%20me:{entity}\?algorithm=SHA1&digits=6&issuer=Ac%20me&period=30&secret=[A-Z2-7]{{32}}"
    )
    assert re.fullmatch(pattern, made["url"])
    assert made["barcode"] == ""
    again = world.write("identity/mfa/method/totp/admin-generate", asked)
    assert (again.data, again.warnings) == (None, ['Entity already has a secret for MFA method ""'])
    assert world.write("identity/mfa/method/totp/admin-destroy", asked).status == 204
    assert data(world.write("identity/mfa/method/totp/admin-generate", asked))["url"] != made["url"]


def test_the_barcode_is_a_picture_of_that_size(world: World) -> None:
    pytest.importorskip("segno")
    login(world)
    asked = {"method_id": method(world), "entity_id": entity_of(world)}
    picture = base64.b64decode(data(world.write("identity/mfa/method/totp/admin-generate", asked))["barcode"])
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture[16:24] == (200).to_bytes(4) * 2
    small = {"method_id": method(world, issuer="Acme", qr_size=10), "entity_id": entity_of(world)}
    refused = world.write("identity/mfa/method/totp/admin-generate", small)
    assert refused.status == 500
    assert refused.errors is not None
    assert "failed to generate QR code image: can not scale barcode to an image smaller than" in refused.errors[0]


def test_entities_can_generate_their_own_key(world: World) -> None:
    world.write("sys/policy/p", {"policy": 'path "identity/mfa/method/totp/generate" { capabilities = ["update"] }'})
    token = login(world).auth
    assert token is not None
    id = method(world)
    made = world.write("identity/mfa/method/totp/generate", {"method_id": id}, token=token.client_token)
    assert entity_of(world) in data(made)["url"]
    assert world.write("identity/mfa/method/totp/generate", {"method_id": id}).errors == ["missing entityID"]


@pytest.mark.parametrize("path", ["admin-generate", "admin-destroy"])
def test_keys_of_unknown_objects_are_refused(world: World, path: str) -> None:
    login(world)
    path, entity = f"identity/mfa/method/totp/{path}", entity_of(world)
    assert world.write(path, {"entity_id": entity}).errors == ["missing method ID"]
    unknown = world.write(path, {"method_id": "x", "entity_id": entity})
    assert unknown.errors == ['configuration for method ID "x" does not exist']
    assert world.write(path, {"method_id": method(world), "entity_id": "x"}).errors == ["invalid entity ID"]
    okta = method(world, "okta", org_name="acme", api_token="t")
    assert world.write(path, {"method_id": okta, "entity_id": entity}).errors in (
        ['generate not available for MFA type "okta"'],
        ["1 error occurred:\n\t* method ID does not match TOTP type\n\n"],
    )


# -- logins in two phases --------------------------------------------------------------------------------------------


def test_a_login_waits_for_its_passcode(guarded: tuple[World, str, Phone]) -> None:
    world, id, phone = guarded
    asked = login(world)
    assert asked.auth is not None
    assert asked.warnings == [WAITS]
    assert (asked.auth.client_token, asked.auth.token_type) == ("", "default")
    requirement = asked.auth.mfa_requirement
    assert requirement is not None
    assert requirement["mfa_constraints"] == {"second": {"any": [{"type": "totp", "id": id, "uses_passcode": True}]}}
    done = validate(world, asked, {id: [phone.code()]})
    assert done.auth is not None
    assert done.auth.mfa_requirement is None
    assert world.self_of(done.auth.client_token)["path"] == "auth/userpass/login/ann"
    assert world.self_of(done.auth.client_token)["display_name"] == "userpass-ann"
    assert done.auth.metadata == {"username": "ann"}
    assert validate(world, asked, {id: [phone.code()]}).errors == ["invalid request ID"]


def test_a_wrong_passcode_leaves_the_login_waiting(guarded: tuple[World, str, Phone]) -> None:
    world, id, phone = guarded
    asked = login(world)
    refused = validate(world, asked, {id: ["00000x"]})
    assert refused.status == 403
    assert refused.errors == [
        f"failed to satisfy enforcement second. error: 2 errors occurred:\n\t* {BAD}\n"
        f"\t* login MFA validation failed for methodID: [{id}]\n\n"
    ]
    assert validate(world, asked, {id: [phone.code()]}).auth is not None


def test_a_passcode_for_another_method_is_refused(guarded: tuple[World, str, Phone]) -> None:
    world, id, phone = guarded
    refused = validate(world, login(world), {"other": [phone.code()]})
    assert refused.errors == [
        "failed to satisfy enforcement second. error: failed to sanitize MFA creds, 1 error occurred:\n"
        f"\t* failed to find MFA credentials associated with an MFA method ID {id}, method name \n\n"
    ]


def test_a_passcode_is_used_once(guarded: tuple[World, str, Phone]) -> None:
    world, id, phone = guarded
    code = phone.code()
    assert validate(world, login(world), {id: [code]}).auth is not None
    again = validate(world, login(world), {id: [code]})
    assert again.errors is not None
    assert BAD in again.errors[0]
    world.later(30)
    assert validate(world, login(world), {id: [phone.code()]}).auth is not None


def test_passcodes_of_the_neighbouring_periods_pass(guarded: tuple[World, str, Phone]) -> None:
    world, id, phone = guarded
    for shift, passes in ((-30, True), (30, True), (60, False), (-60, False)):
        assert (validate(world, login(world), {id: [phone.code(shift)]}).auth is not None) is passes


def test_failed_tries_are_counted(guarded: tuple[World, str, Phone]) -> None:
    world, id, phone = guarded
    asked = login(world)
    for number in range(5):
        validate(world, asked, {id: [f"00000{number}"]})
    refused = validate(world, asked, {id: [phone.code()]})
    assert refused.errors is not None
    assert (
        "maximum TOTP validation attempts 6 exceeded the allowed attempts 5. Please try again in 30.000000002s seconds"
        in refused.errors[0]
    )
    world.later(31)
    assert validate(world, asked, {id: [phone.code()]}).auth is not None


def test_a_login_waits_for_five_minutes(guarded: tuple[World, str, Phone]) -> None:
    world, id, phone = guarded
    asked = login(world)
    world.later(300)
    assert validate(world, asked, {id: [phone.code()]}).errors == ["invalid request ID"]


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ({}, "missing request ID"),
        ({"mfa_request_id": "x", "mfa_payload": {"a": "b"}}, "invalid mfa payload"),
        ({"mfa_request_id": "x", "mfa_payload": {"a": [True]}}, "invalid mfa payload"),
        ({"mfa_request_id": "x", "mfa_payload": {"a": ["b"]}}, "invalid request ID"),
    ],
)
def test_validations_that_are_refused(world: World, sent: dict[str, Any], text: str) -> None:
    answer = world.write("sys/mfa/validate", sent, token="")
    assert (answer.status, answer.errors) == (400, [text])


def test_waiting_logins_are_plain_data(guarded: tuple[World, str, Phone]) -> None:
    world, id, phone = guarded
    asked = login(world)
    world.core.replace_state(pickle.loads(pickle.dumps(world.core.state)))
    assert validate(world, asked, {id: ["passcode=" + phone.code()]}).auth is not None


def test_sealing_drops_waiting_logins(guarded: tuple[World, str, Phone]) -> None:
    world, id, phone = guarded
    asked = login(world)
    world.core.seal.seal()
    world.core.seal.open()
    assert validate(world, asked, {id: [phone.code()]}).errors == ["invalid request ID"]
    assert login(world, mfa={id: [phone.code()]}).auth is not None


# -- logins in one phase ---------------------------------------------------------------------------------------------


def test_a_login_can_contain_its_passcode(guarded: tuple[World, str, Phone]) -> None:
    world, id, phone = guarded
    refused = login(world, mfa={id: ["000000"]})
    assert (refused.status, refused.errors) == (403, ["permission denied"])
    done = login(world, mfa={id: [phone.code()]})
    assert done.auth is not None
    assert world.alive(done.auth.client_token)


def test_a_method_is_named_by_namespace_and_name(world: World) -> None:
    world.core.namespaces.create("team/")
    world.core.mount("team/", "auth/userpass/", "userpass")
    world.write("auth/userpass/users/eve", {"password": "pw"}, namespace="team")
    world.write("auth/userpass/login/eve", {"password": "pw"}, namespace="team", token="")
    made = world.write("identity/mfa/method/totp", {"issuer": "a", "method_name": "phone"}, namespace="team")
    id = data(made)["method_id"]
    mount = world.core.state.mounts.get("team/", "auth/userpass/")
    assert mount is not None
    eve = world.core.identity.by_factors(mount.accessor, "eve")
    assert eve is not None
    asked = {"method_id": id, "entity_id": eve.canonical_id}
    assert world.write("identity/mfa/method/totp/admin-generate", asked).errors == ["invalid entity ID"]
    phone = Phone(world, data(world.write("identity/mfa/method/totp/admin-generate", asked, namespace="team")))
    enforced = {"mfa_method_ids": [id], "auth_method_types": ["userpass"]}
    assert world.write("identity/mfa/login-enforcement/e", enforced, namespace="team").errors is None
    assert world.write("identity/mfa/login-enforcement/e", enforced).errors == [
        "one of the provided method ids is in an incompatible namespace and can't be used"
    ]
    proof = {"team/phone": [phone.code()]}
    ask = {"namespace": "team", "token": "", "mfa": proof}
    assert world.write("auth/userpass/login/eve", {"password": "pw"}, **ask).auth is not None
    waiting = world.write("auth/userpass/login/eve", {"password": "pw"}, namespace="team", token="")
    elsewhere = validate(world, waiting, {id: ["1"]})
    assert (elsewhere.status, elsewhere.errors) == (
        500,
        ["original request was issued in a different namesapce team/, current namespace is "],
    )
    assert login(world).auth is not None


def test_unrequested_passcodes_give_a_warning(world: World) -> None:
    answer = login(world, mfa={"x": ["1"]})
    assert answer.auth is not None
    assert answer.warnings == ["Found MFA header but failed to find MFA Enforcement Config"]


@pytest.mark.parametrize("word", ["auth_method_accessors", "identity_entity_ids", "identity_group_ids"])
def test_enforcements_select_logins(world: World, word: str) -> None:
    login(world)
    group = data(world.write("identity/group", {"name": "g", "member_entity_ids": [entity_of(world)]}))["id"]
    above = data(world.write("identity/group", {"name": "h", "member_group_ids": [group]}))["id"]
    subject = {
        "auth_method_accessors": accessor(world), "identity_entity_ids": entity_of(world), "identity_group_ids": above,
    }  # fmt: skip
    assert enforce(world, method(world), **{word: [subject[word]]}).errors is None
    ann, bob = login(world).auth, login(world, "bob").auth
    assert ann is not None
    assert bob is not None
    assert ann.mfa_requirement is not None
    assert (bob.mfa_requirement is not None) is (word == "auth_method_accessors")


def test_services_answer_as_the_world_says(world: World) -> None:
    id = method(world, "duo", secret_key="s", integration_key="i", api_hostname="api.duo.test")
    enforce(world, id)
    asked = login(world)
    text = 'Get "https://api.duo.test/auth/v2/check": dial tcp: lookup api.duo.test: no such host'
    lost = validate(world, asked, {id: []})
    assert lost.errors is not None
    assert text in lost.errors[0]
    world.core.mfa.state("").services = "deny"
    denied = validate(world, asked, {id: []})
    assert denied.errors is not None
    assert 'duo authentication failed: "Login request denied."' in denied.errors[0]
    world.core.mfa.state("").services = "approve"
    assert validate(world, asked, {id: []}).auth is not None


def test_failed_logins_are_forgotten_with_the_token_only(guarded: tuple[World, str, Phone]) -> None:
    world, id, phone = guarded
    for _ in range(4):
        world.write("auth/userpass/login/ann", {"password": "wrong"}, token="")
    asked = login(world)
    world.write("auth/userpass/login/ann", {"password": "wrong"}, token="")
    assert login(world).status == 403
    assert validate(world, asked, {id: [phone.code()]}).auth is not None
    assert login(world).status == 0


def test_merging_entities_merges_their_keys(guarded: tuple[World, str, Phone]) -> None:
    world, id, _ = guarded
    other = data(world.write("identity/entity", {"name": "other", "policies": "a"}))["id"]
    asked = {"method_id": id, "entity_id": other}
    world.write("identity/mfa/method/totp/admin-generate", asked)
    merge = {"to_entity_id": entity_of(world), "from_entity_ids": [other]}
    refused = world.write("identity/entity/merge", merge)
    text = f'conflicting MFA config ID "{id}" in entity ID "{other}"'
    assert (refused.status, refused.errors) == (500, [f"1 error occurred:\n\t* {text}\n\n"])
    assert world.write("identity/entity/merge", {**merge, "force": True}).status == 204
    merged = data(world.ask("read", f"identity/entity/id/{entity_of(world)}"))
    assert (merged["merged_entity_ids"], merged["policies"]) == ([other], [])


@pytest.mark.parametrize(("flavor", "status"), [("vault", 405), ("vault-1.21", 405), ("openbao", 400)])
@pytest.mark.parametrize(("operation", "path"), [("read", "totp"), ("delete", "duo"), ("read", "")])
def test_in_vault_a_path_without_an_id_is_that_of_the_list(flavor: str, status: int, operation: str, path: str) -> None:
    world = World(flavor)
    assert world.ask(operation, f"identity/mfa/method/{path}".rstrip("/")).status == status
    made = world.write("identity/mfa/method/totp", {"issuer": "i"}).data
    assert made is not None
    again = world.write("identity/mfa/method/totp", {"issuer": "j", "method_id": made["method_id"]})
    assert again.data != made
    word = "replaced the value of" if flavor == "openbao" else "ignored"
    assert again.warnings[0].startswith(f"Endpoint {word} these")


@pytest.mark.parametrize(
    ("flavor", "used", "wrong", "absent", "tries"),
    [
        *(
            (flavor, "code already used; new code is available in 30 seconds", "failed to validate TOTP passcode",
             "MFA credentials not supplied", (6, "30s"))
            for flavor in ("vault", "vault-1.21")
        ),
        ("openbao", BAD, BAD, BAD, (7, "30.000000002s")),
    ],
)  # fmt: skip
def test_vault_says_why_it_refuses_a_passcode(
    flavor: str, used: str, wrong: str, absent: str, tries: tuple[int, str]
) -> None:
    world = World(flavor)
    prepare(world)
    login(world)
    id = method(world)
    key = world.write("identity/mfa/method/totp/admin-generate", {"method_id": id, "entity_id": entity_of(world)})
    phone = Phone(world, data(key))
    enforce(world, id)
    code = phone.code()
    other = f"{(int(code) + 1) % 10**6:06}"

    def fault(passcode: str) -> str:
        answer = validate(world, login(world), {id: [passcode]})
        assert answer.errors is not None
        assert answer.status == 403
        return answer.errors[0].split("\n\t* ")[1]

    assert validate(world, login(world), {id: [code]}).auth is not None
    assert fault(code) == used
    assert fault("") == absent
    assert fault(code + " ") == wrong
    refused = [fault(other) for _ in range(7)]
    assert refused[0] == wrong
    assert refused[-1] == (
        f"maximum TOTP validation attempts {tries[0]} exceeded the allowed attempts 5. "
        f"Please try again in {tries[1]} seconds"
    )
