"""``resign-crls`` and ``sign-revocation-list``: revocation lists that are signed on request and not stored."""

from __future__ import annotations

from mockkms.crypto.encoding import b64, pem
from mockkms.crypto.x509 import build, keys, read
from mockkms.crypto.x509.build import Extension, Listed
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.duration import parse_seconds
from mockkms.vault.secrets.pki.issuers import references, signer
from mockkms.vault.secrets.pki.model import PKI, engine
from mockkms.vault.secrets.pki.revocation import crl_entries
from mockkms.vault.secrets.pki.role_fields import ISSUER_REF

_LIST = {
    **ISSUER_REF,
    "crl_number": Field(Kind.INT, help="Number of the list."),
    "delta_crl_base_number": Field(
        Kind.INT, default=-1, help="Number of the complete list that a delta refers to; -1 for a complete list."
    ),
    "next_update": Field(Kind.STRING, default="72h", help="Lifetime of the list."),
    "format": Field(Kind.STRING, default="pem", help="pem, or der in base64."),
}
resign = engine.path(
    "issuer/{issuer_ref}/resign-crls",
    fields={**_LIST, "crls": Field(Kind.STRING_SLICE, help="Lists in PEM that this issuer's key has signed.")},
    help="Combine several lists into one.",
)
sign_list = engine.path(
    "issuer/{issuer_ref}/sign-revocation-list",
    fields={
        **_LIST,
        "revoked_certs": Field(Kind.SLICE, help="Objects with serial_number, revocation_time and extensions."),
        "extensions": Field(Kind.SLICE, help="Objects with id, critical and value in base64."),
    },
    help="Sign a list with the given entries.",
    go_errors=True,
)


@resign.on(Operation.UPDATE)
def resign_lists(state: PKI, call: Call, *, crls: list[str]) -> Response:
    """Sign a new list with the entries of several lists. Raises ErrorResponse and BackendError."""
    der_form = _is_der(call)
    lifetime, reference = _checked(call)
    given = [_given(at, text) for at, text in enumerate(crls)]
    ready = _signer(state, reference)
    for at, listed in enumerate(given):
        if not keys.verifies(ready.certificate.public, listed.der):
            raise ErrorResponse(f"CRL index: {at} was not signed by requested issuer")
    warnings: list[str] = []
    entries = _united(given, warnings)
    return Response(data={"crl": _build(call, ready, entries, lifetime, [], der_form=der_form)}, warnings=warnings)


@sign_list.on(Operation.UPDATE)
def sign_revocation_list(state: PKI, call: Call, *, revoked_certs: list[object]) -> Reply:
    """Sign a list with the entries of the request. Raises ErrorResponse and BackendError."""
    lifetime, reference = _checked(call)
    der_form = _is_der(call)
    with refusing():
        entries = crl_entries.entries(revoked_certs)
        extensions = crl_entries.extensions(call["extensions"])
    ready = _signer(state, reference)
    return {"crl": _build(call, ready, entries, lifetime, extensions, der_form=der_form)}


def _is_der(call: Call) -> bool:
    form: str = call["format"]
    if form.lower() not in ("pem", "der"):
        raise ErrorResponse(f"unknown format value of {form}")
    return form.lower() == "der"


def _checked(call: Call) -> tuple[float, str]:
    """Return the lifetime in seconds and the reference of the issuer. Raises ErrorResponse."""
    with refusing("invalid value for next_update: "):
        lifetime = parse_seconds(call["next_update"])
    if lifetime <= 0:
        raise ErrorResponse("next_update parameter must be greater than 0")
    if call["crl_number"] < 0:
        raise ErrorResponse("crl_number parameter must be 0 or greater")
    if call["delta_crl_base_number"] < -1:
        raise ErrorResponse("delta_crl_base_number parameter must be -1 or greater")
    return lifetime, references.reference(call)


def _given(at: int, text: str) -> read.RevocationList:
    block = pem.decode(text)
    if block is None or block.rest:
        raise ErrorResponse(f"failed decoding crl {at}: invalid crl; should be one PEM block only")
    with refusing(f"failed decoding crl {at}: "):
        return read.parse_list(block.der)


def _signer(state: PKI, reference: str) -> signer.Signer:
    """Return the signer of an issuer that can sign lists. Raises ErrorResponse."""
    with refusing("failed to resolve issuer issuer_ref: ", of=BackendError):
        issuer = references.issuer(state, reference)
    with refusing(of=BackendError):
        return signer.load(state, issuer, "crl-signing")


def _united(given: list[read.RevocationList], warnings: list[str]) -> list[Listed]:
    """Return every serial number once, with its oldest revocation; differences are added to ``warnings``."""
    found: dict[int, float] = {}
    for listed in given:
        for serial, moment in listed.entries:
            known = found.setdefault(serial, moment)
            if known != moment:
                text = read.serial_text(serial)
                warnings.append(
                    f"Duplicate serial {text} with different revocation times detected, using oldest revocation time"
                )
                found[serial] = min(known, moment)
    return [Listed(serial, moment) for serial, moment in sorted(found.items())]


def _build(
    call: Call, ready: signer.Signer, entries: list[Listed], lifetime: float, more: list[Extension], *, der_form: bool
) -> str:
    base, now = call["delta_crl_base_number"], call.now()
    if base > -1:
        more = [*more, build.delta_indicator(base)]
    name = ready.issuer.signature or keys.signature_name(ready.key.private)
    certificate = ready.certificate
    with refusing("error creating new CRL: ", BackendError):
        der = build.revocation_list(
            certificate.subject, certificate.subject_key_id, (one.der() for one in entries), now, now + lifetime,
            call["crl_number"], ready.key.private, name, more,
        )  # fmt: skip
    return b64.encode(der) if der_form else pem.encode("X509 CRL", der)
