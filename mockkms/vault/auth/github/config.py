"""``config``: the organization whose members may log in."""

from __future__ import annotations

from mockkms.go_urls import parse_fault
from mockkms.vault.auth.github import api
from mockkms.vault.auth.github.model import Github, GithubConfig, engine
from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing

config = engine.path("config", GithubConfig.fields, help="The organization whose members may log in.", go_errors=True)


@config.on(Operation.READ)
def read(state: Github, call: Call) -> Reply:
    """Return the configuration."""
    return None if state.config is None else state.config.shown(call.core.product)


@config.on(Operation.UPDATE)
def write(state: Github, call: Call, *, base_url: str) -> None:
    """Create or change the configuration. Raises ErrorResponse, and BackendError if GitHub does not respond."""
    made = state.config.copy() if state.config else GithubConfig()
    made.update_from(call, "organization", "organization_id")
    if not made.organization:
        raise ErrorResponse("organization is a required parameter")
    if "base_url" in call:
        made.base_url = _address(base_url)
    if not made.organization_id:
        with refusing(
            "unable to fetch the organization_id, you must manually set it in the config: ",
            BackendError,
            of=BackendError,
        ):
            made.organization_id = api.organization_id(state, made)
    made.update_token_params(call)
    state.config = made


def _address(url: str) -> str:
    made = url if url.endswith("/") else url + "/"
    fault = parse_fault(made)
    if fault:
        raise ErrorResponse(f"error parsing given base_url: {fault}")
    return made
