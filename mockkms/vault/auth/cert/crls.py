"""``crls/{name}``: revocation lists for logins."""

from __future__ import annotations

from urllib.parse import quote as escaped
from urllib.parse import urlsplit

from cryptography import x509

from mockkms import outside
from mockkms.vault.auth.cert.model import Cert, engine
from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing

_UNESCAPED = "/:@!$&'()*+,;=?#%~"

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
    """Return the serial numbers of a list. Raises ErrorResponse for an unknown one."""
    serials = _existing(state, name)
    return {"serials": {serial: {} for serial in serials}} if serials else {}


@one.on(Operation.DELETE)
def delete(state: Cert, call: Call, *, name: str) -> None:
    """Delete a list. Raises ErrorResponse for an unknown one."""
    _existing(state, name)
    del state.crls[name.lower()]


def _existing(state: Cert, name: str) -> list[str]:
    name = name.lower()
    if name not in state.crls:
        raise ErrorResponse(f"no such CRL {name}")
    return state.crls[name]


@one.on(Operation.UPDATE)
def write(state: Cert, call: Call, *, name: str, crl: str | None = None, url: str | None = None) -> None:
    """Store a list. URLs are refused: other machines are not contacted. Raises ErrorResponse and BackendError."""
    if crl is not None:
        state.crls[name.lower()] = _serials(crl.encode("utf-8", "surrogateescape"))
    elif url is not None:
        if not url:
            raise ErrorResponse("empty CRL url")
        raise _unfetched(url)
    else:
        raise ErrorResponse("one of 'crl' or 'url' must be provided")


def _unfetched(url: str) -> ErrorResponse | BackendError:
    """Return the error for a list that cannot be fetched: every one, since no other machine is contacted."""
    fault = outside.parse_fault(url)
    if fault:
        return ErrorResponse(f"invalid CRL url: {fault}")
    parts = urlsplit(url)
    shown = f'Get "{escaped(url, safe=_UNESCAPED)}": '
    if parts.scheme not in ("http", "https"):
        return BackendError(f'{shown}unsupported protocol scheme "{parts.scheme}"')
    if not parts.hostname:
        return BackendError(f'Get "{parts.scheme}:": http: no Host in request URL')
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return BackendError(f"{shown}{outside.refusal(parts.hostname, port)}")


def _serials(data: bytes) -> list[str]:
    with refusing(text=f"failed to parse CRL: {_asn1_fault(data)}"):
        if data.startswith(b"-----BEGIN X509 CRL"):
            parsed = x509.load_pem_x509_crl(data)
        else:
            parsed = x509.load_der_x509_crl(data)
    return [str(entry.serial_number) for entry in parsed]


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
