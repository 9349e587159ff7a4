"""The client linter: habits of a client that a real server, or its operators, would suffer from.

It reads the journal of a world and what is left in it; it changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from mockkms.faults.addresses import SHORTEST_TOKEN, TOKEN
from mockkms.vault.auth.approle.model import AppRole
from mockkms.vault.kernel.state import VaultState
from mockkms.world.journal.entry import Entry
from mockkms.world.world import World

BACK_OFF = 1.0
"""Seconds (by the world's clock) that must lie between renewals of one token or lease."""
_RENEWALS = re.compile(r"(auth/token/renew(-self|-accessor)?|sys/(leases/)?renew)(/.*)?")
_READS = frozenset(("GET", "LIST", "HEAD", "SCAN"))
_TRY_AGAIN = frozenset((404, 408, 412, 429, 472, 473))
"""Status codes after which another attempt may succeed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the linter found."""

    rule: str
    """``renewal-without-back-off``, ``retried-4xx``, ``retry-after-ignored``, ``expired-token-used``,
    ``token-in-url``, ``token-left``, ``lease-left`` or ``secret-id-left``."""
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}"


def lint(world: World) -> list[Finding]:
    """Return all findings in the order of the requests, then what was left. Tokens are not shown."""
    entries = [entry for entry in world.journal if entry.service == "vault"]
    with world.lock:
        left = [*_left(world)]
        tokens = {entry.token for entry in entries if entry.token}
        dead = {token for token in tokens if not world.upstream and world.core.tokens.lookup(token) is None}
    if world.upstream:
        dead = {entry.token for entry in entries if entry.status == 403 and _ended(entry)}
    found = [*_renewals(entries), *_retried(entries), *_expired(entries, dead), *_in_url(entries, tokens)]
    if not world.clock.frozen:
        found += _hurried(entries)
    return found + left


def _named(entry: Entry) -> str:
    return f"{entry.shown_line} (request {entry.number})"


def _renewals(entries: list[Entry]) -> Iterator[Finding]:
    renewals = [entry for entry in entries if _RENEWALS.fullmatch(entry.path)]
    told: set[tuple[str, str, bytes | int]] = set()
    for before, entry in _neighbours(renewals):
        key = (entry.token, entry.target, entry.body_key)
        if key not in told and 0 <= entry.time - before.time < BACK_OFF:
            told.add(key)
            yield Finding("renewal-without-back-off", f"{_named(entry)} right after {before.number}")


def _neighbours(entries: list[Entry]) -> Iterator[tuple[Entry, Entry]]:
    """Yield each entry with the previous equal request."""
    latest: dict[tuple[str, str, bytes | int, str], Entry] = {}
    for entry in entries:
        key = (entry.method, entry.target, entry.body_key, entry.token)
        if key in latest:
            yield latest[key], entry
        latest[key] = entry


def _retried(entries: list[Entry]) -> Iterator[Finding]:
    for before, entry in _neighbours(entries):
        if not 400 <= before.status < 500 or before.status in _TRY_AGAIN or _TRY_AGAIN & {entry.status}:
            continue
        between = [other for other in entries if before.number < other.number < entry.number]
        if not any(other.method not in _READS and 200 <= other.status < 300 for other in between):
            yield Finding("retried-4xx", f"{_named(entry)} after {before.status} to {before.number}")


def _hurried(entries: list[Entry]) -> Iterator[Finding]:
    for before, entry in _neighbours(entries):
        waited = entry.time - before.time
        if before.retry_after and 0 <= waited < before.retry_after:
            asked = f"{before.number} asked for {before.retry_after:g} s"
            yield Finding("retry-after-ignored", f"{_named(entry)} after {waited:.1f} s; {asked}")


def _expired(entries: list[Entry], dead: set[str]) -> Iterator[Finding]:
    alive: set[str] = set()
    for entry in entries:
        if entry.status == 403 and entry.token in alive and entry.token in dead and not entry.denied:
            yield Finding("expired-token-used", f"{_named(entry)}: the token had ended")
        elif 200 <= entry.status < 300 and (entry.accessor or entry.trace.rule):
            alive.add(entry.token)


def _ended(entry: Entry) -> bool:
    """Return whether a real server's 403 is due to the token itself, not to its policies or a fault."""
    return bool(entry.trace.rule) and not entry.denied and not entry.rules and b"permission denied" in entry.answer


def _in_url(entries: list[Entry], tokens: set[str]) -> Iterator[Finding]:
    long = {token for token in tokens if len(token) >= SHORTEST_TOKEN}
    for entry in entries:
        if TOKEN in entry.shown_target or any(token in entry.target for token in long):
            first = entry.shown_path.partition("/")[0]
            yield Finding("token-in-url", f"{entry.method} {first}/… (request {entry.number})")


def _left(world: World) -> Iterator[Finding]:
    """Yield tokens, leases and secret ids that were created since the baseline and are valid."""
    now, state = world.clock.now(), world.core.state
    old = world.baseline.load()[0] if world.baseline is not None else None
    for token in state.tokens.by_id.values():
        known = old is not None and token.id in old.tokens.by_id
        lease = state.leases.items.get(token.lease_id)
        # What has ended is swept at the next request only, and there may have been none.
        ended = lease is not None and 0 < lease.expires <= now
        if not known and not ended and world.core.tokens.lookup(token.id) is not None:
            yield Finding("token-left", f"made at {token.path}, accessor {token.accessor}, policies {token.policies}")
    for lease in state.leases.items.values():
        known = old is not None and lease.id in old.leases.items
        if not known and lease.auth is None and not 0 < lease.expires <= now:
            yield Finding("lease-left", lease.id)
    given = _secret_ids(old, 0) if old is not None else {}
    for accessor, role in _secret_ids(state, now).items():
        if accessor not in given:
            yield Finding("secret-id-left", f"of {role}, accessor {accessor}")


def _secret_ids(state: VaultState, now: float) -> dict[str, str]:
    """Return the roles of the secret ids that are valid at ``now``, by accessor."""
    found = {}
    for name, mount in state.mounts.entries.items():
        if isinstance(mount.state, AppRole):
            for role in mount.state.roles.values():
                for secret in role.secret_ids.values():
                    if not 0 < secret.expires <= now:
                        found[secret.accessor] = f"{name}role/{role.name}"
    return found
