"""State of an SSH mount, and the engine that its endpoints are declared on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.engine import Engine
from mockkms.vault.framework.message import ErrorResponse

DEFAULT = "default"


@dataclass
class Issuer:
    """A key that signs certificates. Both halves as they were given or made: a line, and PEM."""

    id: str
    public_key: str
    private_key: str
    name: str = ""


@dataclass
class SSH:
    """State of a mount."""

    issuers: dict[str, Issuer] = field(default_factory=dict)
    default: str = ""
    """Id of the default issuer."""
    roles: dict[str, dict[str, Any]] = field(default_factory=dict)
    zero_address: list[str] | None = None
    """Roles for which any address will do."""
    passwords: dict[str, dict[str, str]] = field(default_factory=dict)
    """``username``, ``ip`` and ``role_name`` by one-time password."""

    def issuer(self, reference: str) -> Issuer:
        """The issuer that a reference means: ``default``, an id or a name. Raises ErrorResponse."""
        if reference == DEFAULT:
            if not self.default:
                raise ErrorResponse("no default issuer currently configured")
            return self.issuers[self.default]
        found = self.issuers.get(reference)
        found = found or next((one for one in self.issuers.values() if one.name == reference), None)
        if found is None:
            raise ErrorResponse(f"unable to find issuer for reference: {reference}")
        return found

    def named(self, reference: str) -> Issuer | None:
        """The issuer that a reference means, or None."""
        try:
            return self.issuer(reference)
        except ErrorResponse:
            return None


def _revoke(state: SSH, call: Call) -> None:
    state.passwords.pop(call.raw["otp"], None)


engine = Engine("ssh", kind="secret", new_state=SSH, revoke=_revoke, help="SSH certificates and one-time passwords.")

ROLE_NAME = r"{role:at}"
