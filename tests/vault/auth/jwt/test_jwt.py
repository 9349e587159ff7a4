"""JWT logins: signatures, claims, bounds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from mockkms.crypto import jws
from mockkms.vault.auth.jwt import world as seed
from mockkms.vault.framework.message import Response
from tests.vault.driving import START, World

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = ec.generate_private_key(ec.SECP256R1())
CLAIMS = {"sub": "ann", "aud": "app", "iat": int(START), "exp": int(START) + 60, "org": {"unit": "red"}, "n": 7}


def pem(key: Any) -> str:
    public = key.public_key()
    text: bytes = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


def prepare(world: World) -> None:
    world.core.mount("", "auth/jwt/", "jwt")
    world.write("auth/jwt/config", {"jwt_validation_pubkeys": [pem(KEY)], "default_role": "r"})
    role(world)


pytestmark = pytest.mark.prepared(by=prepare)


def role(world: World, **more: Any) -> Response:
    return world.write("auth/jwt/role/r", {"role_type": "jwt", "user_claim": "sub", "bound_audiences": "app", **more})


def login(world: World, key: Any = KEY, algorithm: str = "EdDSA", **claims: Any) -> Response:
    said = {name: value for name, value in {**CLAIMS, **claims}.items() if value is not None}
    return world.write("auth/jwt/login", {"jwt": jws.sign(json.dumps(said), key, algorithm, "k")}, token="")


def test_a_good_token_logs_in(world: World) -> None:
    role(world, claim_mappings={"/org/unit": "unit"}, token_ttl=600)
    auth = login(world).auth
    assert auth is not None
    assert auth.metadata == {"role": "r", "unit": "red"}
    assert world.self_of(auth.client_token)["display_name"] == "jwt-ann"


@pytest.mark.parametrize(
    ("claims", "error"),
    [
        ({"aud": "App"}, "invalid audience (aud) claim: audience claim does not match any expected audience"),
        ({"exp": int(START) - 61}, "invalid expiration time (exp) claim: token is expired"),
        ({"nbf": int(START) + 61}, "invalid not before (nbf) claim: token not yet valid"),
        ({"iat": int(START) + 61, "nbf": int(START)}, "invalid issued at (iat) claim: token issued in the future"),
        ({"iat": None, "exp": None}, "no issued at (iat), not before (nbf), or expiration time (exp) claims in token"),
        ({"iat": None, "exp": 4102444800}, "invalid not before (nbf) claim: token not yet valid"),
    ],
)
def test_registered_claims(world: World, claims: dict[str, Any], error: str) -> None:
    assert login(world, **claims).errors == [f"error validating token: {error}"]


def test_signatures_of_other_keys_are_refused(world: World) -> None:
    refused = ["error validating token: error verifying token signature: "
               "no known key successfully validated the token signature"]  # fmt: skip
    assert login(world, OTHER, "ES256").errors == refused


def with_header(payload: bytes | None = None, **header: Any) -> str:
    """A token signed by KEY with these headers; ``payload``: what is signed instead of the claims in base64url."""
    protected = jws.encode(json.dumps({"alg": "EdDSA", **header}).encode())
    claims = jws.encode(json.dumps(CLAIMS).encode())
    signed = protected.encode() + b"." + (claims.encode() if payload is None else payload)
    return f"{protected}.{claims}.{jws.encode(KEY.sign(signed))}"


@pytest.mark.parametrize("critical", [["exp"], ["b64", "x"], [None], "b64", {}, 1, False])
def test_unknown_critical_headers_are_refused(world: World, critical: Any) -> None:
    refused = ["error validating token: error verifying token signature: "
               "no known key successfully validated the token signature"]  # fmt: skip
    token = with_header(crit=critical, exp=1)
    assert world.write("auth/jwt/login", {"jwt": token}, token="").errors == refused


@pytest.mark.parametrize("headers", [{"crit": None}, {"crit": []}, {"crit": ["b64"]}, {"b64": "false"}])
def test_known_critical_headers(world: World, headers: dict[str, Any]) -> None:
    assert world.write("auth/jwt/login", {"jwt": with_header(**headers)}, token="").errors is None


def test_a_payload_that_is_signed_without_base64(world: World) -> None:
    headers = {"crit": ["b64"], "b64": False}
    token = with_header(json.dumps(CLAIMS).encode(), **headers)
    assert world.write("auth/jwt/login", {"jwt": token}, token="").errors is None
    assert world.write("auth/jwt/login", {"jwt": with_header(**headers)}, token="").errors


def test_the_algorithm_must_be_supported(world: World) -> None:
    config = {"jwt_validation_pubkeys": [pem(OTHER)], "jwt_supported_algs": "EdDSA", "default_role": "r"}
    world.write("auth/jwt/config", config)
    assert "token signed with unexpected algorithm" in (login(world, OTHER, "ES256").errors or [""])[0]


@pytest.mark.parametrize(
    ("bound", "kind", "claims", "passes"),
    [
        ({"n": 7}, "string", {}, True),
        ({"n": "7"}, "string", {}, False),
        ({"l": [1]}, "string", {"l": [1]}, False),
        ({"b": True}, "string", {"b": True}, True),
        ({"b": True}, "string", {"b": "true"}, False),
        ({"/org/unit": ["blue", "red"]}, "string", {}, True),
        ({"sub": "a*"}, "glob", {}, True),
        ({"sub": "a?n"}, "glob", {}, False),
        ({"none": "x"}, "string", {}, False),
    ],
)
def test_bound_claims(world: World, bound: dict[str, Any], kind: str, claims: dict[str, Any], passes: bool) -> None:
    role(world, bound_claims=bound, bound_claims_type=kind)
    assert (login(world, **claims).errors is None) == passes


def test_a_renewal_needs_its_role(world: World) -> None:
    auth = login(world).auth
    assert auth is not None
    assert world.write("auth/token/renew-self", token=auth.client_token).errors is None
    world.ask("delete", "auth/jwt/role/r")
    answer = world.write("auth/token/renew-self", token=auth.client_token)
    assert "role r does not exist during renewal" in (answer.errors or [""])[0]


@pytest.mark.parametrize(
    "token", ["", "x", "a.b.c", "....", "eyJ9.e30.", "\u00e9.\u00e9.\u00e9", "W10.e30.AA", "bnVsbA.bnVsbA.AA"]
)
def test_invalid_tokens_are_refused(world: World, token: str) -> None:
    assert world.write("auth/jwt/login", {"jwt": token}, token="").status == 400


def test_a_world_may_serve_keys_at_a_url(world: World) -> None:
    mount = world.core.state.mounts.get("", "auth/jwt/")
    assert mount is not None
    config = {"jwks_url": "https://issuer.test/jwks", "default_role": "r", "keys": [pem(KEY).strip()]}
    seed.configure(world.core, mount, config)
    assert login(world).errors is None
    refused = "error validating token: error verifying token signature: failed to verify id token signature"
    assert login(world, OTHER, "ES256").errors == [refused]
    assert seed.section.dump(world.core, mount)["config"] == config
    unknown = world.write("auth/jwt/config", {"jwks_url": "https://other.test/jwks"})
    assert unknown.errors == ["error checking jwks URL"]


def test_oidc_is_another_name_of_the_method(world: World) -> None:
    world.write("sys/auth/sso", {"type": "oidc"})
    shown = world.ask("read", "sys/auth/sso").data
    assert shown is not None
    assert shown["type"] == "oidc"
    assert shown["accessor"].startswith("auth_oidc_")
    world.write("auth/sso/config", {"jwt_validation_pubkeys": [pem(KEY)]})
    world.write("auth/sso/role/r", {"role_type": "jwt", "user_claim": "sub", "bound_audiences": "app"})
    token = jws.sign(json.dumps(CLAIMS), KEY, "EdDSA", "k")
    auth = world.write("auth/sso/login", {"role": "r", "jwt": token}, token="").auth
    assert auth is not None
    assert auth.display_name == "sso-ann"
    catalog = world.ask("read", "sys/plugins/catalog").data
    assert catalog is not None
    assert "oidc" in catalog["auth"]


def test_policies_may_be_templates_over_claims(world: World) -> None:
    """Source: OpenBao 2.6.2's ``builtin/credential/jwt/path_role.go``, ``maybeTemplatePolicies``."""
    names = ["{{ .org.unit | lowercase }}-{{ .n }}", '{{ if eq .sub "ann" }}admin{{ end }}', "{{ if .off }}x{{ end }}"]
    role(world, token_policies=[*names, "plain"], token_policies_template_claims=True)
    auth = login(world, off=False).auth
    assert auth is not None
    assert set(auth.token_policies) - {"default"} == {"admin", "plain", "red-7"}
    role(world, token_policies=["{{ .nothing }}"], token_policies_template_claims=True)
    refused = login(world)
    assert refused.errors is not None
    assert (
        'failed to template policy [0]: unable to apply template: template: template:1:3: executing "template" at '
        '<.nothing>: map has no entry for key "nothing"'
    ) in refused.errors[0]
    refused = role(world, token_policies=["a", "{{ .a"], token_policies_template_claims=True)
    assert refused.errors is not None
    assert (
        "failed to parse template policy [1]: unable to parse template: template: template:1: unclosed action"
    ) in refused.errors[0]


@pytest.mark.parametrize("flavor", ["vault", "vault-1.21"])
@pytest.mark.parametrize(
    ("pairs", "text"),
    [
        ([{}], "error checking jwks_ca_pem"),
        ([{"jwks_url": ""}], "error checking jwks_ca_pem"),
        ([{"jwks_url": "http://127.0.0.1:1/k", "jwks_ca_pem": "x"}], "error checking jwks_ca_pem"),
        ([{}, "x"], "invalid jwks_pairs: jwks_pairs must be provided as a list of json objects with the fields "
         "jwks_url and jwks_ca_pem"),
        ([{"jwks_url": "http://127.0.0.1:1/k"}], "error checking jwks URL http://127.0.0.1:1/k"),
    ],
)  # fmt: skip
def test_pairs_of_urls_that_are_refused(flavor: str, pairs: list[Any], text: str) -> None:
    world = World(flavor)
    world.write("sys/auth/jwt", {"type": "jwt"})
    answer = world.write("auth/jwt/config", {"jwks_pairs": pairs})
    assert (answer.status, answer.errors) == (400, [text])
