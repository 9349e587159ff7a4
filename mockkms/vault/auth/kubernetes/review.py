"""Token reviews and annotations by an API server on this machine: a substitute that a test has started."""

from __future__ import annotations

import json

from mockkms import outside
from mockkms.json_reading import read_json
from mockkms.vault.auth.kubernetes.model import KubernetesConfig, ServiceAccount

_PATH = "/apis/authentication.k8s.io/v1/tokenreviews"


def is_local(config: KubernetesConfig) -> bool:
    """Return whether the cluster's API server is on this machine."""
    return outside.is_here(config.kubernetes_host)


def confirms(config: KubernetesConfig, audiences: list[str], token: str, account: ServiceAccount) -> bool:
    """Return whether the API server accepts ``token`` as that of ``account``."""
    if not is_local(config):
        return False
    question = {
        "kind": "TokenReview",
        "apiVersion": "authentication.k8s.io/v1",
        "spec": {"token": token, **({"audiences": audiences} if audiences else {})},
    }
    headers = {
        "Authorization": f"Bearer {config.token_reviewer_jwt or token}",
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    url = config.kubernetes_host.removesuffix("/") + _PATH
    try:
        status, body = outside.ask("POST", url, headers, json.dumps(question).encode(), config.kubernetes_ca_cert)
        answer = read_json(body) if 200 <= status <= 206 else None
    except (OSError, ValueError):
        return False
    return isinstance(answer, dict) and _of(answer, audiences) == account


def annotations_of(config: KubernetesConfig, token: str, account: ServiceAccount) -> dict[str, str]:
    """Return the annotations that the API server has for an account. Raises OSError or ValueError with Go's text."""
    path = f"{account.namespace}/serviceaccounts/{account.name}"
    return texts_of(config, config.token_reviewer_jwt or token, path, "annotations", what="service account")


def texts_of(config: KubernetesConfig, token: str, path: str, member: str, *, what: str) -> dict[str, str]:
    """Return texts in the metadata of an object, which the API server has below ``namespaces/``.

    Raises OSError or ValueError, with Go's text, without a valid response.
    """
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
    url = f"{config.kubernetes_host.removesuffix('/')}/api/v1/namespaces/{path}"
    try:
        status, body = outside.ask("GET", url, headers, ca_pem=config.kubernetes_ca_cert)
    except OSError as error:
        raise OSError(outside.no_answer("GET", url, error)) from None
    found: object = read_json(body)
    answer = found if isinstance(found, dict) else {}
    if status != 200 and answer.get("status") != "Success":
        raise ValueError(f"failed to get {what} (code {status} status {answer.get('message', '')})")
    metadata = answer.get("metadata")
    held = metadata.get(member) if isinstance(metadata, dict) else None
    return {str(key): str(value) for key, value in held.items()} if isinstance(held, dict) else {}


def _of(answer: dict[str, object], audiences: list[str]) -> ServiceAccount | None:
    """Return the service account of a review; None if the token is refused or has another owner."""
    status = answer.get("status")
    if not isinstance(status, dict) or status.get("error") or status.get("authenticated") is not True:
        return None
    if audiences and not set(audiences) & set(status.get("audiences") or ()):
        return None
    user = status.get("user")
    user = user if isinstance(user, dict) else {}
    parts = str(user.get("username", "")).split(":")
    if len(parts) != 4 or parts[:2] != ["system", "serviceaccount"]:
        return None
    return ServiceAccount(parts[3], parts[2], str(user.get("uid", "")))
