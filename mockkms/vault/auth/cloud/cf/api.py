"""The API of Cloud Foundry (version 2): on this machine, or the applications of the world.

Source: github.com/cloudfoundry-community/go-cfclient, for requests and errors.
"""

from __future__ import annotations

import base64
import json
from urllib.parse import urlencode

from mockkms import outside
from mockkms.json_reading import read_json
from mockkms.vault.auth.cloud.cf.model import CfApp, CfAuth, CfConfig
from mockkms.vault.framework.endpoint import Call


def check(config: CfConfig) -> None:
    """Log in to an API on this machine, as a write of the settings does. Raises OSError with the client's text."""
    if outside.is_here(config.cf_api_addr):
        _token(config)


def app(state: CfAuth, call: Call, config: CfConfig, app_id: str, space_id: str, org_id: str) -> CfApp:
    """Return an application with its space and organization. Raises ValueError with the server's text."""
    if outside.is_here(config.cf_api_addr):
        try:
            return _asked(config, app_id, space_id, org_id)
        except OSError as fault:
            raise ValueError(str(fault)) from None
    for one in state.apps:
        if one.app_id == app_id:
            return one
    call.request.trace.hint = f"the world's Cloud Foundry has no application {app_id} (`apps`)"
    raise ValueError(
        f"Error requesting apps: cfclient error (CF-AppNotFound|100004): The app could not be found: {app_id}"
    )


def _asked(config: CfConfig, app_id: str, space_id: str, org_id: str) -> CfApp:
    token = _token(config)
    found = _entity(config, token, f"/v2/apps/{app_id}", "apps")
    org = _entity(config, token, f"/v2/organizations/{org_id}", "organization")
    space = _entity(config, token, f"/v2/spaces/{space_id}", "space")
    instances = found.get("instances")
    return CfApp(
        app_id,
        str(found.get("space_guid") or ""),
        str(space.get("organization_guid") or ""),
        str(found.get("name") or ""),
        str(space.get("name") or ""),
        str(org.get("name") or ""),
        instances if isinstance(instances, int) else 0,
    )


def _entity(config: CfConfig, token: str, path: str, what: str) -> dict[str, object]:
    answer = _json(config, "GET", config.cf_api_addr.rstrip("/") + path, {"Authorization": f"bearer {token}"})
    if "error_code" in answer:
        code, number, text = (answer.get(name) for name in ("error_code", "code", "description"))
        raise OSError(f"Error requesting {what}: cfclient error ({code}|{number}): {text}")
    entity = answer.get("entity")
    return entity if isinstance(entity, dict) else {}


def _token(config: CfConfig) -> str:
    """Return a token of the authorization server that the API names. Raises OSError."""
    url = config.cf_api_addr.rstrip("/") + "/v2/info"
    try:
        info = _json(config, "GET", url, {})
    except OSError as fault:
        raise OSError(f"Could not get api /v2/info: {fault}") from None
    server = str(info.get("token_endpoint") or info.get("authorization_endpoint") or "")
    if config.cf_client_id:
        form, client = {"grant_type": "client_credentials"}, f"{config.cf_client_id}:{config.cf_client_secret}"
    else:
        form, client = {
            "grant_type": "password",
            "username": config.cf_username,
            "password": config.cf_password,
        }, "cf:"  # fmt: skip
    headers = {
        "Authorization": f"Basic {base64.b64encode(client.encode()).decode()}",
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = _json(config, "POST", f"{server.rstrip('/')}/oauth/token", headers, urlencode(form).encode())
    if not answer.get("access_token"):
        raise OSError(f"Error getting token: oauth2: cannot fetch token: {json.dumps(answer)}")
    return str(answer["access_token"])


def _json(config: CfConfig, method: str, url: str, headers: dict[str, str], body: bytes = b"") -> dict[str, object]:
    own = f"{config.cf_api_mutual_tls_certificate}\n{config.cf_api_mutual_tls_key}".strip()
    try:
        _, answer = outside.ask(method, url, headers, body, "".join(config.cf_api_trusted_certificates or ()), own)
    except (OSError, ValueError) as error:
        raise OSError(outside.no_answer(method, url, error)) from None
    try:
        found: object = read_json(answer)
    except ValueError as fault:
        raise OSError(f"Error unmarshalling the answer of {url}: {fault}") from None
    return found if isinstance(found, dict) else {}
