"""``issuers`` and ``issuer/``: the CA certificates of the mount."""

from __future__ import annotations

from typing import Any

from mockkms.clock import rfc3339
from mockkms.crypto import pem, x509_keys, x509_read
from mockkms.vault.endpoint import Call, Field
from mockkms.vault.engines.pki import crls, fetching, refs, store, urls
from mockkms.vault.engines.pki.engine import engine
from mockkms.vault.engines.pki.model import PKI, USAGES, Issuer, Revocation, Urls, hyphens
from mockkms.vault.engines.pki.rolefields import ISSUER_REF, PAGE, page
from mockkms.vault.fields import Kind
from mockkms.vault.message import BackendError, ErrorResponse, Operation, Response

_LIST = Kind.COMMA_STRINGS
_FIELDS = {
    **ISSUER_REF,
    "issuer_name": Field(Kind.STRING, help="Name of the issuer."),
    "manual_chain": Field(_LIST, help="Issuers from this one (self) up to its root."),
    "leaf_not_after_behavior": Field(Kind.STRING, default="err", help="err, truncate or permit."),
    "usage": Field(
        _LIST, default=["read-only", "issuing-certificates", "crl-signing", "ocsp-signing"], help="What it is used for."
    ),
    "revocation_signature_algorithm": Field(Kind.STRING, help="Algorithm that signs CRLs, by Go's name."),
    "issuing_certificates": Field(_LIST, help="Addresses of the issuer's certificate."),
    "crl_distribution_points": Field(_LIST, help="Addresses of CRLs."),
    "delta_crl_distribution_points": Field(_LIST, help="Addresses of delta CRLs."),
    "ocsp_servers": Field(_LIST, help="Addresses of OCSP servers."),
    "enable_aia_url_templating": Field(Kind.BOOL, help="The addresses hold templates."),
}
_RSA = ("SHA256WithRSA", "SHA384WithRSA", "SHA512WithRSA", "SHA256WithRSAPSS", "SHA384WithRSAPSS", "SHA512WithRSAPSS")
_ALGORITHMS = {
    "rsa": ("RSA", _RSA),
    "ec": ("ECDSA", ("ECDSAWithSHA256", "ECDSAWithSHA384", "ECDSAWithSHA512")),
    "ed25519": ("Ed25519", ("Ed25519",)),
}
_GO_NAMES = {
    f"{digest}With{kind}": f"{digest}-{kind}" for digest in ("SHA256", "SHA384", "SHA512") for kind in ("RSA", "RSAPSS")
} | {f"ECDSAWith{digest}": f"ECDSA-{digest}" for digest in ("SHA256", "SHA384", "SHA512")}
_CRL_SIGN = 1 << 6

listing = engine.path("issuers/", fields=PAGE, login=True, help="The issuers.")
unlisted = engine.path("issuers", fields=PAGE, help="The issuers.")
one = engine.path("issuer/{issuer_ref}", fields=_FIELDS, help="An issuer.")
plain = engine.path("issuer/{issuer_ref}/{form:re(der|pem)}", fields=ISSUER_REF, login=True, help="Its certificate.")
as_json = engine.path("issuer/{issuer_ref}/json", fields=ISSUER_REF, login=True, help="Its certificate and chain.")
crl = engine.path(
    "issuer/{issuer_ref}/crl{form:re((/pem|/der|/delta|/delta/pem|/delta/der)?)}",
    fields=ISSUER_REF, login=True, help="Its CRL.",
)  # fmt: skip
revoking = engine.path("issuer/{issuer_ref}/revoke", fields=ISSUER_REF, help="Revokes the issuer itself.")


@listing.on(Operation.LIST)
@unlisted.on(Operation.LIST)
def list_issuers(state: PKI, call: Call) -> dict[str, Any]:
    """Ids, with names, keys, serial numbers and which is the default."""
    ids, info = page(call, list(state.issuers)), {}
    for id in ids:
        issuer = state.issuers[id]
        info[id] = {
            "issuer_name": issuer.name,
            "is_default": id == state.default_issuer,
            "serial_number": x509_read.load(issuer.certificate).serial_text,
            "key_id": issuer.key_id,
        }
    return {"keys": ids, "key_info": info}


def _text(issuer: Issuer) -> str:
    return pem.encode("CERTIFICATE", issuer.certificate)


def _chain(state: PKI, issuer: Issuer) -> list[str]:
    return [_text(state.issuers[id]) for id in issuer.chain if id in state.issuers]


