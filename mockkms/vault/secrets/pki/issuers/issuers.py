"""``issuers`` and ``issuer/``: the CA certificates of the mount."""

from __future__ import annotations

from mockkms.crypto.encoding import pem
from mockkms.crypto.x509 import read as x509_read
from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, Operation, Response
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.certificates import fetching, modified, urls
from mockkms.vault.secrets.pki.issuers import chains, references, store
from mockkms.vault.secrets.pki.model import PKI, PkiIssuer, Revocation, engine, hyphens
from mockkms.vault.secrets.pki.revocation import crls
from mockkms.vault.secrets.pki.role_fields import ISSUER_REF
from mockkms.vault.secrets.pki.settings import PkiUrls
from mockkms.world.clock import rfc3339

_LIST = Kind.COMMA_STRINGS
FIELDS = {
    **ISSUER_REF,
    "issuer_name": Field(Kind.STRING, help="Name of the issuer."),
    "manual_chain": Field(_LIST, help="Issuers from this one (self) up to its root."),
    "leaf_not_after_behavior": Field(
        Kind.STRING, default="err", help="err, always_enforce_err (Vault), truncate or permit."
    ),
    "usage": Field(
        _LIST, default=["read-only", "issuing-certificates", "crl-signing", "ocsp-signing"], help="Allowed usages."
    ),
    "revocation_signature_algorithm": Field(Kind.STRING, help="Algorithm that signs CRLs, by Go's name."),
    "issuing_certificates": Field(_LIST, help="Addresses of the issuer's certificate."),
    "crl_distribution_points": Field(_LIST, help="Addresses of CRLs."),
    "delta_crl_distribution_points": Field(_LIST, help="Addresses of delta CRLs."),
    "ocsp_servers": Field(_LIST, help="Addresses of OCSP servers."),
    "enable_aia_url_templating": Field(Kind.BOOL, help="The addresses contain templates."),
}
listing = engine.path("issuers/", fields=PAGE, login=True, help="The issuers.")
unlisted = engine.path("issuers", fields=PAGE, help="The issuers.")
one = engine.path("issuer/{issuer_ref}", fields=FIELDS, help="An issuer.", go_errors=True)
plain = engine.path(
    "issuer/{issuer_ref}/{form:one(der|pem)}", fields=ISSUER_REF, login=True, help="Its certificate.", go_errors=True
)
as_json = engine.path(
    "issuer/{issuer_ref}/json", fields=ISSUER_REF, login=True, help="Its certificate and chain.", go_errors=True
)
crl = engine.path(
    "issuer/{issuer_ref}/crl{form:one(|/pem|/der|/delta|/delta/pem|/delta/der)}",
    fields=ISSUER_REF, login=True, help="Its CRL.", go_errors=True,
)  # fmt: skip
revoking = engine.path("issuer/{issuer_ref}/revoke", fields=ISSUER_REF, help="Revoke the issuer.", go_errors=True)


@listing.on(Operation.LIST)
@unlisted.on(Operation.LIST)
def list_issuers(state: PKI, call: Call) -> Reply:
    """Return the ids, with name, key, serial number and whether it is the default of each issuer."""
    ids, info = page(sorted(state.issuers), call["after"], call["limit"]), {}
    for issuer_id in ids:
        issuer = state.issuers[issuer_id]
        info[issuer_id] = {
            "issuer_name": issuer.name,
            "is_default": issuer_id == state.default_issuer,
            "serial_number": x509_read.load(issuer.certificate).serial_text,
            "key_id": issuer.key_id,
        }
    return {"keys": ids, "key_info": info}


def _text(issuer: PkiIssuer) -> str:
    return pem.encode("CERTIFICATE", issuer.certificate)


def _chain(state: PKI, issuer: PkiIssuer) -> list[str]:
    return [_text(state.issuers[issuer_id]) for issuer_id in issuer.chain if issuer_id in state.issuers]


def shown(state: PKI, call: Call, issuer: PkiIssuer) -> Response:
    """Return the response of reads, writes and patches of an issuer."""
    found = issuer.urls or PkiUrls()
    data: dict[str, object] = {
        "issuer_id": issuer.id,
        "issuer_name": issuer.name,
        "key_id": issuer.key_id,
        "certificate": _text(issuer),
        "manual_chain": list(issuer.manual_chain) or None,
        "ca_chain": _chain(state, issuer),
        "leaf_not_after_behavior": issuer.leaf_not_after,
        "usage": ",".join(issuer.shown_usage),
        "revocation_signature_algorithm": issuer.signature,
        "revoked": issuer.revoked,
        **{name: None if name in found.unwritten else list(getattr(found, name)) for name in urls.FIELDS},
    }
    if issuer.urls is not None or call.core.product.has(Feature.PKI_LATER):
        data["enable_aia_url_templating"] = found.enable_templating
    if issuer.revoked:
        data |= {"revocation_time": int(issuer.revoked_at), "revocation_time_rfc3339": rfc3339(issuer.revoked_at)}
    warnings = []
    if issuer.signature.endswith("PSS"):
        warnings.append(
            "Issuer uses a PSS Revocation Signature Algorithm. This algorithm will be downgraded to PKCS#1v1.5 "
            "signature scheme on OCSP responses, due to limitations in the OCSP library."
        )
    return Response(data=data, warnings=warnings)


