"""``root/generate``, ``root/rotate``, ``root`` and ``intermediate/generate``: CAs that are generated."""

from __future__ import annotations

from mockkms.crypto.encoding import pem
from mockkms.crypto.x509 import build, keys
from mockkms.crypto.x509.build import Extension
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki import keystores
from mockkms.vault.secrets.pki.certificates import contents, signing, urls
from mockkms.vault.secrets.pki.certificates.issuing import b64, private_parts
from mockkms.vault.secrets.pki.issuers import key_sizes, references, signer, store
from mockkms.vault.secrets.pki.model import PKI, engine, hyphens
from mockkms.vault.secrets.pki.revocation import crls
from mockkms.vault.secrets.pki.role import PkiRole
from mockkms.vault.secrets.pki.role_fields import (
    ALIAS,
    AUTHORITY,
    CA,
    CA_USAGES,
    NEW_KEY,
    STORE,
    check_format,
    internal_role,
)
from mockkms.vault.secrets.pki.settings import PkiUrls

_ROOT = {
    **AUTHORITY, **CA_USAGES, **NEW_KEY, **CA, **STORE, **ALIAS,
    "issuer_name": Field(Kind.STRING, help="Name of the issuer."),
}  # fmt: skip
_CSR = {
    **AUTHORITY,
    **NEW_KEY,
    "add_basic_constraints": Field(Kind.BOOL, help="Request a CA certificate."),
    "key_usage": Field(Kind.COMMA_STRINGS, help="Key usages that the request asks for.", needs=Feature.PKI_VERIFIED),
}
del _CSR["use_pss"]  # Go signs no requests with PSS.

generate = engine.path("root/generate/{exported}", fields=_ROOT, help="Generate a root CA.", go_errors=True)
rotate = engine.path(
    "root/rotate/{exported}", fields=_ROOT, help="Generate a root CA beside the current one.", go_errors=True
)
issuers_generate = engine.path(
    "issuers/generate/root/{exported}", fields=_ROOT, help="Generate a root CA.", go_errors=True
)
whole = engine.path("root", sudo=True, help="All keys and issuers.")
intermediate = engine.path(
    "intermediate/generate/{exported}", fields=_CSR, help="Generate a request for an intermediate CA."
)
issuers_intermediate = engine.path(
    "issuers/generate/intermediate/{exported}", fields=_CSR, help="Generate a request for an intermediate CA."
)
cross_sign = engine.path("intermediate/cross-sign", fields=_CSR, help="Generate a request for an existing key.")

NO_SUBJECT = (
    "This issuer certificate was generated without a Subject; this makes it likely that issuing leaf certs with this "
    "certificate will cause TLS validation libraries to reject this certificate."
)
_LEAF_USAGES = (
    "contentcommitment", "keyencipherment", "dataencipherment", "keyagreement", "encipheronly", "decipheronly",
)  # fmt: skip
_SUBJECT = ("ou", "organization", "country", "locality", "province", "street_address", "postal_code")


def subject_role(call: Call, **settings: object) -> PkiRole:
    """Return a role without restrictions, with the subject and lifetime of the request."""
    given = {name: call[name] for name in (*_SUBJECT, "ttl", "not_before_duration")}
    return internal_role(**given, **settings)


def _parameters(state: PKI, call: Call, how: str) -> tuple[str, PkiRole, bytes]:
    """Return format, role, and the private key if an existing one is used. Raises ErrorResponse."""
    if how not in ("exported", "internal", "existing", "kms"):
        raise ErrorResponse('the "exported" path parameter must be "internal", "existing", exported" or "kms"')
    form = check_format(call)
    kind, bits, private = call["key_type"], call["key_bits"], b""
    if how in ("existing", "kms"):
        if "key_type" in call or "key_bits" in call:
            raise ErrorResponse(
                "invalid parameter for the kms/existing path parameter, key_type nor key_bits arguments can be set in "
                "this mode"
            )
        private = _existing(state, call, how)
        kind, bits = keys.describe(keys.public_of(private))
        bits = bits if kind == "rsa" else 0
    with refusing():
        bits, hash_bits = key_sizes.settle(call, kind, bits, call["signature_bits"])
    role = subject_role(call, key_type=kind, key_bits=bits, signature_bits=hash_bits)
    role.use_pss = "use_pss" in call.endpoint.fields and call["use_pss"]
    return form, role, private


