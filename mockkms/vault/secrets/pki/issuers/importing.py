"""``config/ca``, ``issuers/import`` and ``intermediate/set-signed``: importing CAs from PEM."""

from __future__ import annotations

from functools import partial

from mockkms.crypto.encoding import pem
from mockkms.error_context import error_context
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.issuers import store
from mockkms.vault.secrets.pki.model import PKI, engine
from mockkms.vault.secrets.pki.revocation import crls

_BUNDLE = {"pem_bundle": Field(Kind.STRING, help="Certificates and keys in PEM.")}

config_ca = engine.path("config/ca", fields=_BUNDLE, help="Import CA certificates and keys.")
issuers = engine.path("issuers/import/{kind:one(cert|bundle)}", fields=_BUNDLE, help="Import CA certificates.")
set_signed = engine.path(
    "intermediate/set-signed",
    fields={"certificate": Field(Kind.STRING, help="CA certificates in PEM.")},
    help="Import the certificate of a generated request.",
)
_DEFAULT_WITHOUT_KEY = (
    "The default issuer has no key associated with it. Some operations like issuing certificates and signing CRLs will "
    "be unavailable with the requested default issuer until a key is imported or the default issuer is changed."
)


@config_ca.on(Operation.UPDATE)
@issuers.on(Operation.UPDATE)
@set_signed.on(Operation.UPDATE)
def import_bundle(state: PKI, call: Call) -> Response:
    """Import the certificates and keys of a PEM text. Raises ErrorResponse.

    In Vault, what came before a certificate or key that is refused stays.
    """
    certificates, keys = _blocks(call)
    imported_keys: list[str] = []
    known_keys: list[str] = []
    imported: list[str] = []
    known: list[str] = []
    mapping: dict[str, str] = {}
    before = (dict(state.keys), dict(state.issuers), state.default_key, state.default_issuer)
    try:
        for at, text in enumerate(keys):
            with refusing(f"Error parsing key {at}: "):
                key, existed = store.import_key(state, call, store.parse_key(text), "")
            (known_keys if existed else imported_keys).append(key.id)
        for at, text in enumerate(certificates):
            block = pem.decode(text)
            with error_context(raised=partial(_unparsed, at, text)):
                issuer, existed = store.import_issuer(state, call, block.der if block else b"", "")
            mapping[issuer.id] = issuer.key_id
            (known if existed else imported).append(issuer.id)
    except ErrorResponse:
        if call.core.product.has(Feature.TRANSACTIONS):
            state.keys, state.issuers, state.default_key, state.default_issuer = before
        raise
    warnings = _defaults(state, call, imported, mapping)
    if state.urls.empty:
        warnings.append(store.NO_URLS)
    if imported:
        warnings += _rebuilt(state, call)
    return Response(
        data={
            "mapping": mapping,
            "imported_keys": imported_keys or None,
            "imported_issuers": imported or None,
            "existing_keys": known_keys or None,
            "existing_issuers": known or None,
        },
        warnings=warnings,
    )


def _blocks(call: Call) -> tuple[list[str], list[str]]:
    """Return the PEM texts of certificates and of keys. Raises ErrorResponse."""
    allowed = call.endpoint is config_ca or call.request.path.endswith("bundle")
    bundle, certificate = (
        call.get(name, "") if name in call.endpoint.fields else "" for name in ("pem_bundle", "certificate")
    )
    if not bundle and not certificate:
        raise ErrorResponse("'pem_bundle' and 'certificate' parameters were empty")
    rest = bundle or certificate
    if len(rest) < 75:
        raise ErrorResponse(
            "provided data for import was too short; perhaps a path was passed to the API rather than the contents of "
            "a PEM file"
        )
    certificates, keys, count = [], [], 0
    while rest.strip():
        count += 1
        block = pem.decode(rest)
        if block is None:
            raise store.unreadable(call, count)
        rest, text = block.rest, pem.encode(block.label, block.der)
        if block.label in ("CERTIFICATE", "X509 CERTIFICATE"):
            certificates.append(text)
        elif block.label not in ("CRL", "X509 CRL", "EC PARAMS", "EC PARAMETERS"):
            keys.append(text)
    if keys and not (allowed and bundle):
        raise ErrorResponse(
            "private keys found in the PEM bundle but not allowed by the path; use /issuers/import/bundle"
        )
    return certificates, keys


def _unparsed(at: int, text: str, fault: str) -> ErrorResponse:
    return ErrorResponse(f"Error parsing issuer {at}: {fault}\n{text}")


def _defaults(state: PKI, call: Call, imported: list[str], mapping: dict[str, str]) -> list[str]:
    """Change the default issuer if it follows the latest one. Returns warnings."""
    warnings = []
    keyed = [issuer_id for issuer_id in imported if mapping[issuer_id]]
    if imported and state.follow_latest:
        if len(keyed) == 1:
            store.set_default(state, call, keyed[0])
        elif keyed:
            warnings.append(
                "Default issuer left unchanged: could not select new issuer automatically as multiple imported issuers "
                "had key material in Vault."
            )
    if mapping.get(state.default_issuer) == "":
        warnings.append(_DEFAULT_WITHOUT_KEY)
    if len(keyed) > 1 and state.default_issuer in imported:
        warnings.append(
            "The imported bundle contained multiple certs matching keys, the default issuer that was selected should "
            "be verified and manually changed if incorrect."
        )
    return warnings


def _rebuilt(state: PKI, call: Call) -> list[str]:
    try:
        return crls.numbered(crls.rebuild(state, call, force=True))
    except BackendError as error:
        # Vault begins the sentence with a capital letter (path_manage_issuers.go).
        rebuilding = "Rebuilding" if call.core.product.has(Feature.PKI_LATER) else "rebuilding"
        return [
            f"{rebuilding} the CRL failed. While this is indicative of a problem with the imported issuers (perhaps "
            "because of their revocation_signature_algorithm), they did import successfully and are now usable. It is "
            "strongly suggested to fix the CRL building errors before continuing. The original error is reproduced "
            f"below:\n\n\t{error.errors[0]}"
        ]
