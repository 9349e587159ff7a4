"""The Kubernetes cluster of a mount: tokens, service accounts, roles and bindings, through its API server.

Without an API server on this machine everything is accepted, and tokens are made up: their claims are those of the
cluster, their signature is random.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from mockkms.json_reading import read_json
from mockkms.vault.secrets.peer import Peer, PeerAnswer, PeerError

if TYPE_CHECKING:
    from mockkms.vault.framework.endpoint import Call

_RBAC = "rbac.authorization.k8s.io/v1"
_LABELS = {
    "app.kubernetes.io/managed-by": "HashiCorp-Vault",
    "app.kubernetes.io/created-by": "vault-plugin-secrets-kubernetes",
}
_LONGEST = 64 * 1024
"""Characters of a selector or of rules: YAML is read slowly."""


@dataclass(frozen=True)
class Binding:
    """What is created for a token of a new service account."""

    namespace: str
    name: str
    """The name of all new objects."""
    role: str
    """An existing role; empty: a new one with ``rules``."""
    kind: str
    """Role or ClusterRole."""
    rules: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    everywhere: bool
    """The binding is one of the cluster, not of the namespace."""

    def internal(self, *, created: bool) -> dict[str, object]:
        """Return the internal data of the lease; ``created``: whether the objects were created."""
        return {
            "service_account_namespace": self.namespace,
            "cluster_role_binding": self.everywhere,
            "created_service_account": self.name if created else "",
            "created_role_binding": self.name if created else "",
            "created_role": self.name if created and not self.role else "",
            "created_role_type": self.kind,
        }


@dataclass(frozen=True)
class KubernetesCluster:
    """The cluster, asked through ``peer`` if it is on this machine."""

    call: Call
    peer: Peer | None

    def token(self, namespace: str, account: str, seconds: int, audiences: list[str]) -> str:
        """Return a token of a service account. Raises PeerError."""
        if self.peer is None:
            return self._made_up(namespace, account, seconds, audiences)
        body = {
            "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
            "spec": {"audiences": audiences or None, "expirationSeconds": seconds},
        }  # fmt: skip
        path = f"{_accounts(namespace)}/{quote(account, safe='')}/token"
        answer = self._sent("POST", path, body, f"failed to create a service account token for {namespace}/{account}: ")
        return answer.member("status", "token")

    def _made_up(self, namespace: str, account: str, seconds: int, audiences: list[str]) -> str:
        entropy, now = self.call.core.entropy, int(self.call.now())
        issuer = "https://kubernetes.default.svc.cluster.local"
        claims = {
            "aud": audiences or [issuer], "exp": now + seconds, "iat": now, "iss": issuer, "jti": entropy.uuid(),
            "kubernetes.io": {
                "namespace": namespace, "serviceaccount": {"name": account, "uid": entropy.uuid()},
            },
            "nbf": now, "sub": f"system:serviceaccount:{namespace}:{account}",
        }  # fmt: skip
        head = {"alg": "RS256", "kid": base64.urlsafe_b64encode(entropy.bytes(32)).decode().rstrip("=")}
        parts = [json.dumps(part, separators=(",", ":")).encode() for part in (head, claims)]
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (*parts, entropy.bytes(256)))

    def bind(self, binding: Binding) -> None:
        """Create a service account with its permissions, after deleting what exists of it if that fails.

        Raises PeerError.
        """
        if self.peer is None:
            return
        try:
            self._bind(binding)
        except PeerError:
            KubernetesCluster(self.call, self.peer.for_tidying()).unbind(binding.internal(created=True))
            raise

    def _bind(self, binding: Binding) -> None:
        owner = self._new_role(binding) if not binding.role else None
        role = binding.role or binding.name
        kind = "ClusterRoleBinding" if binding.everywhere else "RoleBinding"
        bound = self._sent(
            "POST", _rbac_path(binding.namespace, kind),
            {
                "kind": kind, "apiVersion": _RBAC, "metadata": _metadata(binding, owner, kind),
                "subjects": [{"kind": "ServiceAccount", "name": binding.name, "namespace": binding.namespace}],
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": binding.kind, "name": role},
            },
            f"failed to create RoleBinding/ClusterRoleBinding '{binding.name}' for {role}: ",
        )  # fmt: skip
        owner = owner or _owner(binding.name, kind, bound)
        self._sent(
            "POST", _accounts(binding.namespace),
            {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": _metadata(binding, owner, "ServiceAccount")},
            f"failed to create service account '{binding.namespace}/{binding.name}': ",
        )  # fmt: skip

    def _new_role(self, binding: Binding) -> dict[str, str]:
        """Create the role with its rules; return the reference to it as the owner of the other objects."""
        body = {
            "kind": binding.kind, "apiVersion": _RBAC, "metadata": _metadata(binding, None, binding.kind),
            "rules": parsed(binding.rules).get("rules"),
        }  # fmt: skip
        failure = f"failed to create Role/ClusterRole '{binding.namespace}/{binding.name}: "
        answer = self._sent("POST", _rbac_path(binding.namespace, binding.kind), body, failure)
        return _owner(binding.name, binding.kind, answer)

    def unbind(self, internal: Mapping[str, object]) -> list[str]:
        """Delete what was created for a token, by the internal data of its lease. Return the errors."""
        if self.peer is None:
            return []
        namespace, kind = str(internal["service_account_namespace"]), str(internal["created_role_type"])
        binding = "ClusterRoleBinding" if internal["cluster_role_binding"] else "RoleBinding"
        found = (
            (kind, str(internal["created_role"]), _rbac_path(namespace, kind)),
            (binding, str(internal["created_role_binding"]), _rbac_path(namespace, binding)),
            (
                "ServiceAccount", str(internal["created_service_account"]),
                _accounts(namespace),
            ),
        )  # fmt: skip
        faults = []
        for what, name, folder in found:
            if name:
                try:
                    answer = self.peer.ask("DELETE", f"{folder}/{quote(name, safe='')}")
                    if answer.status != 404:
                        _sound(answer)
                except PeerError as error:
                    faults.append(f"failed to delete {what} '{namespace}/{name}': {error}")
        return faults

    def selects(self, namespace: str, selector: str) -> bool:
        """Return whether a namespace has the labels; a cluster elsewhere is assumed to have such a namespace.

        Raises PeerError.
        """
        wanted = parsed(selector)
        if self.peer is None:
            return True
        answer = self._sent("GET", _accounts(namespace).removesuffix("/serviceaccounts"), None, "")
        metadata = answer.json().get("metadata")
        labels = metadata.get("labels") if isinstance(metadata, dict) else None
        return _matches(wanted, labels if isinstance(labels, dict) else {})

    def _sent(self, method: str, path: str, body: object, failure: str) -> PeerAnswer:
        assert self.peer is not None
        try:
            return _sound(self.peer.ask(method, path, body))
        except PeerError as error:
            raise PeerError(f"{failure}{error}") from None


def _metadata(binding: Binding, owner: Mapping[str, str] | None, kind: str) -> dict[str, object]:
    return {
        "name": binding.name,
        **({} if kind.startswith("Cluster") else {"namespace": binding.namespace}),
        "labels": {**binding.labels, **_LABELS},
        **({"annotations": dict(binding.annotations)} if binding.annotations else {}),
        **({"ownerReferences": [owner]} if owner else {}),
    }


def _owner(name: str, kind: str, answer: PeerAnswer) -> dict[str, str]:
    return {"apiVersion": _RBAC, "kind": kind, "name": name, "uid": answer.member("metadata", "uid")}


def _accounts(namespace: str) -> str:
    return f"/api/v1/namespaces/{quote(namespace, safe='')}/serviceaccounts"


def _rbac_path(namespace: str, kind: str) -> str:
    scope = "" if kind.startswith("Cluster") else f"namespaces/{quote(namespace, safe='')}/"
    return f"/apis/{_RBAC}/{scope}{kind.lower()}s"


def _sound(answer: PeerAnswer) -> PeerAnswer:
    """Return an answer with status 2xx. Raises PeerError with the message of the API server."""
    if not answer.ok:
        raise PeerError(answer.member("message") or f"an error on the server ({answer.text!r}) has prevented success")
    return answer


def parsed(text: str) -> dict[str, object]:
    """Return an object in JSON or YAML; an empty one for an empty text. Raises ValueError."""
    import yaml

    if len(text) > _LONGEST:
        raise ValueError(f"a selector or a list of rules has at most {_LONGEST} characters")
    try:
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(str(error)) from None
    found = {} if found is None else found
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return {str(name): value for name, value in found.items()}


def _matches(selector: Mapping[str, object], labels: Mapping[str, object]) -> bool:
    """Return whether labels match a selector. Raises PeerError for an expression with an unknown operator."""
    wanted, expressions = selector.get("matchLabels"), selector.get("matchExpressions")
    if wanted and not (isinstance(wanted, dict) and wanted.items() <= labels.items()):
        return False
    return all(_fits(one, labels) for one in (expressions if isinstance(expressions, list) else ()))


def _fits(expression: object, labels: Mapping[str, object]) -> bool:
    given = expression if isinstance(expression, dict) else {}
    operator, key, values = given.get("operator"), str(given.get("key")), given.get("values") or []
    found = key in labels
    match operator:
        case "In" | "NotIn":
            return (found and labels[key] in values) is (operator == "In")
        case "Exists" | "DoesNotExist":
            return found is (operator == "Exists")
    raise PeerError(f'"{operator}" is not a valid label selector operator')


def lifetime_of(token: str) -> int:
    """Return the seconds from the issue of a JWT to its expiry. Raises ValueError for a text that is not a JWT."""
    try:
        _, middle, _ = token.split(".")
        claims = read_json(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        return int(claims["exp"]) - int(claims.get("iat", 0))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ValueError("go-jose/go-jose: compact JWS format must have three parts") from None
