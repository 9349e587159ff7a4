"""Building revocation lists: one list for all issuers with the same key and subject."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from itertools import starmap

from mockkms.crypto.x509 import build, keys, read
from mockkms.crypto.x509.build import Listed
from mockkms.error_context import error_context
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, refusing
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.secrets.pki.issuers import references, signer
from mockkms.vault.secrets.pki.model import PKI, IssuerCrls, PkiIssuer, Revocation, hyphens

Entries = list[tuple[str, float]]
"""Serial numbers as they are stored, and when each was revoked."""


def rebuild(state: PKI, call: Call, *, force: bool) -> list[str]:
    """Build every list, with ``force`` even if revocation lists are disabled (they are then empty).

    Returns warnings. Raises BackendError with the server's text.
    """
    if state.crl.disable and not force:
        return []
    with refusing("error building CRLs: error building CRLs: ", BackendError):
        warnings = _build(state, call, delta=False)
        state.pending = {}
        _build(state, call, delta=True)
    return [f"warning from local CRL rebuild: {text}" for text in warnings]


def rebuild_delta(state: PKI, call: Call, *, force: bool) -> None:
    """Build the delta lists: only after new revocations, or with ``force`` always. Raises BackendError."""
    state.delta_checked = call.now()
    if state.crl.disable or (not force and state.last_revoked == state.delta_built):
        return
    with refusing("error building CRLs: error building CRLs: ", BackendError):
        _build(state, call, delta=True)


def numbered(warnings: list[str]) -> list[str]:
    """Return the warnings of a rebuild as responses number them."""
    return [f"Warning {at} during CRL rebuild: {text}" for at, text in enumerate(warnings, 1)]


def rebuild_or_fail(state: PKI, call: Call, *, force: bool) -> list[str]:
    """Build every list for an endpoint and return numbered warnings. Raises BackendError with the endpoint's prefix."""
    with refusing("error encountered during CRL building: ", BackendError, of=BackendError):
        return numbered(rebuild(state, call, force=force))


def catch_up(state: PKI, call: Call) -> None:
    """Build the lists that are about to expire and the delta lists that are due, as the real server does every minute.

    It logs a failure, and leaves the lists unchanged.
    """
    config, now = state.crl, call.now()
    if not config.auto_rebuild or config.disable:
        return
    grace = parse_seconds(config.auto_rebuild_grace_period)
    with suppress(BackendError):
        if any(now > entry.expires - grace for entry in state.lists.values()):
            rebuild(state, call, force=True)
        if config.enable_delta and now >= state.delta_checked + parse_seconds(config.delta_rebuild_interval):
            rebuild_delta(state, call, force=False)


def issuer_of(state: PKI, certificate: read.Certificate, *, keyed: bool = False) -> str:
    """Return the id of the issuer (``keyed``: one with a key) that signed a certificate, or an empty string."""
    for issuer_id in sorted(state.issuers):
        issuer = state.issuers[issuer_id]
        candidate = read.load(issuer.certificate)
        fits = (issuer.key_id or not keyed) and candidate.subject == certificate.issuer
        if fits and certificate.signed_by(candidate):
            return issuer_id
    return ""


def _groups(state: PKI) -> list[list[PkiIssuer]]:
    """Return the issuers with keys, grouped by key and subject."""
    groups: dict[tuple[str, bytes], list[PkiIssuer]] = {}
    for issuer_id in sorted(state.issuers):
        issuer = state.issuers[issuer_id]
        if issuer.key_id:
            subject = read.load(issuer.certificate).subject
            groups.setdefault((issuer.key_id, subject), []).append(issuer)
    return list(groups.values())


def _build(state: PKI, call: Call, *, delta: bool) -> list[str]:
    revoked = {} if state.crl.disable else _revoked(state, delta=delta)
    warnings = []
    for group in _groups(state):
        able = [issuer for issuer in group if "crl-signing" in issuer.usage]
        if not able:
            if not delta:
                warnings.append(
                    "Issuer equivalency set with associated keys lacked an issuer with CRL Signing KeyUsage; refusing "
                    f"to rebuild CRL for this group of issuers: {','.join(issuer.id for issuer in group)}"
                )
            continue
        entries: Entries = []
        for issuer in able:
            if issuer.id == state.default_issuer:
                entries += revoked.get("", [])
            entries += revoked.get(issuer.id, [])
        chosen = next((issuer for issuer in able if issuer.id == state.default_issuer), able[0])
        _write(state, call, chosen, _list_of(state, call, group), entries, delta=delta)
    _forget(state)
    if delta:
        state.delta_checked, state.delta_built = call.now(), state.last_revoked
    return warnings


