"""``role/{name}``: the claims required to log in."""

from __future__ import annotations

from mockkms.vault.auth.jwt.model import JWT, JwtRole, engine
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Response, refusing
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.golang.fmt import quote, shown
from mockkms.vault.golang.template import GoTemplate, naming_functions

roles = Collection[JWT, JwtRole](
    engine,
    "role/{name}",
    JwtRole,
    lambda state: state.roles,
    name=Field(Kind.LOWER_STRING, help="Name of the role."),
    help="Required claims of a token, and the parameters of the login.",
    list_help="The names of all roles.",
)


@roles.write
def write(
    state: JWT,
    call: Call,
    name: str,
    made: JwtRole,
    *,
    role_type: str,
    bound_claims_type: str,
    bound_claims: dict[str, object] | None = None,
    claim_mappings: dict[str, str],
    oauth2_metadata: list[str],
    callback_mode: str,
    oidc_disable_confirmation: bool,
) -> Response | None:
    """Create or change a role. Raises ErrorResponse and BackendError."""
    kind = role_type or "oidc"
    if kind not in ("jwt", "oidc"):
        raise ErrorResponse(f"invalid 'role_type': {kind}")
    made.update_token_params(call)
    largest = call.core.max_ttl(call.mount)
    if made.token_period > largest:
        raise ErrorResponse(
            f"'period' of '\"{go_duration(made.token_period)}\"' is greater than the backend's maximum lease TTL "
            f"of '\"{go_duration(largest)}\"'"
        )
    made.update_own(call)
    if call.is_null("bound_claims"):
        made.bound_claims = None
    if call.is_null("claim_mappings"):
        made.claim_mappings = None
    made.role_type = kind
    made.oidc_disable_confirmation = oidc_disable_confirmation
    made.bound_claims_type = bound_claims_type
    _check_bound_claims(made, bound_claims)
    made.callback_mode = callback_mode
    _check(made, claim_mappings, oauth2_metadata)
    if 0 < made.token_max_ttl < made.token_ttl:
        raise ErrorResponse("ttl should not be greater than max ttl")
    return _warned(call, made, largest)


def _check_bound_claims(made: JwtRole, bound_claims: dict[str, object] | None) -> None:
    if made.bound_claims_type not in ("string", "glob"):
        raise ErrorResponse(f"invalid 'bound_claims_type': {made.bound_claims_type}")
    if bound_claims is None or made.bound_claims_type != "glob":
        return
    for value in bound_claims.values():
        if value is None or isinstance(value, dict):
            raise ErrorResponse(f"claim is not a string or list: {shown(value)}")
        for item in value if isinstance(value, list) else [value]:
            if not isinstance(item, str):
                raise ErrorResponse(f"claim is not a string: {shown(item)}")


def _check(made: JwtRole, claim_mappings: dict[str, str], oauth2_metadata: list[str]) -> None:
    targets: set[str] = set()
    for target in claim_mappings.values():
        if target == "role":
            raise ErrorResponse('metadata key "role" is reserved and may not be a mapping destination')
        if target in targets:
            raise ErrorResponse(f"multiple keys are mapped to metadata key {quote(target)}")
        targets.add(target)
    for name in oauth2_metadata:
        if name not in ("id_token", "refresh_token", "access_token"):
            raise ErrorResponse(f"Unrecognized oauth2 metadata name {name}")
    if not made.user_claim:
        raise ErrorResponse("a user claim must be defined on the role")
    if made.callback_mode not in ("device", "direct", "client"):
        raise ErrorResponse(f"invalid 'callback_mode': {made.callback_mode}")
    if made.role_type == "oidc" and not made.allowed_redirect_uris:
        raise ErrorResponse("'allowed_redirect_uris' must be set if 'role_type' is 'oidc' or unspecified.")
    bound = made.bound_audiences or made.token_bound_cidrs or made.bound_subject or made.bound_claims
    if made.role_type == "jwt" and not bound:
        raise ErrorResponse("must have at least one bound constraint when creating/updating a role")


def policy_template(call: Call, policy: str) -> GoTemplate:
    """Return a name of a policy that is a template over claims. Raises ValueError."""
    return GoTemplate(policy, naming_functions(call.core.entropy, call.now(), decoding=True))


def _warned(call: Call, made: JwtRole, largest: int) -> Response | None:
    warnings = []
    if made.token_max_ttl > largest:
        warnings.append(
            "token max ttl is greater than the system or backend mount's maximum TTL value; "
            "issued tokens' max TTL value will be truncated"
        )
    if made.verbose_oidc_logging:
        warnings.append(
            "verbose_oidc_logging has been enabled for this role. This is not recommended in production since "
            "sensitive information may be present in OIDC responses."
        )
    if made.token_policies_template_claims:
        for index, policy in enumerate(made.token_policies or []):
            with refusing(f"failed to parse template policy [{index}]: ", BackendError):
                policy_template(call, policy)
    return Response(warnings=warnings) if warnings else None