def _existing(state: PKI, call: Call, how: str) -> bytes:
    if how == "kms":
        if not call.core.product.has(Feature.MANAGED_KEYS):
            raise ErrorResponse("unsupported public key: <nil>")
        fault = references.managed_key_fault(call)
        if fault:
            raise ErrorResponse(f"unable to determine managed key id: {fault}")
        raise ErrorResponse(f"failed to lookup public key from managed key: {references.NO_MANAGED_KEYS}")
    with refusing("failed to lookup public key from existing key: ", of=BackendError):
        if not str(call["key_ref"]).strip():
            raise BackendError("missing argument key_ref for existing type")
        return references.key(state, references.reference(call, "key_ref")).private


def _new_key(state: PKI, call: Call, role: PkiRole, private: bytes) -> bytes:
    if private:
        return private
    if role.key_type not in ("rsa", "ec", "ed25519"):
        raise ErrorResponse(f"unknown key type: {role.key_type}")
    return signing.new_key(state, call, role.key_type, role.key_bits)


@generate.on(Operation.UPDATE)
@rotate.on(Operation.UPDATE)
@issuers_generate.on(Operation.UPDATE)
def generate_root(state: PKI, call: Call, *, exported: str, max_path_length: int, private_key_format: str) -> Response:
    """Generate a key, or use an existing one, and sign a root certificate. Raises ErrorResponse and BackendError."""
    form, role, private = _parameters(state, call, exported)
    if "max_path_length" in call:
        role.max_path_length = max_path_length
    issuer_name = references.new_issuer_name(state, call)
    if call.endpoint is rotate and not issuer_name and all(one.name != "next" for one in state.issuers.values()):
        issuer_name = "next"
    key_name = references.new_key_name(state, call)
    asked = contents.contents_of(call, role, None, None)
    addresses = _root_urls(state, asked.warnings)
    made = signing.root(call, role, _new_key(state, call, role, private), addresses, asked)
    certificate = made.certificate
    # Later versions drop the warnings so far when they build revocation lists.
    forgets = call.core.product.has(Feature.PKI_LATER)
    warnings = usage_note(call, "Invalid key usage will be ignored: ") if forgets else made.warnings
    warnings += ca_warnings(certificate.subject, has_urls=certificate.urls)
    data: dict[str, object] = {"expiration": int(certificate.not_after), "serial_number": certificate.serial_text}
    written = b64(certificate.der) if form == "der" else signer.text(certificate.der)
    data |= {"certificate": written, "issuing_ca": written}
    if form in keystores.FORMS:
        private_key = made.private if exported == "exported" else b""
        data["certificate"] = keystores.stored(call, form, [certificate.der], private_key)
    elif exported == "exported":
        data |= private_parts(made.private, form, pkcs8=private_key_format == "pkcs8")
        if form == "pem_bundle":
            data["certificate"] = f"{keys.private_pem(made.private)}\n{written}"
    key, _ = store.import_key(state, call, made.private, key_name)
    issuer, _ = store.import_issuer(state, call, certificate.der, issuer_name)
    issuer.signature = keys.signature_name(made.private, role.signature_bits, pss=role.use_pss)
    state.certificates[hyphens(certificate.serial_text)] = certificate.der
    if state.follow_latest:
        store.set_default(state, call, issuer.id)
    data |= {"issuer_id": issuer.id, "issuer_name": issuer.name, "key_id": key.id, "key_name": key.name}
    warnings += rebuilt(state, call)
    if certificate.path_length == 0:
        warnings.append(
            "Max path length of the generated certificate is zero. This certificate cannot be used to issue "
            "intermediate CA certificates."
        )
    return Response(data=data, warnings=warnings)