def _list_of(state: PKI, call: Call, group: list[PkiIssuer]) -> IssuerCrls:
    known = [state.list_of[issuer.id] for issuer in group if issuer.id in state.list_of]
    list_id = known[0] if known else call.core.entropy.uuid()
    for issuer in group:
        state.list_of[issuer.id] = list_id
    return state.lists.setdefault(list_id, IssuerCrls())


def _forget(state: PKI) -> None:
    """Delete the lists of deleted issuers."""
    state.list_of = {known_id: listed for known_id, listed in state.list_of.items() if known_id in state.issuers}
    used = set(state.list_of.values())
    state.lists = {known_id: entry for known_id, entry in state.lists.items() if known_id in used}


def _revoked(state: PKI, *, delta: bool) -> dict[str, Entries]:
    """Return revoked certificates by issuer id; those of unknown issuers under the empty id."""
    own = {issuer.certificate for issuer in state.issuers.values() if issuer.key_id}
    found: dict[str, Entries] = {}
    for serial in sorted(state.pending.keys() & state.revoked.keys() if delta else state.revoked):
        item = state.revoked[serial]
        if item.certificate not in own:
            found.setdefault(_assigned(state, item), []).append((serial, item.at))
    if not delta:
        _add_issuers(state, found)
    return found


@lru_cache(maxsize=32768)
def _entry(serial: str, at: float) -> bytes:
    """Return an entry in DER. Each build of a list has all of them."""
    return Listed(int(serial.replace("-", ""), 16), at).der()


def _assigned(state: PKI, item: Revocation) -> str:
    """Return the id of the issuer whose list has a certificate; empty if no issuer with a key signed it."""
    if item.issuer in state.issuers and state.issuers[item.issuer].key_id:
        return item.issuer
    found = issuer_of(state, read.load(item.certificate), keyed=True)
    item.issuer = found or item.issuer
    return found


def _add_issuers(state: PKI, found: dict[str, Entries]) -> None:
    """Add revoked issuers to the lists of the other issuers that signed them."""
    for issuer in state.issuers.values():
        if not issuer.revoked or not issuer.key_id:
            continue
        certificate = read.load(issuer.certificate)
        for other in state.issuers.values():
            if other is not issuer and certificate.signed_by(read.load(other.certificate)):
                found.setdefault(other.id, []).append((hyphens(certificate.serial_text), issuer.revoked_at))


def _write(state: PKI, call: Call, issuer: PkiIssuer, target: IssuerCrls, entries: Entries, *, delta: bool) -> None:
    """Build one list and store it in ``target``. Raises ValueError with the server's text."""
    now, number = call.now(), target.next_number
    ends = now + parse_seconds(state.crl.expiry)
    failed = f"unable to build CRL for issuer ({issuer.id}): "
    with error_context(f"{failed}error fetching CA certificate: ", of=BackendError):
        ready = signer.load(state, issuer, "crl-signing")
    if delta:
        extra = [build.delta_indicator(target.complete_number)]
    else:
        points = ready.urls.delta_crl_distribution_points
        extra = [build.freshest(points)] if points else []
    name = issuer.signature or keys.signature_name(ready.key.private)
    with error_context(f"{failed}error creating new CRL: "):
        der = build.revocation_list(
            ready.certificate.subject, ready.certificate.subject_key_id, starmap(_entry, entries), now, ends, number,
            ready.key.private, name, extra,
        )  # fmt: skip
    target.next_number, target.expires = number + 1, ends
    if delta:
        target.delta, state.deltas_modified = der, now
    else:
        target.complete, target.complete_number, state.lists_modified = der, number, now


def find(state: PKI, reference: str) -> IssuerCrls:
    """Return the lists of an issuer. Raises BackendError if it has none."""
    issuer = references.issuer(state, reference)
    listed = state.lists.get(state.list_of.get(issuer.id, ""))
    if listed is None:
        raise BackendError(f"unable to find CRL for issuer: id:{issuer.id}/ref:{reference}")
    return listed
