"""``config``: the cluster whose tokens are accepted."""

from __future__ import annotations

from typing import Any

from mockkms.crypto import jws
from mockkms.vault.auth.kubernetes.model import Config, Kubernetes, engine
from mockkms.vault.endpoint import Call, Field
from mockkms.vault.fields import Kind
from mockkms.vault.message import ErrorResponse, Operation

_LOCAL_CA = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"

config = engine.path(
    "config",
    fields={
        "kubernetes_host": Field(Kind.STRING, help="URL of the API server."),
        "kubernetes_ca_cert": Field(Kind.STRING, help="CA certificate of the API server, PEM."),
        "token_reviewer_jwt": Field(Kind.STRING, help="Token that reviews others."),
        "pem_keys": Field(Kind.COMMA_STRINGS, help="Keys or certificates that sign service account tokens, PEM."),
        "issuer": Field(Kind.STRING, deprecated=True, help="Required iss claim."),
        "disable_iss_validation": Field(Kind.BOOL, default=True, deprecated=True, help="Any iss claim will do."),
        "disable_local_ca_jwt": Field(Kind.BOOL, help="Do not use the CA and token of the server's own pod."),
    },
    help="The cluster whose tokens are accepted.",
)


@config.on(Operation.READ)
def read(state: Kubernetes, call: Call) -> dict[str, Any] | None:
    """The configuration; of the reviewer's token only whether it is set."""
    if state.config is None:
        return None
    shown = dict(vars(state.config))
    shown["token_reviewer_jwt_set"] = bool(shown.pop("token_reviewer_jwt"))
    return shown


@config.on(Operation.UPDATE)
def write(state: Kubernetes, call: Call) -> None:
    """Replace the configuration. Raises ErrorResponse."""
    made = Config(**{name: call[name] for name in config.fields})
    if not made.kubernetes_host:
        raise ErrorResponse("no host provided")
    if made.disable_local_ca_jwt and not made.kubernetes_ca_cert:
        raise ErrorResponse("kubernetes_ca_cert must be given when disable_local_ca_jwt is true")
    for pem in made.pem_keys:
        try:
            jws.load_key(pem.encode())
        except ValueError:
            raise ErrorResponse("data does not contain any valid public keys") from None
    if not made.kubernetes_ca_cert:
        # This server never runs in a pod.
        raise ErrorResponse(f"open {_LOCAL_CA}: no such file or directory")
    state.config = made
