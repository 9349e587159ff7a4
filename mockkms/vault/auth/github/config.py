"""``config``: the organization whose members may log in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mockkms import outside
from mockkms.vault.auth.github import api
from mockkms.vault.auth.github.model import Config, Github, engine
from mockkms.vault.auth.token_params import FIELDS
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation

config = engine.path(
    "config",
    fields={
        "organization": Field(Kind.STRING, help="The organization that users must be members of."),
        "organization_id": Field(Kind.INT64, help="Its id; looked up when not given."),
        "base_url": Field(Kind.STRING, help="The API's address, of GitHub Enterprise or a stand-in."),
        "ttl": Field(Kind.SECONDS, deprecated=True, help="The former name of token_ttl."),
        "max_ttl": Field(Kind.SECONDS, deprecated=True, help="The former name of token_max_ttl."),
        **FIELDS,
    },
    help="The organization whose members may log in.",
)


@config.on(Operation.READ)
def read(state: Github, call: Call) -> dict[str, Any] | None:
    """The configuration."""
    found = state.config
    if found is None:
        return None
    shown = {
        "organization": found.organization,
        "organization_id": found.organization_id,
        "base_url": found.base_url,
        **found.shown(call.core.product),
    }
    return shown | {old: found.old[old] for old in ("ttl", "max_ttl") if found.old.get(old)}


@config.on(Operation.UPDATE)
def write(state: Github, call: Call) -> None:
    """Make or change the configuration. Raises ErrorResponse, and BackendError where GitHub is asked in vain."""
    made = replace(state.config, old=dict(state.config.old)) if state.config else Config()
    made.organization = call.get("organization", made.organization)
    if not made.organization:
        raise ErrorResponse("organization is a required parameter")
    made.organization_id = call.get("organization_id", made.organization_id)
    if "base_url" in call:
        made.base_url = _address(call["base_url"])
    if not made.organization_id:
        try:
            made.organization_id = api.organization_id(state, made)
        except BackendError as error:
            raise BackendError(
                f"unable to fetch the organization_id, you must manually set it in the config: {error.errors[0]}"
            ) from None
    try:
        made.parse(call)
        made.upgrade(call, "ttl", "token_ttl")
        made.upgrade(call, "max_ttl", "token_max_ttl")
    except ValueError as error:
        raise ErrorResponse(str(error)) from None
    state.config = made


def _address(url: str) -> str:
    made = url if url.endswith("/") else url + "/"
    fault = outside.parse_fault(made)
    if fault:
        raise ErrorResponse(f"error parsing given base_url: {fault}")
    return made
