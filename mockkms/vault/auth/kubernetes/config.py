"""``config``: the cluster whose tokens are accepted."""

from __future__ import annotations

import re

from mockkms.crypto import jws
from mockkms.crypto.encoding.pem import decode
from mockkms.crypto.x509.public_pem import parse_public_pem
from mockkms.vault.auth.kubernetes.model import Kubernetes, KubernetesConfig, engine
from mockkms.vault.framework.endpoint import Call, Reply
from mockkms.vault.framework.message import ErrorResponse, Operation, refusing
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature

_BLOCK = re.compile(r"-----BEGIN ([^-\n]{1,64})-----\s[A-Za-z0-9+/=\s]*+-----END \1-----")
_LOCAL_CA = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"


def keys(made: KubernetesConfig, product: Product) -> list[jws.PublicKey]:
    """Return the keys that verify tokens. Raises ValueError with the text of the product."""
    if product.has(Feature.KUBERNETES_CHECKED_CA):
        return [_first_key(pem) for pem in made.pem_keys]
    return [jws.load_key(pem) for pem in made.pem_keys]


def _first_key(pem: str) -> jws.PublicKey:
    """Return the key in the first block of a text. Raises ValueError (source: ``parsePublicKeyPEM`` of the plugin)."""
    if decode(pem) is not None:
        parsed = parse_public_pem(pem, whole=False)
        if parsed.family in ("rsa", "ec"):
            return jws.usable(parsed)
    raise ValueError("data does not contain any valid RSA or ECDSA public keys")


config = engine.path("config", KubernetesConfig.fields, help="The cluster whose tokens are accepted.")


@config.on(Operation.READ)
def read(state: Kubernetes, call: Call) -> Reply:
    """Return the configuration; of the reviewer's token only whether it is set."""
    if state.config is None:
        return None
    set_ = {"token_reviewer_jwt_set": bool(state.config.token_reviewer_jwt)}
    return state.config.shown(call.core.product) | set_


@config.on(Operation.UPDATE)
def write(state: Kubernetes, call: Call) -> None:
    """Replace the configuration. Raises ErrorResponse."""
    checked = call.core.product.has(Feature.KUBERNETES_CHECKED_CA)
    made = KubernetesConfig.from_call(call)
    if not made.kubernetes_host:
        raise ErrorResponse("no host provided")
    if checked and made.kubernetes_ca_cert and not _BLOCK.search(made.kubernetes_ca_cert):
        raise ErrorResponse("The provided CA PEM data contains no valid certificates")
    if made.disable_local_ca_jwt and not made.kubernetes_ca_cert and not checked:
        raise ErrorResponse("kubernetes_ca_cert must be given when disable_local_ca_jwt is true")
    with refusing():
        keys(made, call.core.product)
    if not made.kubernetes_ca_cert and not made.disable_local_ca_jwt:
        # This server never runs in a pod.
        raise ErrorResponse(f"open {_LOCAL_CA}: no such file or directory")
    state.config = made
