"""``config/root``, ``config/lease`` and ``config/rotate-root``: root credentials and lifetimes."""

from __future__ import annotations

from mockkms.vault.amazon import query
from mockkms.vault.amazon.query import AwsFault, text_in
from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.golang.duration import go_duration, parse_go
from mockkms.vault.secrets.aws.model import TEMPLATE, AwsLease, AwsRootConfig, AwsSecrets, access, engine

root = engine.path(
    "config/root", lambda: {**AwsRootConfig.fields(), **automated_rotation.fields()}, help="The root credentials."
)
lease = engine.path(
    "config/lease",
    {name: Field(Kind.STRING, help="A duration.") for name in ("lease", "lease_max")},
    help="Lifetimes of the keys of IAM users.",
)
rotate = engine.path("config/rotate-root", help="Replace the root credentials.", go_errors=True)


@root.existence
def exists(state: AwsSecrets, _call: Call) -> bool:
    """Return whether there is a configuration: a write without one is a create."""
    return state.root is not None


@root.on(Operation.READ)
def read_root(state: AwsSecrets, call: Call) -> Reply:
    """Return the settings without the secret."""
    return None if state.root is None else state.root.shown(call.core.product)


@root.on(Operation.CREATE, Operation.UPDATE)
def write_root(state: AwsSecrets, call: Call, *, username_template: str) -> None:
    """Change the settings that were sent; the template is reset by a write without it. Raises ErrorResponse."""
    made = state.root.copy() if state.root else AwsRootConfig()
    made.update_from(call)
    made.username_template = username_template or TEMPLATE
    if len(made.sts_fallback_endpoints) != len(made.sts_fallback_regions):
        raise ErrorResponse("fallback endpoints and fallback regions must be the same length")
    with refusing():
        made.parse_rotation(call)
    if made.identity_token_audience:
        if made.access_key:
            raise ErrorResponse("only one of 'access_key' or 'identity_token_audience' can be set")
        if not made.role_arn:
            raise ErrorResponse("missing required 'role_arn' when 'identity_token_audience' is set")
        raise ErrorResponse("plugin workload identity not supported in Vault community edition")
    with refusing():
        made.register_rotation()
    state.root = made


@lease.on(Operation.READ)
def read_lease(state: AwsSecrets, _call: Call) -> Reply:
    """Return both lifetimes as Go formats durations."""
    if state.lease is None:
        return None
    return {"lease": go_duration(state.lease.lease), "lease_max": go_duration(state.lease.lease_max)}


@lease.on(Operation.UPDATE)
def write_lease(state: AwsSecrets, _call: Call, *, lease: str, lease_max: str) -> None:
    """Set both lifetimes. Raises ErrorResponse."""
    for name, text in (("lease", lease), ("lease_max", lease_max)):
        if not text:
            raise ErrorResponse(f"'{name}' is a required parameter")
    state.lease = AwsLease(_lifetime("lease", lease), _lifetime("lease_max", lease_max))


def _lifetime(name: str, text: str) -> float:
    """Return a duration, which needs a unit as Go knows them, in seconds. Raises ErrorResponse."""
    with refusing(f"Invalid {name}: "):
        return parse_go(text)


@rotate.on(Operation.UPDATE)
def rotate_root(state: AwsSecrets, call: Call) -> Reply:
    """Replace the access key by a new one of the same user, and return its id. Raises ErrorResponse, BackendError."""
    config = state.root
    if config is None:
        raise BackendError("no configuration found for config/root")
    if not config.access_key or not config.secret_key:
        raise ErrorResponse("Cannot call config/rotate-root when either access_key or secret_key is empty")
    iam, entropy = access(state, call, "iam"), call.core.entropy
    if iam is None:
        config.access_key, config.secret_key = query.key_id(entropy, "AKIA"), query.secret_key(entropy)
        return {"access_key": config.access_key}
    with refusing("error calling GetUser: ", BackendError, of=AwsFault):
        user = text_in(iam.ask(call, "GetUser"), "UserName")
    with refusing("error calling CreateAccessKey: ", BackendError, of=AwsFault):
        created = iam.ask(call, "CreateAccessKey", UserName=user)
    former = config.access_key
    config.access_key, config.secret_key = text_in(created, "AccessKeyId"), text_in(created, "SecretAccessKey")
    with refusing("error deleting old access key: ", BackendError, of=AwsFault):
        iam.ask(call, "DeleteAccessKey", UserName=user, AccessKeyId=former)
    return {"access_key": config.access_key}