def _shown(state: PKI, issuer: Issuer) -> Response:
    found = issuer.urls or Urls()
    data: dict[str, Any] = {
        "issuer_id": issuer.id,
        "issuer_name": issuer.name,
        "key_id": issuer.key_id,
        "certificate": _text(issuer),
        "manual_chain": list(issuer.manual_chain) or None,
        "ca_chain": _chain(state, issuer),
        "leaf_not_after_behavior": issuer.leaf_not_after,
        "usage": ",".join(issuer.usage),
        "revocation_signature_algorithm": issuer.signature,
        "revoked": issuer.revoked,
        **{name: list(getattr(found, name)) for name in urls.FIELDS},
    }
    if issuer.urls is not None:
        data["enable_aia_url_templating"] = issuer.urls.templating
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
    """Everything about an issuer. Raises BackendError."""
    return _shown(state, refs.issuer(state, refs.reference(call)))


@one.on(Operation.UPDATE)
def update(state: PKI, call: Call) -> Response:
    """Write all settings: what is not sent gets its default. Raises ErrorResponse and BackendError."""
    return _change(state, call, set(_FIELDS))


@one.on(Operation.PATCH)
def patch(state: PKI, call: Call) -> Response:
    """Write the settings that are sent. Raises ErrorResponse and BackendError."""
    return _change(state, call, {name for name in _FIELDS if name in call})


def _change(state: PKI, call: Call, touched: set[str]) -> Response:
    issuer = refs.issuer(state, refs.reference(call))
    complete = len(touched) == len(_FIELDS)
    old_name = issuer.name
    name = refs.new_issuer_name(state, call, issuer.name, may_be_empty=not complete)
    behavior = _behavior(call) if "leaf_not_after_behavior" in touched else issuer.leaf_not_after
    usage = _usage(issuer, call["usage"]) if "usage" in touched else issuer.usage
    signature = issuer.signature
    if "revocation_signature_algorithm" in touched:
        signature = _signature(issuer, call["revocation_signature_algorithm"])
    addresses = _addresses(issuer, call, touched)
    chain = _manual_chain(state, issuer, call["manual_chain"]) if "manual_chain" in touched else issuer.manual_chain
    if "issuer_name" in touched:
        issuer.name = name
    issuer.leaf_not_after, issuer.usage, issuer.signature = behavior, usage, signature
    issuer.urls = addresses
    if chain != issuer.manual_chain:
        issuer.manual_chain = chain
        store.rebuild_chains(state)
    response = _shown(state, issuer)
    if issuer.name != old_name and old_name:
        response.warnings += store.dereferenced(state, old_name)
    response.warnings += _templating_note(state, issuer)
    return response


def _templating_note(state: PKI, issuer: Issuer) -> list[str]:
    if issuer.urls is None or not issuer.urls.templating:
        return []
    try:
        urls.filled(state, issuer.urls, issuer.id)
    except urls.TemplateFault as error:
        return [urls.hint(error)]
    return []


def _behavior(call: Call) -> str:
    value: str = call["leaf_not_after_behavior"]
    if value not in ("err", "truncate", "permit"):
        raise ErrorResponse(
            "Unknown value for field `leaf_not_after_behavior`. Possible values are `err`, `truncate`, and `permit`."
        )
    return value


def _usage(issuer: Issuer, wanted: list[str]) -> list[str]:
    if not set(wanted) <= set(USAGES):
        raise ErrorResponse(
            f"Unable to parse specified usages: [{' '.join(wanted)}] - valid values are {','.join(USAGES)}"
        )
    # Naming a usage twice takes it away again.
    chosen = [name for name in USAGES if wanted.count(name) % 2]
    if chosen == issuer.usage:
        return chosen
    if issuer.revoked and "issuing-certificates" in chosen:
        raise ErrorResponse(
            "This issuer was revoked; unable to modify its usage to include certificate signing again. Reissue this "
            "certificate (preferably with a new key) and modify that entry instead."
        )
    usage = x509_read.load(issuer.certificate).key_usage
    if "crl-signing" in chosen and not usage & _CRL_SIGN:
        raise ErrorResponse(
            "This issuer's underlying certificate lacks the CRLSign KeyUsage value; unable to set CRLSigningUsage on "
            "this issuer as a result."
        )
    return chosen


def _signature(issuer: Issuer, wanted: str) -> str:
    if not wanted:
        return ""
    name = x509_keys.SIGNATURES.get(wanted.lower())
    if name is None:
        known = ", ".join(sorted(x509_keys.SIGNATURES))
        raise ErrorResponse(f"Unknown signature algorithm value: 0 - valid values are {known}")
    kind, able = _ALGORITHMS[x509_keys.describe(x509_read.load(issuer.certificate).public)[0]]
    if name not in able:
        raise BackendError(f"unable to use issuer of type {kind} to sign with {_GO_NAMES.get(name, name)} key type")
    return name


