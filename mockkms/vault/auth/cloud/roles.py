"""The common parameters of roles of cloud auth methods.

Rules: the API pages of HashiCorp Vault and the published sources of its plugins; nothing of it is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse, Request, permission_denied
from mockkms.vault.tokens import cidr
from mockkms.world.stored import stored


@stored("auth.cloud.CloudRole")
@dataclass
class CloudRole(TokenParams):
    """One role: the bounds of derived classes, and token parameters."""

    old_names: ClassVar = ("policies", "num_uses", "ttl", "max_ttl", "period")

    def take(self, call: Call, ttl_refusal: str = "ttl should be shorter than max ttl") -> None:
        """Set the members that were sent. Raises ErrorResponse, with ``ttl_refusal`` for too long a ``ttl``."""
        self.update_token_params(call)
        self.update_own(call)
        if 0 < self.token_max_ttl < self.token_ttl:
            raise ErrorResponse(ttl_refusal)

    def check_address(self, request: Request) -> None:
        """Refuse a login from an address that the role does not allow. Raises BackendError."""
        if self.token_bound_cidrs and not cidr.contains(self.token_bound_cidrs, request.remote_address):
            raise permission_denied()
