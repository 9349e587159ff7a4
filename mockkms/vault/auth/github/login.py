"""``login``: a token for a member's personal access token."""

from __future__ import annotations

from dataclasses import dataclass

from mockkms.vault.auth.github import api
from mockkms.vault.auth.github.maps import policies
from mockkms.vault.auth.github.model import Github, GithubConfig, engine
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth, BackendError, LoginAlias, Operation, Response, permission_denied
from mockkms.vault.policy import names
from mockkms.vault.tokens import cidr

login = engine.path(
    "login",
    fields={"token": Field(Kind.STRING, help="Personal access token.")},
    login=True,
    help="Log in.",
    go_errors=True,
)


@dataclass
class _Verified:
    config: GithubConfig
    user: str
    organization: str
    teams: list[str]
    policies: list[str]
    warnings: list[str]


@login.on(Operation.UPDATE)
def log_in(state: Github, call: Call, *, token: str) -> Response:
    """Log in. Raises BackendError."""
    found = _verify(state, call, token)
    auth = Auth(
        metadata={"username": found.user, "org": found.organization},
        display_name=found.user,
        alias={"name": found.user},
        group_aliases=_aliases(found.teams),
        internal={"token": token},
    )
    found.config.apply(auth, call.request)
    auth.policies += found.policies
    return Response(auth=auth, warnings=found.warnings)


@engine.renews
def renew(state: Github, call: Call) -> Response:
    """Renew a login while GitHub returns the same policies for its token. Raises BackendError."""
    auth = call.login
    found = _verify(state, call, call.kept("token"))
    # The real server, too, leaves the policies of the configuration out here.
    if not names.equivalent(call.core.product, found.policies, auth.token_policies):
        raise BackendError("policies do not match")
    auth.group_aliases = _aliases(found.teams)
    return Response(auth=found.config.renewed(auth), warnings=found.warnings)


def _aliases(teams: list[str]) -> list[LoginAlias]:
    return [{"name": name} for name in teams if name]


def _verify(state: Github, call: Call, token: str) -> _Verified:
    config = state.config
    if config is None:
        raise BackendError("configuration has not been set")
    if config.token_bound_cidrs and not cidr.contains(config.token_bound_cidrs, call.request.remote_address):
        raise permission_denied()
    member = api.member(state, config, token, call)
    name = next((login for number, login in member.organizations if number == config.organization_id), None)
    if name is None:
        raise BackendError("user is not part of required org")
    warnings = []
    if name != config.organization:
        warnings.append(
            f'the organization name has changed to "{name}". It is recommended to verify and update the organization '
            f"name in the config: organization_id={config.organization_id}"
        )
    teams: list[str] = []
    for team, slug, organization in member.teams:
        if organization == config.organization_id:
            teams += [team] if team == slug else [team, slug]
    granted = policies(state.teams, teams) + policies(state.users, [member.user])
    return _Verified(config, member.user, name, teams, granted, warnings)