def _addresses(issuer: Issuer, call: Call, touched: set[str]) -> Urls | None:
    """The addresses after the change; None where there are none. Raises ErrorResponse."""
    old, complete = issuer.urls or Urls(), len(touched) == len(_FIELDS)
    lists: dict[str, Any] = {name: list(call[name] if name in touched else getattr(old, name)) for name in urls.FIELDS}
    found = Urls(**lists)
    found.templating = call["enable_aia_url_templating"] if "enable_aia_url_templating" in touched else old.templating
    if not complete:
        # Once on, a patch cannot switch templates off: the real server writes true whatever changed.
        found.templating |= old.templating
    bad = "" if found.templating else urls.fault(found)
    if bad:
        raise ErrorResponse(bad)
    if complete:
        # A write checks these and then leaves them as they are.
        found.delta_crl_distribution_points = old.delta_crl_distribution_points
    return None if found.empty else found


def _manual_chain(state: PKI, issuer: Issuer, wanted: list[str]) -> list[str]:
    found = []
    for at, reference in enumerate(wanted):
        id = issuer.id if at == 0 and reference == "self" else refs.issuer(state, reference).id
        if at == 0 and id != issuer.id:
            raise ErrorResponse(f"expected first cert in chain to be a self-reference, but was: {reference}/{id}")
        found.append(id)
    return found


@one.on(Operation.DELETE)
def delete(state: PKI, call: Call) -> Response:
    """Delete an issuer, not its key. Raises BackendError where the revocation lists cannot be built."""
    reference = refs.reference(call)
    try:
        issuer = refs.issuer(state, reference)
    except refs.Unresolved:
        return Response()
    warnings = store.dereferenced(state, issuer.name) if issuer.name else []
    warnings += store.dereferenced(state, issuer.id)
    if store.delete_issuer(state, issuer.id):
        warnings.append(
            f"Deleted issuer {issuer.id} (via issuer_ref {reference}); this was configured as the default issuer. "
            "Operations without an explicit issuer will not work until a new default is configured."
        )
        warnings += store.dereferenced(state, refs.DEFAULT)
    store.rebuild_chains(state)
    return Response(warnings=warnings + crls.numbered(crls.rebuild(state, call, force=True)))


@plain.on(Operation.READ)
def read_plain(state: PKI, call: Call) -> Response:
    """DER or PEM. Raises BackendError."""
    issuer = refs.issuer(state, refs.reference(call))
    if call["form"] == "der":
        return fetching.bare(issuer.certificate, fetching.DER)
    return fetching.bare(_text(issuer).encode(), fetching.PEM_CHAIN)


@as_json.on(Operation.READ)
def read_json(state: PKI, call: Call) -> dict[str, Any]:
    """Certificate and chain. Raises BackendError."""
    issuer = refs.issuer(state, refs.reference(call))
    found = {"certificate": _text(issuer), "issuer_id": issuer.id, "issuer_name": issuer.name}
    return {**found, "ca_chain": _chain(state, issuer)}


@crl.on(Operation.READ)
def read_crl(state: PKI, call: Call) -> Response:
    """The list in JSON, PEM or DER. Raises BackendError."""
    form = call["form"]
    listed = crls.find(state, refs.reference(call))
    der = listed.delta if "delta" in form else listed.complete
    if form.endswith("/der"):
        return fetching.bare(der, fetching.CRL_DER)
    text = pem.encode("X509 CRL", der) if der else ""
    if form.endswith("/pem"):
        return fetching.bare(text.encode(), fetching.PEM_FILE)
    return Response(data={"crl": text})


@revoking.on(Operation.UPDATE)
def revoke_issuer(state: PKI, call: Call) -> Response:
    """Revoke an issuer: it no longer issues, and stands on the lists of those above it. Raises BackendError."""
    issuer = refs.issuer(state, refs.reference(call))
    if issuer.revoked:
        return _shown(state, issuer)
    issuer.revoked, issuer.revoked_at = True, call.now()
    issuer.usage = [name for name in issuer.usage if name != "issuing-certificates"]
    certificate = x509_read.load(issuer.certificate)
    serial = hyphens(certificate.serial_text)
    if state.certificates.get(serial) == issuer.certificate:
        state.revoked[serial] = Revocation(issuer.certificate, issuer.revoked_at)
    warnings = crls.rebuild_or_fail(state, call, force=False)
    response = _shown(state, issuer)
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
