"""``sys/policy``, ``sys/policies/acl``, ``sys/capabilities*`` and ``sys/policies/password`` as a client meets them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mockkms.vault.framework.message import Auth, Operation, Request, Response
from mockkms.vault.kernel.core import Core
from mockkms.vault.tokens.token import Token

_TEXT = 'path "kv/*" { capabilities = ["read", "list"] }'


@pytest.fixture(params=["openbao"])
def core(request: pytest.FixtureRequest) -> Core:
    made = Core(flavor=request.param)
    made.bootstrap("root")
    return made


def ask(core: Core, operation: str, path: str, token: str = "root", **data: Any) -> Response:
    return core.handle(Request(Operation(operation), path, data, token=token))


def token(core: Core, *policies: str, **more: Any) -> str:
    made = core.tokens.create(Token(id="", accessor="", policies=list(policies), ttl=3600, **more), Auth())
    return made.id


def test_the_lifecycle_of_a_policy(core: Core) -> None:
    assert ask(core, "read", "sys/policies/acl/app").status == 404
    assert ask(core, "update", "sys/policies/acl/App", policy=_TEXT).warnings == ["policy name was converted to app"]
    data = ask(core, "read", "sys/policies/acl/app").data
    assert data is not None
    assert (data["policy"], data["version"], data["cas_required"]) == (_TEXT, 1, False)
    assert ask(core, "list", "sys/policies/acl/").data == {"keys": ["app", "default", "root"]}
    assert ask(core, "delete", "sys/policies/acl/app").status == 204
    assert ask(core, "delete", "sys/policies/acl/app").status == 204


def test_the_older_form(core: Core) -> None:
    written = ask(core, "update", "sys/policy/app", rules=_TEXT)
    assert written.warnings == ["'rules' is deprecated, please use 'policy' instead"]
    read = ask(core, "read", "sys/policy/app")
    assert read.data is not None
    assert (read.data["rules"], "policy" in read.data, read.flat) == (_TEXT, False, True)
    names = ["app", "default", "root"]
    assert ask(core, "read", "sys/policy").data == {"keys": names, "policies": names}


@pytest.mark.parametrize("path", ["sys/policy/app", "sys/policies/acl/app"])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'policy' parameter not supplied or empty"),
        (None, "'policy' parameter not supplied or empty"),
        ('path "a" { capabilities = ["fly"] }', 'failed to parse policy: path "a": invalid capability "fly"'),
        ("abcd", "failed to parse policy: At 1:2: illegal char"),
    ],
)
def test_texts_that_are_refused(core: Core, path: str, text: Any, message: str) -> None:
    response = ask(core, "update", path, policy=text)
    assert (response.status, response.errors) == (400, [message])


def test_base64_is_decoded(core: Core) -> None:
    ask(core, "update", "sys/policies/acl/app", policy=base64.b64encode(_TEXT.encode()).decode())
    policy = core.policies.get("", "app")
    assert policy is not None
    assert policy.text == _TEXT


def test_expiry(core: Core) -> None:
    core.clock.freeze(1_700_000_000)
    for data, message in (
        ({"ttl": "1h", "expiration": "4000000000"}, "cannot supply both 'expiration' and 'ttl' for policies"),
        ({"expiration": "2001-01-01T00:00:00Z"}, "refusing to update policy as expiration time has already elapsed"),
        ({"ttl": 0}, "refusing to update policy as expiration time has already elapsed"),
    ):
        assert ask(core, "update", "sys/policies/acl/app", policy=_TEXT, **data).errors == [message]
    ask(core, "update", "sys/policies/acl/app", policy=_TEXT, ttl="1h")
    data = ask(core, "read", "sys/policies/acl/app").data
    assert data is not None
    assert data["expiration"] == "2023-11-14T23:13:20Z"
    core.clock.advance(3601)
    assert ask(core, "read", "sys/policies/acl/app").status == 404


def test_patch_keeps_what_it_does_not_name(core: Core) -> None:
    assert ask(core, "patch", "sys/policies/acl/app", cas_required=True).errors == ["policy not found"]
    ask(core, "update", "sys/policies/acl/app", policy=_TEXT, allow_slashes_in_identity_templates=True)
    patched = ask(core, "patch", "sys/policies/acl/app", cas_required=True, unknown=1)
    assert patched.warnings == ["Endpoint ignored these unrecognized parameters: [unknown]"]
    data = ask(core, "read", "sys/policies/acl/app").data
    assert data is not None
    assert (data["policy"], data["version"]) == (_TEXT, 2)
    assert (data["cas_required"], data["allow_slashes_in_identity_templates"]) == (True, True)
    assert ask(core, "patch", "sys/policies/acl/app", cas=1).errors == [
        "check-and-set parameter did not match the current version"
    ]


def test_detailed_list(core: Core) -> None:
    ask(core, "update", "sys/policies/acl/a/b", policy=_TEXT)
    data = ask(core, "list", "sys/policies/detailed/acl/a/").data
    assert data is not None
    assert data["keys"] == ["a/b", "root"]
    assert data["key_info"]["a/b"]["policy"] == _TEXT
    assert ask(core, "list", "sys/policies/acl/a/").data == {"keys": ["a/b"]}
    assert ask(core, "list", "sys/policies/acl/none/").status == 404


@pytest.mark.parametrize("path", ["sys/policies/acl/a", "sys/policies/acl/a/", "sys/policy/a/"])
@pytest.mark.parametrize(("core", "status"), [("openbao", 0), ("vault", 405), ("vault-1.21", 405)], indirect=["core"])
def test_only_openbao_lists_below_a_prefix(core: Core, status: int, path: str) -> None:
    ask(core, "update", "sys/policies/acl/a/b", policy=_TEXT)
    assert ask(core, "list", path).status == status


def test_the_other_product_knows_texts_only() -> None:
    core = Core(flavor="vault")
    core.bootstrap("root")
    written = ask(core, "update", "sys/policies/acl/app", policy=_TEXT, cas=7)
    assert (written.status, written.errors) == (204, None)
    assert ask(core, "read", "sys/policies/acl/app").data == {"name": "app", "policy": _TEXT}
    assert ask(core, "patch", "sys/policies/acl/app", policy=_TEXT).status == 405
    assert ask(core, "patch", "sys/policies/acl/app", policy=[]).status == 405
    assert ask(core, "list", "sys/policies/detailed/acl/").status == 404
    assert ask(core, "update", "sys/policies/acl/control-group", policy=_TEXT).status == 400


def test_capabilities(core: Core) -> None:
    core.policies.write("", "app", _TEXT + ' path "sys/capabilities*" { policy = "write" }')
    made = token(core, "app")
    answer = {"kv/a": ["list", "read"], "x": ["deny"]}
    assert ask(core, "update", "sys/capabilities-self", made, paths=["kv/a", "x"]).data == answer
    asked = core.handle(Request(Operation.UPDATE, "sys/capabilities", {"token": made, "paths": "kv/a,x"}, token="root"))
    assert asked.data == answer
    accessor = core.state.tokens.by_id[made].accessor
    one = ask(core, "update", "sys/capabilities-accessor", accessor=accessor, paths="kv/a")
    assert one.data == {"kv/a": ["list", "read"], "capabilities": ["list", "read"]}


@pytest.mark.parametrize(
    ("path", "data", "status", "text"),
    [
        ("sys/capabilities", {"paths": "a"}, 500, "no token found"),
        ("sys/capabilities", {"paths": "a", "token": "no"}, 400, "invalid token"),
        ("sys/capabilities-accessor", {"paths": "a", "accessor": "no"}, 400, "invalid accessor"),
        ("sys/capabilities-self", {"paths": [""]}, 400, "missing path"),
    ],
)
def test_capabilities_refused(core: Core, path: str, data: dict[str, Any], status: int, text: str) -> None:
    response = core.handle(Request(Operation.UPDATE, path, data, token="root"))
    assert (response.status, response.errors) == (status, [f"1 error occurred:\n\t* {text}\n\n"])


def test_resultant_acl(core: Core) -> None:
    core.policies.write(
        "",
        "app",
        'path "a" { capabilities = ["update", "create"] allowed_parameters = { k = ["v"] } min_wrapping_ttl = 5 }'
        ' path "b/*" {} path "c/+" { policy = "read" } path "sys/internal/ui/resultant-acl" { policy = "read" }',
    )
    assert ask(core, "read", "sys/internal/ui/resultant-acl").data == {"root": True}
    assert ask(core, "read", "sys/internal/ui/resultant-acl", token(core, "app")).data == {
        "root": False,
        "exact_paths": {
            "a": {"capabilities": ["create", "update"], "allowed_parameters": {"k": ["v"]}, "min_wrapping_ttl": 5},
            "sys/internal/ui/resultant-acl": {"capabilities": ["list", "read"]},
        },
        "glob_paths": {"b/": {"capabilities": ["deny"]}},
    }


_RULES = """
length = 20
rule "charset" { charset = "abcdef" min-chars = 3 }
rule "charset" { charset = "é0" min-chars = 2 }
"""


def test_passwords_meet_their_policy(core: Core) -> None:
    path = "sys/policies/password/p"
    assert ask(core, "read", path).errors == ["1 error occurred:\n\t* policy does not exist\n\n"]
    assert ask(core, "update", path, policy=_RULES).status == 204
    assert ask(core, "read", path).data == {"policy": _RULES}
    for _ in range(5):
        data = ask(core, "read", path + "/generate").data
        assert data is not None
        password = data["password"]
        assert len(password) == 20
        assert set(password) <= set("abcdefé0")
        assert sum(char in "abcdef" for char in password) >= 3
        assert sum(char in "é0" for char in password) >= 2
    assert ask(core, "list", "sys/policies/password/").data == {"keys": ["p"]}
    assert ask(core, "delete", path).status == 204
    assert ask(core, "read", path + "/generate").status == 404


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "missing policy"),
        ("length = 2", "invalid password policy: 1 error occurred:\n\t* no charset specified\n\n"),
        ('length = 200 rule "charset" { charset = "a" }', "passwords must be between 4 and 100 characters"),
        ('length = 0 rule "charset" { charset = "a" }',
         "invalid password policy: 1 error occurred:\n\t* length must be > 0\n\n"),
        ('length = 9 rule "charset" { charset = "a" min-chars = 10 }',
         "invalid password policy: 1 error occurred:\n\t* specified rules require at least 10 characters "
         "but 9 is specified\n\n"),
        ('length = 9 rule "charset" { charset = "a\\n" }',
         "invalid password policy: 1 error occurred:\n\t* non-printable character in charset\n\n"),
        ('length = 9 rule "x" {}',
         "invalid password policy: unable to parse rules: unable to parse rule x: unrecognized rule type x"),
        ('length = 9 rule "charset" { charset = "a" min-chars = 1 } rule "charset" { min-chars = 1 }',
         "unable to construct test password from provided policy: are the rules impossible?"),
    ],
)  # fmt: skip
def test_password_policies_that_are_refused(core: Core, text: str, message: str) -> None:
    response = ask(core, "update", "sys/policies/password/p", policy=text)
    assert (response.status, response.errors) == (400, [f"1 error occurred:\n\t* {message}\n\n"])


@pytest.mark.parametrize("core", ["openbao", "vault", "vault-1.21"], indirect=True)
def test_a_policy_is_found_by_every_path_that_leads_to_its_name(core: Core) -> None:
    ask(core, "update", "sys/policies/acl/app", policy=_TEXT)
    assert (ask(core, "read", "sys/policies/acl/app/").data or {})["name"] == "app"
    assert (ask(core, "read", "sys/policy/root/").data or {})["name"] == "root"
    for name in ("app/", "a/../app"):
        asked = {"token": token(core, name), "path": "kv/x"}
        answer = core.handle(Request(Operation.UPDATE, "sys/capabilities", asked, token="root"))
        assert (answer.data or {})["capabilities"] == ["list", "read"]
    ask(core, "delete", "sys/policies/acl/app")
    assert ask(core, "read", "sys/policies/acl/app/").status == 404


@pytest.mark.parametrize("core", ["openbao", "vault", "vault-1.21"], indirect=True)
def test_a_policy_whose_name_is_a_relative_path_cannot_be_looked_up(core: Core) -> None:
    created = ask(core, "update", "auth/token/create", policies=["../x"])
    assert (created.status, created.errors) == (400, ["could not look up policy ../x"])
    used = ask(core, "read", "auth/token/lookup-self", token=token(core, "../x"))
    assert (used.status, used.errors) == (500, ["1 error occurred:\n\t* internal error\n\n"])
