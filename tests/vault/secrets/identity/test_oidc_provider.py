"""The OIDC provider: clients, scopes and assignments, and both flows from the first request to the claims."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import jwt
import pytest

from mockkms.vault.framework.message import Response
from tests.vault.driving import START, World

BACK = "https://app.example.org/back"
VERIFIER = "v" * 43
PROVIDER = "identity/oidc/provider/p"


def prepare(world: World) -> None:
    world.core.mount("", "auth/up/", "userpass")
    world.write("auth/up/users/ann", {"password": "pw", "token_policies": "asks"})
    world.write(
        "sys/policies/acl/asks", {"policy": f'path "{PROVIDER}/authorize" {{ capabilities = ["read", "update"] }}'}
    )
    world.write("identity/oidc/key/k", {"algorithm": "ES256", "allowed_client_ids": "*"})
    world.write("identity/oidc/scope/who", {"template": '{"name": {{identity.entity.name}}}', "description": "d"})
    world.write("identity/oidc/client/app", {"key": "k", "redirect_uris": BACK, "assignments": "allow_all"})
    world.write(PROVIDER, {"allowed_client_ids": "*", "scopes_supported": "who"})


pytestmark = pytest.mark.prepared(by=prepare)


def shown(response: Response) -> dict[str, Any]:
    assert response.raw is not None, response.errors
    document: dict[str, Any] = json.loads(response.raw)
    return document


def read(world: World, path: str) -> dict[str, Any]:
    data = world.ask("read", path).data
    assert data is not None
    return data


def login(world: World) -> tuple[str, str]:
    auth = world.write("auth/up/login/ann", {"password": "pw"}, token="").auth
    assert auth is not None
    return auth.client_token, auth.entity_id


def asked(world: World, token: str, **more: Any) -> Response:
    client = read(world, "identity/oidc/client/app")
    data = {"client_id": client["client_id"], "redirect_uri": BACK, "response_type": "code", "scope": "openid who"}
    return world.ask("read", f"{PROVIDER}/authorize", {**data, "state": "s", "nonce": "n", **more}, token=token)


def basic(world: World) -> dict[str, str]:
    client = read(world, "identity/oidc/client/app")
    pair = f"{client['client_id']}:{client['client_secret']}".encode()
    return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


def exchanged(world: World, **data: Any) -> Response:
    form = {"grant_type": "authorization_code", "redirect_uri": BACK, **data}
    return world.write(f"{PROVIDER}/token", form, token="", headers=basic(world))


def claims(world: World, token: str) -> dict[str, Any]:
    """The claims of a signed token, verified by another library with the published keys."""
    keys = jwt.PyJWKSet.from_dict(shown(world.ask("read", f"{PROVIDER}/.well-known/keys", token="")))
    key = keys[jwt.get_unverified_header(token)["kid"]]
    found: dict[str, Any] = jwt.decode(
        token, key, options={"verify_exp": False, "verify_iat": False, "verify_aud": False}
    )
    return found


def test_a_code_is_exchanged_for_tokens(world: World) -> None:
    token, id = login(world)
    answer = shown(asked(world, token))
    assert answer["state"] == "s"
    reply = exchanged(world, code=answer["code"])
    assert reply.headers == {"Cache-Control": "no-store", "Pragma": "no-cache"}
    tokens = shown(reply)
    assert (tokens["token_type"], tokens["expires_in"]) == ("Bearer", 86400)
    said = claims(world, tokens["id_token"])
    name = read(world, f"identity/entity/id/{id}")["name"]
    assert (said["sub"], said["nonce"], said["name"]) == (id, "n", name)
    assert (said["iat"], said["exp"]) == (int(START), int(START) + 86400)
    half = hashlib.sha256(tokens["access_token"].encode()).digest()[:16]
    assert said["at_hash"] == base64.urlsafe_b64encode(half).decode().rstrip("=")
    headers = {"Authorization": "Bearer " + tokens["access_token"]}
    told = world.ask("read", f"{PROVIDER}/userinfo", token=tokens["access_token"], headers=headers)
    assert shown(told) == {"sub": id, "name": name}
    assert not world.alive(tokens["access_token"])
    assert shown(exchanged(world, code=answer["code"]))["error"] == "invalid_grant"


def test_codes_expire_after_five_minutes(world: World) -> None:
    code = shown(asked(world, login(world)[0]))["code"]
    world.later(300)
    assert shown(exchanged(world, code=code)) == {
        "error": "invalid_grant",
        "error_description": "authorization grant is invalid or expired",
    }


def test_pkce_needs_the_verifier(world: World) -> None:
    token, _ = login(world)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
    more = {"code_challenge": challenge, "code_challenge_method": "S256"}
    wrong = exchanged(world, code=shown(asked(world, token, **more))["code"], code_verifier="x" * 43)
    assert shown(wrong)["error_description"] == "invalid code_verifier for token exchange"
    missing = exchanged(world, code=shown(asked(world, token, **more))["code"])
    assert shown(missing)["error_description"] == "expected code_verifier for token exchange"
    right = exchanged(world, code=shown(asked(world, token, **more))["code"], code_verifier=VERIFIER)
    assert "id_token" in shown(right)


@pytest.mark.parametrize(
    ("more", "error", "text"),
    [
        ({"client_id": ""}, "invalid_client_id", "client_id parameter is required"),
        ({"client_id": "x"}, "invalid_client_id", "client with client_id not found"),
        ({"redirect_uri": BACK + "/x"}, "invalid_redirect_uri", "redirect_uri is not allowed for the client"),
        ({"scope": "who"}, "invalid_request", 'scope parameter must contain the "openid" value'),
        ({"response_type": "token"}, "unsupported_response_type", "unsupported response_type value"),
        ({"code_challenge": "short"}, "invalid_request", "invalid code_challenge"),
        ({"max_age": 0}, "invalid_request", "max_age must be greater than zero"),
    ],
)
def test_errors_of_requests_for_a_code_have_oauths_format(
    world: World, more: dict[str, Any], error: str, text: str
) -> None:
    answer = asked(world, login(world)[0], **more)
    assert answer.status == 400
    assert shown(answer) == {"error": error, "error_description": text, "state": "s"}


def test_only_assigned_entities_can_log_in(world: World) -> None:
    token, id = login(world)
    world.write("identity/oidc/assignment/few", {"entity_ids": "other"})
    world.write("identity/oidc/client/app", {"assignments": "few"})
    assert shown(asked(world, token))["error"] == "access_denied"
    world.write("identity/oidc/assignment/few", {"entity_ids": id.upper()})
    assert "code" in shown(asked(world, token))
    assert shown(asked(world, "root"))["error_description"] == "identity entity must be associated with the request"


def test_a_login_long_ago_must_be_repeated(world: World) -> None:
    token, _ = login(world)
    world.later(11)
    assert shown(asked(world, token, max_age=10))["error"] == "max_age_violation"
    assert "code" in shown(asked(world, token, max_age=11))


def test_a_client_gets_a_token_of_its_own(world: World) -> None:
    form = {"grant_type": "client_credentials", "scope": "openid"}
    assert shown(exchanged(world, **form))["error"] == "invalid_grant"
    world.write("identity/oidc/client/app", {"client_credentials": True})
    said = claims(world, shown(exchanged(world, **form))["access_token"])
    assert said["sub"] == said["aud"] == read(world, "identity/oidc/client/app")["client_id"]


def test_a_wrong_secret_is_refused(world: World) -> None:
    id = read(world, "identity/oidc/client/app")["client_id"]
    reply = world.write(f"{PROVIDER}/token", {"client_id": id, "client_secret": "x"}, token="")
    assert (reply.status, reply.headers["WWW-Authenticate"]) == (401, "Basic")
    assert shown(reply) == {"error": "invalid_client", "error_description": "client failed to authenticate"}


def test_user_info_requires_an_access_token(world: World) -> None:
    by_header = world.ask("read", f"{PROVIDER}/userinfo")
    assert (by_header.status, shown(by_header)["error"]) == (401, "invalid_token")
    service = world.ask("read", f"{PROVIDER}/userinfo", headers={"Authorization": "Bearer root"})
    text = "access token is malformed or invalid"
    assert service.headers["WWW-Authenticate"] == f'Bearer error="invalid_token",error_description="{text}"'


def test_what_is_in_use_is_kept(world: World) -> None:
    world.write("identity/oidc/assignment/a", {})
    world.write("identity/oidc/client/app", {"assignments": "a"})
    for path, text in (
        ("assignment/a", 'unable to delete assignment "a" because it is currently referenced by these clients: app'),
        ("scope/who", 'unable to delete scope "who" because it is currently referenced by these providers: p'),
        ("key/k", 'unable to delete key "k" because it is currently referenced by these clients: app'),
        ("assignment/allow_all", 'deletion of assignment "allow_all" not allowed'),
        ("provider/default", 'deletion of OIDC provider "default" not allowed'),
    ):
        assert world.ask("delete", f"identity/oidc/{path}").errors == [text]


@pytest.mark.parametrize(
    ("path", "data", "text"),
    [
        ("scope/openid", {}, 'the "openid" scope name is reserved'),
        ("assignment/allow_all", {}, 'modification of assignment "allow_all" not allowed'),
        ("client/c", {"assignments": "none"}, 'assignment "none" does not exist'),
        ("client/c", {"key": "none"}, 'key "none" does not exist'),
        ("client/c", {"client_type": "x"}, 'invalid client_type "x"'),
        ("client/app", {"key": "other"}, "key modification is not allowed"),
        ("client/app", {"client_type": "public"}, "client_type modification is not allowed"),
        ("provider/q", {"scopes_supported": "none"}, 'scope "none" does not exist'),
    ],
)
def test_invalid_requests_are_refused(world: World, path: str, data: dict[str, Any], text: str) -> None:
    assert world.write(f"identity/oidc/{path}", data).errors == [text]


def test_documents_and_lists(world: World) -> None:
    found = shown(world.ask("read", f"{PROVIDER}/.well-known/openid-configuration", token=""))
    assert found["token_endpoint"] == f"{found['issuer']}/token"
    assert found["authorization_endpoint"].endswith("/ui/vault/identity/oidc/provider/p/authorize")
    assert found["scopes_supported"] == ["who", "openid"]
    listed = {}
    for kind in ("assignment", "scope", "client", "provider"):
        data = world.ask("list", f"identity/oidc/{kind}/").data
        assert data is not None
        listed[kind] = data["keys"]
    assert listed == {"assignment": ["allow_all"], "scope": ["who"], "client": ["app"], "provider": ["default", "p"]}
    assert "client_secret" not in str(world.ask("list", "identity/oidc/client/").data)
    assert read(world, "identity/oidc/scope/who") == {
        "description": "d",
        "template": '{"name": {{identity.entity.name}}}',
    }


def test_merged_entities_are_not_found(world: World) -> None:
    token, id = login(world)
    code = shown(asked(world, token))["code"]
    other = (world.write("identity/entity", {"name": "other"}).data or {})["id"]
    assert world.write("identity/entity/merge", {"to_entity_id": other, "from_entity_ids": [id]}).status == 204
    text = "identity entity associated with the request not found"
    refused = shown(exchanged(world, code=code))
    assert (refused["error"], refused["error_description"]) == ("invalid_request", text)
    world.write(f"identity/entity/id/{other}", {"policies": "asks"})
    denied = shown(asked(world, token))
    assert (denied["error"], denied["error_description"]) == ("access_denied", text)


@pytest.mark.parametrize(
    ("flavor", "grant", "error", "text"),
    [
        *(
            (flavor, grant, error, text)
            for flavor in ("vault", "vault-1.21")
            for grant, error, text in (
                ("", "invalid_request", "grant_type parameter is required"),
                ("client_credentials", "unsupported_grant_type", "unsupported grant_type value"),
                ("x", "unsupported_grant_type", "unsupported grant_type value"),
                ("authorization_code", "invalid_request", "code parameter is required"),
            )
        ),
        ("openbao", "", "unsupported_grant_type", "unsupported grant_type or parameter is empty value"),
        ("openbao", "client_credentials", "invalid_grant", "client is not authorized to use given credentials flow"),
    ],
)
def test_the_grants_of_each_product(flavor: str, grant: str, error: str, text: str) -> None:
    world = World(flavor)
    prepare(world)
    answer = exchanged(world, grant_type=grant)
    assert (answer.status, shown(answer)) == (400, {"error": error, "error_description": text})
