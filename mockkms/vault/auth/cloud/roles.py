"""Auth methods of clouds: what their roles have in common. Logins need the cloud, and are refused.

Rules: the API pages of HashiCorp Vault and the published sources of its plugins; nothing of it is recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from mockkms.vault.auth.token_params import TokenParams
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse
from mockkms.world.stored import stored


@stored("auth.cloud.CloudRole")
@dataclass
class CloudRole(TokenParams):
    """One role: the bounds of derived classes, and token parameters."""

    old_names: ClassVar = ("policies", "num_uses", "ttl", "max_ttl", "period")

    def take(self, call: Call) -> None:
        """Set the members that were sent. Raises ErrorResponse."""
        self.update_token_params(call)
        self.update_own(call)
        if 0 < self.token_max_ttl < self.token_ttl:
            raise ErrorResponse("ttl should be shorter than max ttl")
