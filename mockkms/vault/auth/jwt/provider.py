"""The issuer of a JWT mount: its discovery document and keys, from the world, this server or one on this machine."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlencode

from mockkms import outside
from mockkms.crypto import jws
from mockkms.go_urls import parse_fault, parse_url
from mockkms.json_reading import read_json
from mockkms.vault.auth.jwt.model import JWT, JwtConfig
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import Operation, Request, VaultError

DISCOVERY = "/.well-known/openid-configuration"


class Unreachable(Exception):
    """An issuer without a valid response; ``str()`` is Go's error text."""

    url = ""
    """The JWKS URL, if there are several."""
    configuring = False
    """Whether it has no valid discovery document, which the real server reads before it looks at a token."""


@dataclass
class OidcIssuer:
    """The content of a discovery document. Absent addresses are empty."""

    issuer: str
    authorization_endpoint: str = ""
    token_endpoint: str = ""
    userinfo_endpoint: str = ""
    keys: list[jws.PublicKey] = field(default_factory=list)


def discover(call: Call, config: JwtConfig) -> OidcIssuer:
    """Return the provider at ``oidc_discovery_url``. Raises Unreachable."""
    issuer = config.oidc_discovery_url
    try:
        document = _json(call, config, issuer.rstrip("/") + DISCOVERY)
        if document.get("issuer") != issuer:
            raise Unreachable(
                f'oidc: issuer did not match the issuer returned by provider, expected "{issuer}" got '
                f'"{document.get("issuer")}"'
            )
    except Unreachable as error:
        error.configuring = True
        raise
    names = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
    authorization, token, userinfo, jwks = (str(document.get(name) or "") for name in names)
    return OidcIssuer(issuer, authorization, token, userinfo, _keys(_json(call, config, jwks)))


def keys_of(state: JWT, call: Call, config: JwtConfig) -> list[jws.PublicKey]:
    """Return the keys that verify tokens. Raises Unreachable."""
    found: list[jws.PublicKey] = []
    for pair in config.jwks_pairs:
        if not isinstance(pair, dict):
            continue
        one = JwtConfig(jwks_url=str(pair.get("jwks_url", "")), jwks_ca_pem=str(pair.get("jwks_ca_pem", "")))
        try:
            found += keys_of(state, call, one)
        except Unreachable as error:
            error.url = one.jwks_url
            raise
    if config.jwks_pairs:
        return found
    pems = config.jwt_validation_pubkeys or state.jwks.get(config.keys_url)
    if pems is not None:
        return [jws.load_key(pem) for pem in pems]
    if config.oidc_discovery_url:
        return discover(call, config).keys
    return _keys(_json(call, config, config.jwks_url)) if config.jwks_url else []


def exchange_code(call: Call, config: JwtConfig, provider: OidcIssuer, form: Mapping[str, str]) -> dict[str, object]:
    """Return the token endpoint's response to a form. Raises Unreachable."""
    secret = f"{quote(config.oidc_client_id, safe='')}:{quote(config.oidc_client_secret, safe='')}"
    basic = {"Authorization": f"Basic {base64.b64encode(secret.encode()).decode()}"}
    try:
        return _json(call, config, provider.token_endpoint, basic, form)
    except Unreachable:
        # Go's library, too, tries both ways of client authentication.
        own = {**form, "client_id": config.oidc_client_id, "client_secret": config.oidc_client_secret}
        return _json(call, config, provider.token_endpoint, {}, own)


def user_info(call: Call, config: JwtConfig, provider: OidcIssuer, access_token: str) -> dict[str, object]:
    """Return the provider's user info. Raises Unreachable."""
    return _json(call, config, provider.userinfo_endpoint, {"Authorization": f"Bearer {access_token}"})


def _keys(document: dict[str, object]) -> list[jws.PublicKey]:
    listed = document.get("keys")
    found = [jws.of_jwk(key) for key in listed] if isinstance(listed, list) else []
    return [key for key in found if key is not None]


def _json(
    call: Call,
    config: JwtConfig,
    url: str,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
) -> dict[str, object]:
    method = "GET" if form is None else "POST"
    try:
        if parse_fault(url) or outside.unsendable(url) or not outside.is_here(url):
            raise ConnectionRefusedError
        parts = parse_url(url)
        if (parts.port or {"http": 80, "https": 443}[parts.scheme]) in call.core.server.ports:
            status, body = _of_this_server(call, parts.path, headers or {}, form)
        else:
            status, body = _of_another(config, url, headers or {}, form)
    except OSError as error:
        raise Unreachable(outside.no_answer(method, url, error)) from None
    if status != 200:
        raise Unreachable(f"{status}: {body.decode('utf-8', 'replace')}")
    try:
        document = read_json(body)
    except ValueError as error:
        raise Unreachable(f"failed to decode the answer of {url}: {error}") from None
    if not isinstance(document, dict):
        raise Unreachable(f"{url} answers no JSON object")
    return document


def _of_another(
    config: JwtConfig, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None
) -> tuple[int, bytes]:
    certificates = config.oidc_discovery_ca_pem or config.jwks_ca_pem
    if form is None:
        return outside.ask("GET", url, headers, ca_pem=certificates)
    own = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
    return outside.ask("POST", url, own, urlencode(form).encode(), certificates)


def _of_this_server(
    call: Call, path: str, headers: Mapping[str, str], form: Mapping[str, str] | None
) -> tuple[int, bytes]:
    """Return this server's response. Over the network it would wait for itself, because it is answering a request."""
    below = unquote(path).removeprefix("/v1/")
    if below == unquote(path):
        raise OSError(path)
    authorization = headers.get("Authorization", "")
    request = Request(
        Operation.READ if form is None else Operation.UPDATE,
        below,
        data=dict(form or {}),
        token=authorization.removeprefix("Bearer ") if authorization.startswith("Bearer ") else "",
        headers={name.lower(): text for name, text in headers.items()},
        method="GET" if form is None else "POST",
    )
    try:
        response = call.core.pass_on(request)
    except VaultError as error:
        return error.status, json.dumps({"errors": error.errors}).encode()
    if response.raw is not None:
        return response.status or 200, response.raw
    return response.status or 200, json.dumps(response.document or response.data or {}).encode()
