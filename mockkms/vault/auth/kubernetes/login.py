"""``login``: a token for a service account's token."""

from __future__ import annotations

from mockkms.crypto import jws
from mockkms.vault.auth.claims import UNEXPECTED_ALGORITHM, Claims, ExpectedClaims, check, claims_in, signature_checked
from mockkms.vault.auth.kubernetes import review, selector
from mockkms.vault.auth.kubernetes.config import keys as keys_of
from mockkms.vault.auth.kubernetes.model import Kubernetes, KubernetesConfig, KubernetesRole, ServiceAccount, engine
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import (
    Auth,
    BackendError,
    ErrorResponse,
    Operation,
    Response,
    permission_denied,
    refusing,
)
from mockkms.vault.framework.storage_keys import refuse_relative
from mockkms.vault.golang.fmt import quote
from mockkms.vault.policy import globs
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens import cidr

_ANNOTATION = "vault.hashicorp.com/alias-metadata-"
_RESERVED = frozenset(
    ("service_account_uid", "service_account_name", "service_account_namespace", "service_account_secret_name")
)
"""Names in the metadata of an alias that the method itself sets."""

login = engine.path(
    "login",
    fields={
        "role": Field(Kind.STRING, help="Role to log in with."),
        "jwt": Field(Kind.STRING, help="The service account's token."),
    },
    login=True,
    help="Log in with a service account token.",
    go_errors=True,
)


@login.on(Operation.UPDATE)
def log_in(state: Kubernetes, call: Call, *, role: str, jwt: str) -> Response:
    """Log in. Raises ErrorResponse and BackendError, 403 for a token that is refused."""
    if not role:
        raise ErrorResponse("missing role")
    if not jwt:
        raise ErrorResponse("missing jwt")
    refuse_relative(call.core.product, role)
    found = state.roles.get(role.lower())
    if found is None:
        raise ErrorResponse(f"invalid role name {quote(role)}")
    if found.token_bound_cidrs and not cidr.contains(found.token_bound_cidrs, call.request.remote_address):
        raise permission_denied()
    if state.config is None:
        raise BackendError("could not load backend configuration")
    claims = _claims(state.config, found, call, jwt)
    account, secret = _account(claims)
    _check_bounds(state.config, found, account)
    alias = _alias_name(found, account)
    named = claims.get("aud")
    audiences = [found.audience] if found.audience else named if isinstance(named, list) else []
    if account not in state.reviewed and not review.confirms(state.config, audiences, jwt, account):
        if not review.is_local(state.config):
            call.request.trace.hint = "list the cluster's accounts in the world under service_accounts"
        raise permission_denied()
    own = _annotations(state, state.config, jwt, account) if state.config.use_annotations_as_alias_metadata else {}
    return Response(auth=_auth(found, role, call, account, secret, alias, own))


def _annotations(state: Kubernetes, config: KubernetesConfig, token: str, account: ServiceAccount) -> dict[str, str]:
    """Return what an account's annotations add to its alias' metadata. Raises ErrorResponse and BackendError."""
    known = next((one for one in state.reviewed if one == account), None)
    with refusing(error=BackendError, of=(OSError, ValueError)):
        held = known.annotations if known is not None else review.annotations_of(config, token, account)
    own = {key.removeprefix(_ANNOTATION): value for key, value in held.items() if key.startswith(_ANNOTATION)}
    reserved = " ".join(quote(key) for key in own if key in _RESERVED)
    if reserved:
        raise ErrorResponse(
            "entity alias metadata keys for only internal use found from the client token's associated service account "
            f"annotations: keys=[{reserved}]"
        )
    return own


def _alias_name(role: KubernetesRole, account: ServiceAccount) -> str:
    """Return the name of the alias. Raises BackendError if the token has none."""
    if role.alias_name_source == "serviceaccount_name":
        if not account.namespace or not account.name:
            raise BackendError("service account namespace and name must be set")
        return f"{account.namespace}/{account.name}"
    if not account.uid:
        raise BackendError("could not parse UID from claims")
    return account.uid


