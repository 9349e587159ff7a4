"""``config``: the organization at Okta."""

from __future__ import annotations

from mockkms.go_urls import parse_fault
from mockkms.vault.auth.okta.model import Okta, OktaConfig, engine
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response

_BYPASSED = (
    "Okta MFA bypass is configured. In addition to ignoring Okta MFA requests, certain other account statuses will not "
    "be seen, such as PASSWORD_EXPIRED. Authentication will succeed in these cases."
)

_OLD = {
    "organization": Field(Kind.STRING, deprecated=True, help="The former name of org_name."),
    "token": Field(Kind.STRING, deprecated=True, help="The former name of api_token."),
}
config = engine.path("config", {**OktaConfig.fields(), **_OLD}, help="The organization at Okta.")


@config.existence
def exists(state: Okta, call: Call) -> bool:
    """Return whether there is a configuration."""
    return state.config is not None


@config.on(Operation.READ)
def read(state: Okta, call: Call) -> Response | None:
    """Return the configuration without the API token."""
    found = state.config
    if found is None:
        return None
    shown = found.shown(call.core.product) | {"organization": found.org_name}
    if found.production is not None:
        shown["production"] = found.production
    return Response(data=shown, warnings=[_BYPASSED] if found.bypass_okta_mfa else [])


@config.on(Operation.CREATE, Operation.UPDATE)
def write(
    state: Okta, call: Call, *, organization: str, token: str | None = None, base_url: str | None = None
) -> Response | None:
    """Create or change the configuration. Raises ErrorResponse."""
    made = state.config.copy() if state.config else OktaConfig()
    made.update_from(call, "org_name")
    made.org_name = made.org_name or organization
    if not made.org_name and state.config is None:
        raise ErrorResponse("org_name is missing")
    if token is not None:
        made.api_token = token
    made.update_from(call, "api_token")
    if base_url is not None:
        # The comma is the real server's, which contacts another address than it parses here.
        fault = parse_fault(f"https://{made.org_name},{base_url}")
        if fault:
            raise ErrorResponse(f"Error parsing given base_url: {fault}")
        made.base_url = base_url
    # The deprecated parameter is used only without base_url.
    made.update_from(call, "production", "bypass_okta_mfa")
    if made.base_url:
        made.production = None
    made.update_token_params(call)
    state.config = made
    return Response(warnings=[_BYPASSED]) if made.bypass_okta_mfa else None
