"""``config``: the directory, and how users and groups are found there."""

from __future__ import annotations

import re

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from mockkms.vault.auth.ldap.model import Ldap, LdapConfig, engine
from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, Operation, Response, refusing
from mockkms.vault.products.features import Feature

_TLS = ("tls10", "tls11", "tls12", "tls13")
_COLLIDES = "userfilter configured does not consider userattr and may result in colliding entity aliases on logins"

config = engine.path(
    "config",
    lambda: {**LdapConfig.fields(), **automated_rotation.fields(Feature.LDAP_ROTATION)},
    help="The directory, and how users and groups are found there.",
    go_errors=True,
)


@config.on(Operation.READ)
def read(state: Ldap, call: Call) -> Response:
    """Return the configuration without passwords and client certificate; before the first write, the defaults."""
    found, product = state.config, call.core.product
    shown = found.shown(product)
    if product.has(Feature.LDAP_ROTATION):
        shown |= found.shown_rotation(product)
    return Response(data=shown, warnings=_warnings(found))


@config.on(Operation.UPDATE)
def write(state: Ldap, call: Call) -> Response | None:
    """Change the configuration. Raises ErrorResponse, and BackendError for invalid settings of rotation."""
    made = state.config.copy()
    made.update_own(call)
    made.url, made.userattr = made.url.lower(), made.userattr.lower()
    made.schema = made.schema.strip().lower() or "openldap"
    with refusing():
        _check(made)
        made.parse(call)
    with refusing(error=BackendError):
        made.parse_rotation(call)
    with refusing():
        made.register_rotation()
    state.config = made
    warnings = _warnings(made)
    return Response(warnings=warnings) if warnings else None


def _warnings(config: LdapConfig) -> list[str]:
    named = ("{{.UserAttr}}" in config.userfilter) or (config.userattr in config.userfilter)
    return [_COLLIDES] if config.userfilter and not named else []


def _check(config: LdapConfig) -> None:
    """Check a configuration. Raises ValueError with the server's text."""
    for name in ("userfilter", "groupfilter"):
        fault = _template_fault(getattr(config, name))
        if fault:
            raise ValueError(f"invalid {name}: template: queryTemplate:1: {fault}")
    if config.certificate:
        _check_certificate(config.certificate)
    if config.client_tls_cert and config.client_tls_key:
        fault = _pair_fault(config.client_tls_cert.encode(), config.client_tls_key.encode())
        if fault:
            raise ValueError(f"failed to parse client X509 key pair: tls: {fault}")
    elif config.client_tls_cert or config.client_tls_key:
        raise ValueError("both client_tls_cert and client_tls_key must be set")
    for name in ("tls_min_version", "tls_max_version"):
        if getattr(config, name) not in _TLS:
            raise ValueError(f"invalid '{name}'")
    if config.tls_max_version < config.tls_min_version:
        raise ValueError("'tls_max_version' must be greater than or equal to 'tls_min_version'")


def _template_fault(text: str) -> str:
    """Return the text of Go's template parser for a common error, else an empty text."""
    rest = re.sub(r"\{\{.*?\}\}", "", text, flags=re.DOTALL)
    if "{{" in rest:
        return "unclosed action"
    for action in re.findall(r"\{\{(.*?)\}\}", text, re.DOTALL):
        word = action.strip()
        if not word:
            return "missing value for command"
        if re.fullmatch(r"[A-Za-z_]\w*", word) and word not in ("true", "false", "nil", "end", "else"):
            return f'function "{word}" not defined'
    return ""


def _check_certificate(pem: str) -> None:
    begin = re.search(r"-----BEGIN ([A-Z0-9 ]+)-----", pem)
    if begin is None or begin[1] != "CERTIFICATE":
        raise ValueError("failed to parse server tls cert: failed to decode PEM block in the certificate")
    try:
        x509.load_pem_x509_certificate(pem.encode())
    except ValueError:
        raise ValueError(
            "failed to parse server tls cert: failed to parse certificate x509: malformed certificate"
        ) from None


def _pair_fault(certificate: bytes, key: bytes) -> str:
    for pem, what in ((certificate, "certificate"), (key, "key")):
        if b"-----BEGIN " not in pem:
            return f"failed to find any PEM data in {what} input"
    try:
        public = x509.load_pem_x509_certificate(certificate).public_key()
        private = load_pem_private_key(key, None)
    except (ValueError, TypeError):
        return "failed to parse private key"
    spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if private.public_key().public_bytes(*spki) != public.public_bytes(*spki):
        return "private key does not match public key"
    return ""
