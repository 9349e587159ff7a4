"""``issuer/``: writing and patching the settings of an issuer."""

from __future__ import annotations

from mockkms.crypto.x509 import keys, read
from mockkms.crypto.x509.build import CRL_SIGN
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.certificates import urls
from mockkms.vault.secrets.pki.issuers import chains, issuers, references, store
from mockkms.vault.secrets.pki.model import ALWAYS_REFUSED, PKI, USAGES, PkiIssuer
from mockkms.vault.secrets.pki.settings import PkiUrls

_RSA = ("SHA256WithRSA", "SHA384WithRSA", "SHA512WithRSA", "SHA256WithRSAPSS", "SHA384WithRSAPSS", "SHA512WithRSAPSS")
_ALGORITHMS = {
    "rsa": ("RSA", _RSA),
    "ec": ("ECDSA", ("ECDSAWithSHA256", "ECDSAWithSHA384", "ECDSAWithSHA512")),
    "ed25519": ("Ed25519", ("Ed25519",)),
}
_GO_NAMES = {
    f"{digest}With{kind}": f"{digest}-{kind}" for digest in ("SHA256", "SHA384", "SHA512") for kind in ("RSA", "RSAPSS")
} | {f"ECDSAWith{digest}": f"ECDSA-{digest}" for digest in ("SHA256", "SHA384", "SHA512")}


@issuers.one.on(Operation.UPDATE)
def update(state: PKI, call: Call) -> Response:
    """Replace all settings: parameters that are not sent get their defaults. Raises ErrorResponse and BackendError."""
    return _change(state, call, set(issuers.FIELDS))


@issuers.one.on(Operation.PATCH)
def patch(state: PKI, call: Call) -> Response:
    """Change the settings that are sent. Raises ErrorResponse and BackendError."""
    return _change(state, call, {name for name in issuers.FIELDS if name in call})


def _change(state: PKI, call: Call, touched: set[str]) -> Response:
    issuer = references.issuer(state, references.reference(call))
    complete = len(touched) == len(issuers.FIELDS)
    old_name = issuer.name
    name = references.new_issuer_name(state, call, issuer.name, may_be_empty=not complete)
    behavior = _behavior(call) if "leaf_not_after_behavior" in touched else issuer.leaf_not_after
    usage = _usage(issuer, call["usage"]) if "usage" in touched else issuer.usage
    signature = issuer.signature
    if "revocation_signature_algorithm" in touched:
        signature = _signature(issuer, call["revocation_signature_algorithm"])
    addresses = _addresses(issuer, call, touched)
    chain = _manual_chain(state, issuer, call["manual_chain"]) if "manual_chain" in touched else issuer.manual_chain
    if "issuer_name" in touched and name != old_name:
        issuer.name = name
        issuer.modified = state.lists_modified = state.deltas_modified = call.now()
    issuer.leaf_not_after, issuer.usage, issuer.signature = behavior, usage, signature
    issuer.urls = addresses
    if chain != issuer.manual_chain:
        issuer.manual_chain = chain
        chains.rebuild(state)
    response = issuers.shown(state, call, issuer)
    if issuer.name != old_name and old_name:
        response.warnings += store.dereferenced(state, old_name)
    response.warnings += _templating_note(state, issuer)
    return response


def _templating_note(state: PKI, issuer: PkiIssuer) -> list[str]:
    if issuer.urls is None or not issuer.urls.enable_templating:
        return []
    try:
        urls.filled(state, issuer.urls, issuer.id)
    except ValueError as error:
        return [urls.hint(error)]
    return []


def _behavior(call: Call) -> str:
    value: str = call["leaf_not_after_behavior"]
    if value == ALWAYS_REFUSED and call.core.product.has(Feature.PKI_LIFETIME_ENFORCED):
        return value
    if value not in ("err", "truncate", "permit"):
        raise ErrorResponse(
            "Unknown value for field `leaf_not_after_behavior`. Possible values are `err`, `truncate`, and `permit`."
        )
    return value


def _usage(issuer: PkiIssuer, wanted: list[str]) -> list[str]:
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
    usage = read.load(issuer.certificate).key_usage
    if "crl-signing" in chosen and not usage & CRL_SIGN:
        raise ErrorResponse(
            "This issuer's underlying certificate lacks the CRLSign KeyUsage value; unable to set CRLSigningUsage on "
            "this issuer as a result."
        )
    return chosen


def _signature(issuer: PkiIssuer, wanted: str) -> str:
    if not wanted:
        return ""
    name = keys.SIGNATURES.get(wanted.lower())
    if name is None:
        known = ", ".join(sorted(keys.SIGNATURES))
        raise ErrorResponse(f"Unknown signature algorithm value: 0 - valid values are {known}")
    kind, able = _ALGORITHMS[keys.describe(read.load(issuer.certificate).public)[0]]
    if name not in able:
        raise BackendError(f"unable to use issuer of type {kind} to sign with {_GO_NAMES.get(name, name)} key type")
    return name


def _addresses(issuer: PkiIssuer, call: Call, touched: set[str]) -> PkiUrls | None:
    """Return the addresses after the change; None without addresses. Raises ErrorResponse."""
    old, complete = issuer.urls or PkiUrls(unwritten=list(urls.FIELDS)), len(touched) == len(issuers.FIELDS)
    found = PkiUrls()
    for name in urls.FIELDS:
        setattr(found, name, list(call[name] if name in touched else getattr(old, name)))
    found.unwritten = [name for name in old.unwritten if not getattr(found, name)]
    found.enable_templating = (
        call["enable_aia_url_templating"] if "enable_aia_url_templating" in touched else old.enable_templating
    )
    own = call.core.product.has(Feature.PKI_ISSUER_ADDRESSES)
    if not complete and not own:
        # Once on, a patch cannot switch templates off: the real server writes true whatever changed.
        found.enable_templating |= old.enable_templating
    checked = [name for name in urls.FIELDS if name in touched]
    bad = "" if found.enable_templating else urls.fault(found, checked, loose=own)
    if bad:
        raise ErrorResponse(bad)
    if complete and not own:
        # A write checks these and then leaves them as they are.
        found.delta_crl_distribution_points, delta = old.delta_crl_distribution_points, "delta_crl_distribution_points"
        if delta in old.unwritten and delta not in found.unwritten:
            found.unwritten.append(delta)
    return None if found.empty else found


def _manual_chain(state: PKI, issuer: PkiIssuer, wanted: list[str]) -> list[str]:
    found = []
    for at, reference in enumerate(wanted):
        issuer_id = issuer.id if at == 0 and reference == "self" else references.issuer(state, reference).id
        if at == 0 and issuer_id != issuer.id:
            raise ErrorResponse(
                f"expected first cert in chain to be a self-reference, but was: {reference}/{issuer_id}"
            )
        found.append(issuer_id)
    return found
