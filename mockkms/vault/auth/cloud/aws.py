"""AWS auth: its client and identity configuration. Roles and logins are answered as unsupported."""

from __future__ import annotations

from typing import Any

from mockkms.vault.auth.cloud.roles import Cloud
from mockkms.vault.endpoint import Call, Engine, Field
from mockkms.vault.fields import Kind
from mockkms.vault.message import ErrorResponse, Operation, unsupported_path

engine = Engine("auth/aws", kind="auth", new_state=Cloud, help="Logins with requests signed for AWS; only configured.")

_ALIASES = {
    "iam_alias": ("role_id", "unique_id", "canonical_arn", "full_arn"),
    "ec2_alias": ("role_id", "instance_id", "image_id"),
}
_METADATA = {
    "iam_metadata": (
        "account_id", "auth_type", "canonical_arn", "client_arn", "client_user_id", "inferred_aws_region",
        "inferred_entity_id", "inferred_entity_type",
    ),
    "ec2_metadata": ("account_id", "ami_id", "instance_id", "region", "auth_type"),
}  # fmt: skip
_USUAL = {"iam_metadata": ["account_id", "auth_type"], "ec2_metadata": ["account_id", "auth_type"]}
_CLIENT = {
    "access_key": Field(Kind.STRING, help="Key that asks AWS."),
    "endpoint": Field(Kind.STRING, help="Where EC2 is instead."),
    "iam_endpoint": Field(Kind.STRING, help="Where IAM is instead."),
    "sts_endpoint": Field(Kind.STRING, help="Where STS is instead."),
    "sts_region": Field(Kind.STRING, help="Region of STS."),
    "use_sts_region_from_client": Field(Kind.BOOL, help="The region is that of the signed request."),
    "iam_server_id_header_value": Field(Kind.STRING, help="Value that signed requests must carry."),
    "allowed_sts_header_values": Field(Kind.COMMA_STRINGS, help="Further headers that they may carry."),
    "max_retries": Field(Kind.INT, default=-1, help="How often AWS is asked again."),
    "role_arn": Field(Kind.STRING, help="Role of workload identity federation."),
    "identity_token_audience": Field(Kind.STRING, help="Audience of its tokens."),
    "identity_token_ttl": Field(Kind.SECONDS, help="Life of its tokens."),
}
client = engine.path(
    "config/client", {**_CLIENT, "secret_key": Field(Kind.STRING, help="Its secret.")}, help="How AWS is asked."
)
identity = engine.path(
    "config/identity",
    {
        **{name: Field(Kind.STRING, help="What names the alias of such a login.") for name in _ALIASES},
        **{
            name: Field(Kind.COMMA_STRINGS, help="What its metadata tell; `default` is the usual.")
            for name in _METADATA
        },
    },
    help="What logins tell the identity store.",
)
_EC2 = ("pkcs7", "identity", "signature")
_IAM = ("iam_http_request_method", "iam_request_url", "iam_request_body", "iam_request_headers")
login = engine.path(
    "login",
    {name: Field(Kind.STRING, help="Part of what AWS signed.") for name in ("role", "nonce", *_EC2, *_IAM)},
    login=True,
    help="Log in with what AWS signed; refused, as AWS would have to be asked.",
)


@client.existence
def exists(state: Cloud, _call: Call) -> bool:
    return state.config is not None


@client.on(Operation.READ)
def read_client(state: Cloud, _call: Call) -> dict[str, Any] | None:
    """The settings without the secret."""
    return None if state.config is None else {name: state.config[name] for name in _CLIENT}


@client.on(Operation.CREATE, Operation.UPDATE)
def write_client(state: Cloud, call: Call) -> None:
    """Keep settings; what is not sent stays."""
    old = state.config or {}
    state.config = {name: call.get(name, old.get(name, call[name])) for name in client.fields}


@client.on(Operation.DELETE)
def delete_client(state: Cloud, _call: Call) -> None:
    """Forget the settings."""
    state.config = None


def _identity(state: Cloud) -> dict[str, Any]:
    return {"iam_alias": "role_id", "ec2_alias": "role_id", **_USUAL, **state.identity}


@identity.on(Operation.READ)
def read_identity(state: Cloud, _call: Call) -> dict[str, Any]:
    """The settings, the usual where nothing is set."""
    return _identity(state)


@identity.on(Operation.UPDATE)
def write_identity(state: Cloud, call: Call) -> None:
    """Keep settings; what is not sent stays. Raises ErrorResponse."""
    made = _identity(state)
    for name, known in _ALIASES.items():
        made[name] = call.get(name, made[name])
        if made[name] not in known:
            raise ErrorResponse(f'invalid {name} of "{made[name]}"; must be one of: {", ".join(known)}')
    for name, known in _METADATA.items():
        asked = call.get(name, made[name])
        if asked in ([], ["default"]):
            asked = _USUAL[name]
        if not set(asked) <= set(known):
            raise ErrorResponse(f"{name} contains an unavailable field, please select from {', '.join(known)}")
        made[name] = list(asked)
    state.identity = made


@login.on(Operation.UPDATE)
def log_in(_state: Cloud, call: Call) -> None:
    """Refuse: nothing here can tell who signed a request for AWS. What has to be sent is checked."""
    ec2, iam = [name in call for name in _EC2], [name in call for name in _IAM]
    if any(ec2) and any(iam):
        raise ErrorResponse("supplied auth values for both ec2 and iam auth types")
    if any(ec2) and not (ec2[0] or (ec2[1] and ec2[2])):
        raise ErrorResponse("supplied some of the auth values for the ec2 auth type but not all")
    if any(iam) and not all(iam):
        raise ErrorResponse("supplied some of the auth values for the iam auth type but not all")
    if not any(ec2 + iam):
        raise ErrorResponse("didn't supply required authentication values")
    call.request.trace.unhandled = True
    raise unsupported_path()
