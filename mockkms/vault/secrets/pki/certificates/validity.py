"""The validity of a certificate, by request, role, mount and issuer. Times are seconds since the epoch."""

from __future__ import annotations

from mockkms.crypto.x509.read import Certificate
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse, refusing
from mockkms.vault.golang import time as go_time
from mockkms.vault.golang.duration import go_duration
from mockkms.vault.golang.time import show
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.role import PkiRole

BACKDATED = 30
"""Default number of seconds by which the start of validity is backdated."""


def not_before(role: PkiRole, call: Call) -> float:
    """Return the requested start of validity, 0 without one. Raises ErrorResponse."""
    wanted = role.not_before
    if not wanted and "not_before" in call:
        bound = role.not_before_bound
        if bound == "forbid":
            raise ErrorResponse(f"not_before_bound is set to {bound}. not_before cannot be provided.")
        if bound == "duration":
            moment, duration = _parsed(call["not_before"]), role.not_before_duration
            if moment < call.now() - duration:
                raise ErrorResponse(
                    f"not_before_bound is set to {bound}. Cannot satisfy request as it would result in notBefore of "
                    f"{show(moment)} that is older than the allowed not_before_duration of {go_duration(duration)}"
                )
            return moment
        if bound == "permit":
            wanted = call["not_before"]
    return _parsed(wanted) if wanted else 0


def _parsed(text: str) -> float:
    with refusing():
        return go_time.parse(text)


def not_after(role: PkiRole, call: Call, signer: Certificate | None, behavior: str, warnings: list[str]) -> float:
    """Return the end of validity; ``warnings`` gets the note about a shortened lifetime. Raises ErrorResponse."""
    ttl = call["ttl"]
    wanted, bound = role.not_after, role.not_after_bound
    latest = 0.0
    if bound not in ("", "permit", "forbid", "ttl-limited"):
        latest = _parsed(bound)
    asked = 0.0
    if not wanted and "not_after" in call:
        if bound == "forbid":
            raise ErrorResponse(f"not_after_bound is set to {bound}. not_after cannot be provided.")
        wanted = call["not_after"]
        asked = _parsed(wanted)
    if ttl > 0 and wanted:
        raise ErrorResponse(
            "Either ttl or not_after should be provided. Both should not be provided in the same request."
        )
    ttl = ttl or role.ttl or call.core.default_ttl(call.mount)
    most = role.max_ttl or call.core.max_ttl(call.mount)
    if ttl > most:
        warnings.append(
            f'TTL "{go_duration(ttl)}" is longer than permitted maxTTL "{go_duration(most)}", so maxTTL is being used'
        )
        ttl = most
    now = call.now()
    if bound == "ttl-limited" and asked > now + ttl:
        raise ErrorResponse(
            f"not_after_bound is set to {bound}. Cannot satisfy request as that would result in notAfter of "
            f"{show(asked)} that is beyond the TTL of {go_duration(ttl)}"
        )
    end = _parsed(wanted) if wanted else now + ttl
    if signer is not None and end > signer.not_after:
        end = _beyond(call, end, signer, behavior)
    if latest and end > latest:
        raise ErrorResponse(
            f"not_after_bound is set to {bound}. Cannot statisfy request as that would result in notAfter of "
            f"{show(end)} that is beyond the maximum timestamp of {show(latest)}"
        )
    return end


def _beyond(call: Call, end: float, signer: Certificate, behavior: str) -> float:
    """Return the end of validity of a certificate that would outlive its issuer. Raises ErrorResponse."""
    if behavior == "permit":
        return end
    if behavior == "truncate":
        if end < call.now() and call.core.product.has(Feature.PKI_ADDITIONS):
            raise ErrorResponse(f"cannot satisfy request, as NotAfter date {go_time.plain(end)} is in the past")
        return signer.not_after
    raise ErrorResponse(
        f"cannot satisfy request, as TTL would result in notAfter of {show(end)} that is beyond the expiration of the "
        f"CA certificate at {show(signer.not_after)}"
    )


def check_order(role: PkiRole, call: Call, signer: Certificate | None, end: float) -> None:
    """Raise ErrorResponse for a certificate that would end before it begins, or begin before its issuer.

    As on the real server, the beginning is the role's setting, not the default that applies without one.
    """
    if not call.core.product.has(Feature.PKI_STRICTER):
        return
    begin = call.now() - role.not_before_duration
    if end < begin:
        raise ErrorResponse("notAfter before notBefore")
    if signer is not None and begin < signer.not_before:
        raise ErrorResponse("notBefore before signer's notBefore")


def start(role: PkiRole, call: Call, moment: float, end: float) -> float:
    """Return the start of validity of a generated certificate. Raises ErrorResponse if it is not before the end."""
    begin = moment or call.now() - (role.not_before_duration or BACKDATED)
    if begin >= end and call.core.product.has(Feature.PKI_ADDITIONS):
        how = "equal to" if begin == end else "later than"
        raise ErrorResponse(
            f"The certificate's Not Before ({show(begin)}) is {how} the certificate's Not After ({show(end)})"
        )
    return begin