def _root_urls(state: PKI, warnings: list[str]) -> PkiUrls:
    """Return the mount's addresses; none for a root if they contain the issuer's id. Raises BackendError."""
    try:
        return urls.filled(state, state.urls, "")
    except ValueError as error:
        fault = str(error)
    refusal = (
        f"unable to parse AIA URL information: {fault}\nUsing templated AIA URL's {{{{issuer_id}}}} field when "
        "generating root certificates is not supported."
    )
    with refusing(error=BackendError, text=refusal):
        urls.filled(state, state.urls, "empty-issuer-id")
    warnings.append(
        "When generating root CA, found global AIA configuration with issuer_id template unsuitable for root "
        "generation. This AIA configuration has been ignored. To include AIA on this root CA, set the global AIA "
        "configuration to not include issuer_id and instead to refer to a static issuer name."
    )
    return PkiUrls()


def ca_warnings(subject: bytes, *, has_urls: bool) -> list[str]:
    """Return warnings about a CA certificate without subject or addresses."""
    found = [NO_SUBJECT] if len(subject) <= 2 else []
    return found if has_urls else [*found, store.NO_URLS]


def usage_note(call: Call, front: str) -> list[str]:
    """Return the warning about key usages, which the real server also sends, empty, if all are valid for a CA."""
    if "key_usage" not in call:
        return []
    found = []
    for name in call["key_usage"]:
        clean = name.strip().lower()
        if clean in _LEAF_USAGES:
            found.append(f"key usage {name} is only valid for non-Ca certs")
        elif clean not in ("crlsign", "certsign", "digitalsignature"):
            found.append(f"unrecognized key usage {name}")
    return [front + "; ".join(found)]


def rebuilt(state: PKI, call: Call) -> list[str]:
    """Build the revocation lists and return warnings; a failure is one, too."""
    try:
        return crls.numbered(crls.rebuild(state, call, force=True))
    except BackendError as error:
        return [error.errors[0]]


@whole.on(Operation.DELETE)
def delete_all(state: PKI, _call: Call) -> Response:
    """Delete every key and issuer."""
    state.issuers, state.keys, state.default_issuer, state.default_key = {}, {}, "", ""
    return Response(
        warnings=[
            "DELETE /root deletes all keys and issuers; prefer the new DELETE /key/:key_ref and DELETE "
            "/issuer/:issuer_ref for finer granularity, unless removal of all keys and issuers is desired."
        ]
    )


@intermediate.on(Operation.UPDATE)
@issuers_intermediate.on(Operation.UPDATE)
@cross_sign.on(Operation.UPDATE)
def generate_intermediate(
    state: PKI, call: Call, *, exported: str, add_basic_constraints: bool, key_usage: list[str], private_key_format: str
) -> Response:
    """Generate a key, or use an existing one, and sign a request. Raises ErrorResponse and BackendError."""
    how = "existing" if call.endpoint is cross_sign else exported
    form, role, private = _parameters(state, call, how)
    key_name = references.new_key_name(state, call)
    asked = contents.contents_of(call, role, None, None)
    private = _new_key(state, call, role, private)
    extra = []
    if add_basic_constraints:
        extra.append(Extension(build.BASIC_CONSTRAINTS, bytes.fromhex("30030101ff"), critical=True))
    if key_usage:
        extra.append(build.key_usage(key_usage))
    name = keys.signature_name(private, role.signature_bits)
    with refusing("unable to create certificate: ", BackendError):
        signing.check_ascii(asked.names)
    signing.check_other_names(asked.names)
    der = build.request(build.subject(asked.subject), asked.names, private, name, extra)
    signing.check_hosts(asked.names)
    text = pem.encode("CERTIFICATE REQUEST", der).strip()
    data: dict[str, object] = {"csr": b64(der) if form == "der" else text}
    if how == "exported":
        data |= private_parts(private, form, pkcs8=private_key_format == "pkcs8")
        if form == "pem_bundle":
            data["csr"] = f"{keys.private_pem(private)}\n{text}"
    key, _ = store.import_key(state, call, private, key_name)
    data["key_id"] = key.id
    warnings = []
    if state.urls.empty:
        warnings.append(
            f"{store.NO_URLS} Since this certificate is an intermediate, it might be useful to regenerate this "
            "certificate after fixing this problem for the root mount."
        )
    return Response(data=data, warnings=warnings + asked.warnings)
