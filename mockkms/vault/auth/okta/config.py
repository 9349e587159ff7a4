"""``config``: the organization at Okta."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mockkms import outside
from mockkms.vault.auth.okta.model import Config, Okta, engine
from mockkms.vault.auth.token_params import FIELDS
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response

_BYPASSED = (
    "Okta MFA bypass is configured. In addition to ignoring Okta MFA requests, certain other account statuses will not "
    "be seen, such as PASSWORD_EXPIRED. Authentication will succeed in these cases."
)

config = engine.path(
    "config",
    fields={
        "org_name": Field(Kind.STRING, help="Name of the organization."),
        "organization": Field(Kind.STRING, deprecated=True, help="The former name of org_name."),
        "api_token": Field(Kind.STRING, help="Okta API token; without it no groups are asked for."),
        "token": Field(Kind.STRING, deprecated=True, help="The former name of api_token."),
        "base_url": Field(Kind.STRING, help="Domain of the API; okta.com when not given."),
        "production": Field(Kind.BOOL, deprecated=True, help="False is oktapreview.com."),
        "bypass_okta_mfa": Field(Kind.BOOL, help="Do not ask for second factors."),
        "ttl": Field(Kind.SECONDS, deprecated=True, help="The former name of token_ttl."),
        "max_ttl": Field(Kind.SECONDS, deprecated=True, help="The former name of token_max_ttl."),
        **FIELDS,
    },
    help="The organization at Okta.",
)


@config.existence
def exists(state: Okta, call: Call) -> bool:
    """Whether there is a configuration."""
    return state.config is not None


@config.on(Operation.READ)
def read(state: Okta, call: Call) -> Response | None:
    """The configuration without the API token."""
    found = state.config
    if found is None:
        return None
    shown: dict[str, Any] = {
        "organization": found.org_name,
        "org_name": found.org_name,
        "bypass_okta_mfa": found.bypass_okta_mfa,
        **found.shown(call.core.product),
    }
    if found.base_url:
        shown["base_url"] = found.base_url
    if found.production is not None:
        shown["production"] = found.production
    shown |= {old: found.old[old] for old in ("ttl", "max_ttl") if found.old.get(old)}
    return Response(data=shown, warnings=[_BYPASSED] if found.bypass_okta_mfa else [])


@config.on(Operation.CREATE, Operation.UPDATE)
def write(state: Okta, call: Call) -> Response | None:
    """Make or change the configuration. Raises ErrorResponse."""
    made = replace(state.config, old=dict(state.config.old)) if state.config else Config()
    made.org_name = call.get("org_name", made.org_name) or call.get("organization", "")
    if not made.org_name and state.config is None:
        raise ErrorResponse("org_name is missing")
    made.api_token = call.get("api_token", call.get("token", made.api_token))
    if "base_url" in call:
        # The comma is the real server's: what it parses here is not where it asks.
        fault = outside.parse_fault(f"https://{made.org_name},{call['base_url']}")
        if fault:
            raise ErrorResponse(f"Error parsing given base_url: {fault}")
        made.base_url = call["base_url"]
    # The older switch counts only where there is no address.
    made.production = None if made.base_url else call.get("production", made.production)
    made.bypass_okta_mfa = call.get("bypass_okta_mfa", made.bypass_okta_mfa)
    try:
        made.parse(call)
        made.upgrade(call, "ttl", "token_ttl")
        made.upgrade(call, "max_ttl", "token_max_ttl")
    except ValueError as error:
        raise ErrorResponse(str(error)) from None
    state.config = made
    return Response(warnings=[_BYPASSED]) if made.bypass_okta_mfa else None