@one.on(Operation.READ)
def read(state: PKI, call: Call) -> Response:
    """Return the settings of an issuer. Raises BackendError."""
    return shown(state, call, references.issuer(state, references.reference(call)))


@one.on(Operation.DELETE)
def delete(state: PKI, call: Call) -> Response:
    """Delete an issuer, not its key. Raises BackendError if the revocation lists cannot be built."""
    reference = references.reference(call)
    try:
        issuer = references.issuer(state, reference)
    except BackendError:
        return Response()
    warnings = store.dereferenced(state, issuer.name) if issuer.name else []
    warnings += store.dereferenced(state, issuer.id)
    if store.delete_issuer(state, issuer.id):
        warnings.append(
            f"Deleted issuer {issuer.id} (via issuer_ref {reference}); this was configured as the default issuer. "
            "Operations without an explicit issuer will not work until a new default is configured."
        )
        warnings += store.dereferenced(state, references.DEFAULT)
    chains.rebuild(state)
    return Response(warnings=warnings + crls.numbered(crls.rebuild(state, call, force=True)))


@plain.on(Operation.READ)
def read_plain(state: PKI, call: Call, *, form: str) -> Response:
    """Return the certificate in DER or PEM. Raises BackendError."""
    issuer = references.issuer(state, references.reference(call))
    kept = modified.unchanged(call, issuer.modified)
    if kept is not None:
        return kept
    if form == "der":
        return fetching.raw_body(issuer.certificate, fetching.DER)
    return fetching.raw_body(_text(issuer).encode(), fetching.PEM_CHAIN)


@as_json.on(Operation.READ)
def read_json(state: PKI, call: Call) -> Reply:
    """Return certificate and chain. Raises BackendError."""
    issuer = references.issuer(state, references.reference(call))
    kept = modified.unchanged(call, issuer.modified)
    if kept is not None:
        return kept
    found = {"certificate": _text(issuer), "issuer_id": issuer.id, "issuer_name": issuer.name}
    return {**found, "ca_chain": _chain(state, issuer)}


@crl.on(Operation.READ)
def read_crl(state: PKI, call: Call, *, form: str) -> Response:
    """Return the list in JSON, PEM or DER. Raises BackendError."""
    kept = modified.unchanged(call, state.deltas_modified if "delta" in form else state.lists_modified)
    if kept is not None:
        return kept
    listed = crls.find(state, references.reference(call))
    der = listed.delta if "delta" in form else listed.complete
    if form.endswith("/der"):
        return fetching.raw_body(der, fetching.CRL_DER)
    text = pem.encode("X509 CRL", der) if der else ""
    if form.endswith("/pem"):
        return fetching.raw_body(text.encode(), fetching.PEM_FILE)
    return Response(data={"crl": text})


@revoking.on(Operation.UPDATE)
def revoke_issuer(state: PKI, call: Call) -> Response:
    """Revoke an issuer: it stops issuing, and is added to the lists of its own issuers. Raises BackendError."""
    issuer = references.issuer(state, references.reference(call))
    if issuer.revoked:
        return shown(state, call, issuer)
    issuer.revoked, issuer.revoked_at = True, call.now()
    issuer.usage = [name for name in issuer.usage if name != "issuing-certificates"]
    certificate = x509_read.load(issuer.certificate)
    serial = hyphens(certificate.serial_text)
    if state.certificates.get(serial) == issuer.certificate:
        state.revoked[serial] = Revocation(issuer.certificate, issuer.revoked_at)
    warnings = crls.rebuild_or_fail(state, call, force=False)
    response = shown(state, call, issuer)
    response.warnings += warnings
    above = [other.id for other in state.issuers.values() if certificate.signed_by(x509_read.load(other.certificate))]
    if issuer.id in above:
        response.warnings.append(
            "This issuer is a self-signed (potentially root) certificate. This means it may not be considered revoked "
            "if there is not an external, cross-signed variant of this certificate. This issuer's serial number will "
            "not appear on its own CRL."
        )
    if not set(above) - {issuer.id}:
        response.warnings.append(
            "This issuer lacks another parent issuer within the mount. This means it will not appear on any other CRLs "
            "and may not be considered revoked by clients. Consider adding this issuer to its issuer's CRL as well if "
            "it is not self-signed."
        )
    if state.default_issuer == issuer.id:
        response.warnings.append(
            "This issuer is currently configured as the default issuer for this mount; operations such as certificate "
            "issuance may not work until a new default issuer is selected."
        )
    return response
