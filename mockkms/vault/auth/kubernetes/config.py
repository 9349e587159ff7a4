"""``config``: the cluster whose tokens are accepted."""

from __future__ import annotations

import re
from typing import Any

from mockkms.crypto import jws
from mockkms.vault.auth.kubernetes.model import Config, Kubernetes, engine
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation
from mockkms.vault.products.features import Feature

_BLOCK = re.compile(r"-----BEGIN ([^-\n]+)-----\s[A-Za-z0-9+/=\s]*-----END \1-----")
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
        "use_annotations_as_alias_metadata": Field(
            Kind.BOOL, help="Annotations of the account become alias metadata.", needs=Feature.KUBERNETES_CHECKED_CA
        ),
    },
    help="The cluster whose tokens are accepted.",
)


@config.on(Operation.READ)
def read(state: Kubernetes, call: Call) -> dict[str, Any] | None:
    """The configuration; of the reviewer's token only whether it is set."""
    if state.config is None:
        return None
    product = call.core.product
    shown = {name: value for name, value in vars(state.config).items() if config.fields[name].known_to(product)}
    shown["token_reviewer_jwt_set"] = bool(shown.pop("token_reviewer_jwt"))
    return shown


@config.on(Operation.UPDATE)
def write(state: Kubernetes, call: Call) -> None:
    """Replace the configuration. Raises ErrorResponse."""
    checked = call.core.product.has(Feature.KUBERNETES_CHECKED_CA)
    known = [name for name, declared in config.fields.items() if declared.known_to(call.core.product)]
    made = Config(**{name: call[name] for name in known})
    if not made.kubernetes_host:
        raise ErrorResponse("no host provided")
    if checked and made.kubernetes_ca_cert and not _BLOCK.search(made.kubernetes_ca_cert):
        raise ErrorResponse("The provided CA PEM data contains no valid certificates")
    if made.disable_local_ca_jwt and not made.kubernetes_ca_cert and not checked:
        raise ErrorResponse("kubernetes_ca_cert must be given when disable_local_ca_jwt is true")
    for pem in made.pem_keys:
        try:
            jws.load_key(pem.encode())
        except ValueError:
            kinds = "RSA or ECDSA public keys" if checked else "public keys"
            raise ErrorResponse(f"data does not contain any valid {kinds}") from None
    if not made.kubernetes_ca_cert and not made.disable_local_ca_jwt:
        # This server never runs in a pod.
        raise ErrorResponse(f"open {_LOCAL_CA}: no such file or directory")
    state.config = made
