"""Amazon resource names of principals, and the unique ids of principals in IAM.

Source: ``parseIamArn`` of Vault's ``builtin/credential/aws/path_login.go``, and the IAM user guide (unique ids).
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

from mockkms.vault.golang.fmt import quote

_PREFIXES = {"user": "AIDA", "role": "AROA", "assumed-role": "AROA", "instance-profile": "AIPA"}


@dataclass(frozen=True)
class Principal:
    """A user, a role, or a session of a role."""

    partition: str
    account: str
    type: str
    """``user``, ``role``, ``assumed-role`` or ``instance-profile``."""
    path: str
    name: str
    session: str = ""
    """The name of the session of an assumed role: of a machine's role its instance id."""

    @property
    def canonical(self) -> str:
        """The ARN that roles are bound to: without path and session."""
        type_ = "role" if self.type == "assumed-role" else self.type
        return f"arn:{self.partition}:iam::{self.account}:{type_}/{self.name}"

    def __str__(self) -> str:
        """Return the principal as Go formats the server's structure."""
        return "&{" + f"{self.partition} {self.account} {self.type} {self.path} {self.name} {self.session}" + "}"


def parse(arn: str) -> Principal:
    """Return the principal of an ARN. Raises ValueError with the server's text."""
    parts = arn.split(":")
    if len(parts) != 6:
        raise ValueError(f"unrecognized arn: contains {len(parts)} colon-separated parts, expected 6")
    if parts[0] != "arn":
        raise ValueError('unrecognized arn: does not begin with "arn:"')
    if parts[2] not in ("iam", "sts"):
        raise ValueError(f"unrecognized service: {parts[2]}, not one of iam or sts")
    steps = parts[5].split("/")
    if len(steps) < 2:
        raise ValueError(f"unrecognized arn: {quote(parts[5])} contains fewer than 2 slash-separated parts")
    if steps[0] == "assumed-role":
        if len(steps) < 3:
            raise ValueError(f"unrecognized arn: {quote(parts[5])} contains fewer than 3 slash-separated parts")
        return Principal(parts[1], parts[4], steps[0], "", steps[1], steps[2])
    if steps[0] not in _PREFIXES:
        raise ValueError(f'unrecognized principal type: "{steps[0]}"')
    return Principal(parts[1], parts[4], steps[0], "/".join(steps[1:-1]), steps[-1])


def made_up_id(principal: Principal) -> str:
    """Return a made-up unique id for a principal without a known one: the same for each of its ARNs."""
    digest = base64.b32encode(hashlib.sha256(principal.canonical.encode()).digest()).decode()
    return _PREFIXES[principal.type] + digest[:17]


def matches(pattern: str, arn: str) -> bool:
    """Return whether an ARN matches a bound with a ``*`` at its end, as those of machines are compared."""
    return arn.startswith(pattern[:-1]) if pattern.endswith("*") else arn == pattern