def _auth(
    role: KubernetesRole,
    name: str,
    call: Call,
    account: ServiceAccount,
    secret: str,
    alias: str,
    own: dict[str, str],
) -> Auth:
    metadata = {
        "service_account_uid": account.uid,
        "service_account_name": account.name,
        "service_account_namespace": account.namespace,
        "service_account_secret_name": secret,
    }
    auth = Auth(
        display_name=f"{account.namespace}-{account.name}",
        alias={
            "name": alias,
            "metadata": {**own, **metadata},
        },
        metadata={**metadata, "role": name},
        internal={"role": name},
    )
    return role.apply(auth, call.request)


def _claims(config: KubernetesConfig, role: KubernetesRole, call: Call, jwt: str) -> Claims:
    keys = keys_of(config, call.core.product) or None
    pss = call.core.product.has(Feature.KUBERNETES_PSS)
    algorithms = [name for name in jws.ALGORITHMS if name[:2] in (("RS", "ES", "PS") if pss else ("RS", "ES"))]
    with refusing(error=BackendError, text="permission denied", status=403):
        token = signature_checked(jwt, keys)
        if token.algorithm not in algorithms:
            # Where no key is configured, Vault does not even parse other algorithms.
            unparsed = pss and keys is None
            raise permission_denied() if unparsed else BackendError(UNEXPECTED_ALGORITHM, status=403)
        claims = claims_in(token)
    expected = ExpectedClaims(audiences=[role.audience] if role.audience else [], times_required=False)
    if not config.disable_iss_validation:
        expected.issuer = config.issuer
    with refusing(error=BackendError, status=403):
        check(claims, expected, call.now())
    if not isinstance(claims.get("aud", []), list):
        raise BackendError(_decoding_fault(call, claims["aud"]))
    return claims


def _decoding_fault(call: Call, audience: object) -> str:
    """Return the claim decoder's error for an ``aud`` that is not a list."""
    kind = "string" if isinstance(audience, str) else "map" if isinstance(audience, dict) else "float64"
    fault = f"source data must be an array or slice, got {kind}"
    if call.core.product.has(Feature.OLDER_DECODER):
        return f"1 error(s) decoding:\n\n* 'aud': {fault}"
    return f"decoding failed due to the following error(s):\n\n'aud' {fault}"


def _account(claims: Claims) -> tuple[ServiceAccount, str]:
    """Return the service account of a token, and the name of its secret; absent names are empty."""
    prefix = "kubernetes.io/serviceaccount/"
    name, uid = claims.get(prefix + "service-account.name"), claims.get(prefix + "service-account.uid")
    namespace = claims.get(prefix + "namespace")
    projected = claims.get("kubernetes.io")
    if isinstance(projected, dict):
        namespace = projected.get("namespace")
        inner = projected.get("serviceaccount")
        if isinstance(inner, dict):
            name, uid = inner.get("name"), inner.get("uid")
    return ServiceAccount(_text(name), _text(namespace), _text(uid)), _text(claims.get(prefix + "secret.name"))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _check_bounds(config: KubernetesConfig, role: KubernetesRole, account: ServiceAccount) -> None:
    if not _named(role.bound_service_account_names, account.name):
        raise BackendError("service account name not authorized", status=403)
    if _named(role.bound_service_account_namespaces or [], account.namespace):
        return
    fault = ""
    if role.bound_service_account_namespace_selector:
        try:
            if selector.matches(config, role.bound_service_account_namespace_selector, account.namespace):
                return
        except (OSError, ValueError) as error:
            fault = f" err={error}"
    raise BackendError(f"namespace not authorized{fault}", status=403)


def _named(patterns: list[str], name: str) -> bool:
    return any(globs.matches(pattern, name) for pattern in patterns)


@engine.renews
def renew(state: Kubernetes, call: Call) -> Response:
    """Renew a login with the role's present lifetimes. Raises BackendError if the role was deleted."""
    auth = call.login
    name = call.kept("role")
    role = state.roles.get(name.lower())
    if role is None:
        raise BackendError(f"role {name} does not exist during renewal")
    return Response(auth=role.renewed(auth))
