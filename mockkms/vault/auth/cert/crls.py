"""``crls/{name}``: revocation lists for logins."""

from __future__ import annotations

from contextlib import suppress

from cryptography import x509

from mockkms import outside
from mockkms.error_context import error_context
from mockkms.go_urls import parse_fault
from mockkms.vault.auth.cert.model import Cert, CrlPoint, engine
from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, VaultError, refusing
from mockkms.vault.golang import time
from mockkms.vault.products.features import Feature

_NEVER = "0001-01-01T00:00:00Z"

one = engine.path(
    "crls/{name}",
    fields={
        "name": Field(Kind.STRING, help="Name of the list, in any case."),
        "crl": Field(Kind.STRING, help="The list, PEM or DER."),
        "url": Field(Kind.STRING, help="Address of the list."),
    },
    help="A revocation list.",
    go_errors=True,
)
listing = engine.path("crls[/]", fields=PAGE, help="The names of all revocation lists.")


@listing.on(Operation.LIST)
def list_crls(state: Cert, call: Call, *, after: str, limit: int) -> Reply:
    """Return the names of all revocation lists."""
    names = page(sorted(state.crls), after, limit)
    return {"keys": names} if names else {}


@one.on(Operation.READ)
def read(state: Cert, call: Call, *, name: str) -> Reply:
    """Return the serial numbers of a list, and where it was fetched. Raises ErrorResponse for an unknown one."""
    refresh(state, call.now())
    serials, point = _existing(state, name), state.points.get(name.lower())
    whole = call.core.product.has(Feature.CERT_LISTS_WHOLE)
    shown: dict[str, object] = {"cdp": None} if whole else {}
    if serials or whole:
        shown["serials"] = {serial: {} for serial in serials}
    if point is not None:
        until = time.show(point.valid_until) if point.valid_until else _NEVER
        shown["cdp"] = {"url": point.url, "valid_until": until}
    return shown


@one.on(Operation.DELETE)
def delete(state: Cert, call: Call, *, name: str) -> None:
    """Delete a list. Raises ErrorResponse for an unknown one."""
    _existing(state, name)
    del state.crls[name.lower()]
    state.points.pop(name.lower(), None)


def _existing(state: Cert, name: str) -> list[str]:
    name = name.lower()
    if name not in state.crls:
        raise ErrorResponse(f"no such CRL {name}")
    return state.crls[name]


@one.on(Operation.UPDATE)
def write(state: Cert, call: Call, *, name: str, crl: str | None = None, url: str | None = None) -> None:
    """Store a list, from this machine if it has a URL. Raises ErrorResponse and BackendError."""
    name = name.lower()
    if crl is not None:
        with refusing("failed to parse CRL: "):
            state.crls[name], _ = _read(crl.encode("utf-8", "surrogateescape"))
        state.points.pop(name, None)
    elif url is not None:
        if not url:
            raise ErrorResponse("empty CRL url")
        _fetch(state, name, url)
    else:
        raise ErrorResponse("one of 'crl' or 'url' must be provided")


def refresh(state: Cert, now: float) -> None:
    """Fetch the lists that are outdated, as the real server does every minute. What cannot be fetched stays."""
    for name, point in list(state.points.items()):
        if point.valid_until < now:
            with suppress(VaultError):
                _fetch(state, name, point.url)


def _fetch(state: Cert, name: str, url: str) -> None:
    if not outside.is_here(url):
        raise _unfetched(url)
    try:
        status, content = outside.get(url, {})
    except OSError as error:
        raise BackendError(outside.no_answer("GET", url, error)) from None
    if status != 200:
        raise BackendError(f"unexpected response code {status} fetching CRL from {url}")
    with refusing(error=BackendError):
        serials, until = _read(content)
    state.crls[name], state.points[name] = serials, CrlPoint(url, until)


def _unfetched(url: str) -> ErrorResponse | BackendError:
    """Return the error for a list that cannot be fetched, since no other machine is contacted."""
    fault = parse_fault(url)
    if fault:
        return ErrorResponse(f"invalid CRL url: {fault}")
    return BackendError(outside.no_answer("GET", url, ConnectionRefusedError()))


def _read(data: bytes) -> tuple[list[str], float]:
    """Return the serial numbers of a list, and when the next one is due (0: unknown). Raises ValueError."""
    with error_context(text=_asn1_fault(data)):
        if data.startswith(b"-----BEGIN X509 CRL"):
            parsed = x509.load_pem_x509_crl(data)
        else:
            parsed = x509.load_der_x509_crl(data)
    until = parsed.next_update_utc
    return [str(entry.serial_number) for entry in parsed], until.timestamp() if until is not None else 0


def _asn1_fault(data: bytes) -> str:
    """Return the text of Go's ASN.1 parser for data other than a CertificateList."""
    if not data:
        return "asn1: syntax error: sequence truncated"
    if len(data) < 2 or data[1] >= 0x80:
        return "asn1: syntax error: truncated tag or length"
    kind, tag, compound = data[0] >> 6, data[0] & 0x1F, str(bool(data[0] & 0x20)).lower()
    if (kind, tag, compound) == (0, 16, "true"):
        return "asn1: syntax error: data truncated"
    return (
        f"asn1: structure error: tags don't match (16 vs {{class:{kind} tag:{tag} length:{data[1]} "
        f"isCompound:{compound}}}) {{optional:false explicit:false application:false private:false "
        "defaultValue:<nil> tag:<nil> stringType:0 timeType:0 set:false omitEmpty:false} CertificateList @2"
    )
