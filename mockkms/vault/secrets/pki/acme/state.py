"""The state of ACME: accounts, orders, authorizations, and challenges that wait for their validation.

Times are seconds since the epoch. Orders and authorizations have random ids and belong to one account.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mockkms.world.stored import stored

VALID, REVOKED, DEACTIVATED = "valid", "revoked", "deactivated"
"""Statuses of accounts; ``valid`` and ``deactivated`` are those of authorizations too."""
PENDING, PROCESSING, READY, INVALID = "pending", "processing", "ready", "invalid"
DNS, IP = "dns", "ip"
"""Types of identifiers."""
HTTP_01, DNS_01, TLS_ALPN_01 = "http-01", "dns-01", "tls-alpn-01"
"""Types of challenges."""
_NONCE_SECONDS = 90.0
_MOST_NONCES = 10_000
"""Nonces that are kept for clients; the oldest is forgotten beyond it."""


@stored("pki.AcmeBinding")
@dataclass
class AcmeBinding:
    """The external key with which an account was created."""

    key_id: str
    directory: str
    created: float


@stored("pki.AcmeAccount")
@dataclass
class AcmeAccount:
    """An account, which belongs to one directory."""

    id: str
    directory: str
    """Path of the directory below the mount, such as ``roles/web/acme``."""
    jwk: str
    """The public key, as the client wrote it (JSON)."""
    thumbprint: str
    """RFC 7638, in base64url."""
    created: float
    contact: list[str] = field(default_factory=list)
    status: str = VALID
    revoked: float = 0
    latest_end: float = 0
    """When the last of its orders and certificates ends, as far as tidies have seen them."""
    binding: AcmeBinding | None = None


@stored("pki.AcmeIdentifier")
@dataclass
class AcmeIdentifier:
    """A name or an address that an order asks for."""

    kind: str
    value: str
    """Without the ``*.`` of a wildcard name."""
    original: str

    @property
    def wildcard(self) -> bool:
        """Whether it is a wildcard name."""
        return self.value != self.original


@stored("pki.AcmeChallenge")
@dataclass
class AcmeChallenge:
    """One way to prove the control of an identifier."""

    kind: str
    token: str
    status: str = PENDING
    validated: float = 0
    error: dict[str, object] = field(default_factory=dict)
    """The problem document of the last failed attempt."""


@stored("pki.AcmeAuthorization")
@dataclass
class AcmeAuthorization:
    """The permission of an account to get certificates for an identifier, by one of the challenges."""

    id: str
    account: str
    identifier: AcmeIdentifier
    challenges: list[AcmeChallenge]
    status: str = PENDING
    expires: float = 0

    def challenge(self, kind: str) -> AcmeChallenge | None:
        """Return the challenge of a type, if there is one."""
        return next((one for one in self.challenges if one.kind == kind), None)


@stored("pki.AcmeOrder")
@dataclass
class AcmeOrder:
    """A requested certificate."""

    id: str
    account: str
    identifiers: list[AcmeIdentifier]
    authorizations: list[str]
    expires: float
    status: str = PENDING
    serial: str = ""
    """Of the issued certificate, in hex with hyphens."""
    certificate_end: float = 0
    issuer: str = ""


@stored("pki.AcmeValidation")
@dataclass
class AcmeValidation:
    """A challenge that the client accepted and that is not validated yet."""

    authorization: str
    kind: str
    thumbprint: str
    """Of the account's key when the challenge was accepted."""
    failures: int = 0
    due: float = 0


@stored("pki.AcmeRecords")
@dataclass
class AcmeRecords:
    """What clients of ACME created in a mount, by id."""

    accounts: dict[str, AcmeAccount] = field(default_factory=dict)
    orders: dict[str, AcmeOrder] = field(default_factory=dict)
    authorizations: dict[str, AcmeAuthorization] = field(default_factory=dict)
    validations: dict[str, AcmeValidation] = field(default_factory=dict)
    """By authorization and type of challenge, joined with a hyphen."""
    owners: dict[str, str] = field(default_factory=dict)
    """The account of each issued certificate, by serial number in hex with hyphens."""
    nonces: dict[str, float] = field(default_factory=dict)
    """Unused nonces, each with the time when it ends; the oldest comes first."""

    def add_nonce(self, nonce: str, now: float) -> None:
        """Remember a nonce, which may be used once within 90 seconds, as in the real server."""
        while self.nonces:
            oldest = next(iter(self.nonces))
            if len(self.nonces) < _MOST_NONCES and self.nonces[oldest] >= now:
                break
            del self.nonces[oldest]
        self.nonces[nonce] = now + _NONCE_SECONDS

    def redeem(self, nonce: str, now: float) -> bool:
        """Use up a nonce; returns whether it was known, unused and not too old."""
        return self.nonces.pop(nonce, 0.0) >= now

    def account_by_key(self, thumbprint: str) -> AcmeAccount | None:
        """Return the newest account with a key, of whatever directory."""
        return next((one for one in reversed(self.accounts.values()) if one.thumbprint == thumbprint), None)

    def orders_of(self, account: str) -> list[AcmeOrder]:
        """Return the orders of an account, by id."""
        return sorted((one for one in self.orders.values() if one.account == account), key=lambda one: one.id)
