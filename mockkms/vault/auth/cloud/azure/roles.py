"""``role/{name}``: who may log in."""

from __future__ import annotations

from mockkms.vault.auth.cloud.azure.model import AzureAuth, AzureRole, engine
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Response
from mockkms.vault.golang.duration import go_duration

_CAPPED = (
    "max_ttl is greater than the system or backend mount's maximum TTL value; issued tokens' max TTL value will be "
    "truncated"
)

roles = Collection[AzureAuth, AzureRole](
    engine,
    "role/{name}",
    AzureRole,
    lambda state: state.roles,
    name=Field(Kind.STRING, help="Name of the role, in any case."),
    lower=True,
    paged=False,
    empty_list=True,
    help="Who may log in, and the parameters of the tokens.",
    list_help="The names of all roles.",
)


@roles.write
def write_role(state: AzureAuth, call: Call, name: str, role: AzureRole) -> Response | None:
    """Create or change a role. Raises ErrorResponse."""
    role.update_token_params(call)
    longest = call.core.max_ttl(call.mount)
    if role.token_period > longest:
        raise ErrorResponse(
            f'token period of "{go_duration(role.token_period)}" is greater than the backend\'s maximum lease TTL of '
            f'"{go_duration(longest)}"'
        )
    if role.token_num_uses < 0:
        raise ErrorResponse("token num uses cannot be negative")
    role.update_own(call)
    if not any(role.bounds):
        raise ErrorResponse("must have at least one bound constraint when creating/updating a role")
    if 0 < role.token_max_ttl < role.token_ttl:
        raise ErrorResponse("ttl should not be greater than max_ttl")
    return Response(warnings=[_CAPPED]) if role.token_max_ttl > longest else None
