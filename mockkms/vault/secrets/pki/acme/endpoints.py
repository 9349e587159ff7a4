"""``acme/``: the protocol's endpoints, which answer as those of a mount where ACME is not enabled.

They answer without a token. The server lists their patterns as unauthenticated, with any text where an endpoint has an
id: a path with another text is not found, also without a token.
"""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Emulation, Endpoint, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, Response, unsupported_path
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.model import PKI, engine

BASES = ("acme", "roles/{role}/acme", "issuer/{issuer_ref}/acme", "issuer/{issuer_ref}/roles/{role}/acme")
"""The paths of ACME: for the mount, a role, an issuer, or both."""
UUID = "re([0-9A-Za-z]{8}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{12})"
SEGMENT = "re([^/]+)"
_ANSWERS = {
    name: Field(Kind.STRING, help="Part of the signed request.") for name in ("protected", "payload", "signature")
}
_READS, _WRITES = (Operation.READ, Operation.HEADER), (Operation.UPDATE,)
_PATHS = {
    "directory": _READS[:1],
    "new-nonce": _READS,
    "new-account": _WRITES,
    f"account/{{kid:{UUID}}}": _WRITES,
    "new-order": _WRITES,
    "orders": _WRITES,
    f"order/{{order_id:{UUID}}}": _WRITES,
    f"order/{{order_id:{UUID}}}/finalize": _WRITES,
    f"order/{{order_id:{UUID}}}/cert": _WRITES,
    f"authorization/{{auth_id:{SEGMENT}}}": _WRITES,
    f"challenge/{{auth_id:{SEGMENT}}}/{{challenge_type:{SEGMENT}}}": _WRITES,
    "revoke-cert": _WRITES,
}
_NOWHERE = ("key-change", f"account/{{other:{SEGMENT}}}", f"order/{{other:{SEGMENT}}}[/{{what:re(finalize|cert)}}]")
_ALL = [operation for operation in Operation if operation is not Operation.HELP]


def disabled(_state: PKI, _call: Call) -> Response:
    """Return the response of a mount without ACME."""
    return Response(raw=b"", status=404)


def nowhere(_state: PKI, _call: Call) -> None:
    """Raise BackendError for an unsupported path, without a token."""
    raise unsupported_path()


def _declare(base: str) -> None:
    for path, operations in _PATHS.items():
        fields = _ANSWERS if operations is _WRITES else {}
        endpoint = engine.path(f"{base}/{path}", fields, login=True, help="ACME.", emulation=Emulation.NONE)
        endpoint.on(*operations)(disabled)
    for path in _NOWHERE:
        engine.path(f"{base}/{path}", login=True, help="An unsupported path.").on(*_ALL)(nowhere)


for _base in BASES:
    _declare(_base)


def _enterprise(template: str) -> Endpoint:
    endpoint = engine.path(
        template,
        login=True,
        needs=Feature.UNIFIED_CRL,
        help="For the enterprise edition only.",
        emulation=Emulation.REFUSED,
    )
    endpoint.on(*_ALL)(nowhere)
    return endpoint


unified_crl = _enterprise("unified-crl{form:re((/pem|/delta|/delta/pem)?)}")
unified_issuer_crl = _enterprise(
    f"issuer/{{ref:{SEGMENT}}}/unified-crl{{form:re((/pem|/der|/delta|/delta/pem|/delta/der)?)}}"
)
unified_ocsp = _enterprise("unified-ocsp[/{req:all}]")
