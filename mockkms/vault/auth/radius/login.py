"""``login``: a token for a password of the authentication server."""

from __future__ import annotations

from mockkms.vault.auth import NO_USERS
from mockkms.vault.auth.radius.model import Radius, RadiusConfig, engine
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth, ErrorResponse, Operation, Response, permission_denied
from mockkms.vault.policy import names
from mockkms.vault.tokens import cidr

login = engine.path(
    "login[/{urlusername:some}]",
    fields={
        "urlusername": Field(Kind.STRING, help="Name of the user, in the path."),
        "username": Field(Kind.STRING, help="Name of the user, in the body."),
        "password": Field(Kind.STRING, help="Password of the user."),
    },
    login=True,
    help="Log in.",
)
engine.open_folders("login")


@login.on(Operation.UPDATE)
def log_in(state: Radius, call: Call, *, username: str, urlusername: str, password: str) -> Response:
    """Log in. Raises ErrorResponse, BackendError 403 for an address that is not allowed."""
    config = _configured(state)
    if config.token_bound_cidrs and not cidr.contains(config.token_bound_cidrs, call.request.remote_address):
        raise permission_denied()
    name = username or urlusername
    for value, what in ((name, "username"), (password, "password")):
        if not value:
            raise ErrorResponse(f"{what} cannot be empty")
    name = state.canonical(name)
    policies = _ask(state, config, call, name, password)
    auth = Auth(
        metadata={"username": name, "policies": ",".join(policies)},
        display_name=name,
        alias={"name": name},
        internal={"password": password},
    )
    config.apply(auth, call.request)
    auth.policies += policies
    return Response(auth=auth)


@engine.renews
def renew(state: Radius, call: Call) -> Response:
    """Renew a login while the server returns the same policies. Raises VaultError."""
    auth = call.login
    config = _configured(state)
    name = (auth.metadata or {}).get("username", "")
    policies = _ask(state, config, call, name, call.kept("password"))
    names.check_unchanged(call.core.product, names.appended(config.token_policies, policies), auth.token_policies)
    return Response(auth=config.renewed(auth))


def _configured(state: Radius) -> RadiusConfig:
    if state.config is None:
        raise ErrorResponse("radius backend not configured")
    return state.config


def _ask(state: Radius, config: RadiusConfig, call: Call, name: str, password: str) -> list[str]:
    """Return the policies of a user whom the server accepts. Raises ErrorResponse."""
    if not state.directory:
        call.request.trace.hint = NO_USERS
        # With UDP, a missing server is not detected: the real server waits for ``read_timeout``.
        raise ErrorResponse("context deadline exceeded")
    person = state.directory.get(name)
    if person is None or person.password != password:
        raise ErrorResponse("access denied by the authentication server")
    registered = state.users.get(state.looked_up(call, name))
    return list(config.unregistered_policies if registered is None else registered)
