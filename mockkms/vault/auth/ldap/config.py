"""``config``: the directory, and how users and groups are found there."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from mockkms.vault.auth.ldap.model import Config, Ldap, engine
from mockkms.vault.auth.token_params import FIELDS
from mockkms.vault.framework import automated_rotation
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response
from mockkms.vault.products.features import Feature

_DEFAULTS = Config()
_TLS = ("tls10", "tls11", "tls12", "tls13")
_COLLIDES = "userfilter configured does not consider userattr and may result in colliding entity aliases on logins"


def _field(kind: Kind, name: str, help: str, needs: Feature | None = None) -> dict[str, Field]:
    return {name: Field(kind, default=getattr(_DEFAULTS, name), help=help, needs=needs)}


_FIELDS: dict[str, Field] = {
    **_field(Kind.STRING, "url", "Address of the directory, or several with commas, tried in order."),
    **_field(Kind.STRING, "userdn", "Where users are looked for."),
    **_field(Kind.STRING, "binddn", "Who looks for a user's DN."),
    **_field(Kind.STRING, "bindpass", "Password of binddn."),
    **_field(Kind.STRING, "groupdn", "Where groups are looked for; without it the directory is not asked for any."),
    **_field(Kind.STRING, "groupfilter", "Go template of the query for a user's groups."),
    **_field(Kind.STRING, "groupattr", "Attribute that names a group."),
    **_field(Kind.STRING, "userfilter", "Go template of the query for a user."),
    **_field(Kind.STRING, "userattr", "Attribute that names a user."),
    **_field(Kind.STRING, "upndomain", "Log in as user@upndomain."),
    **_field(Kind.BOOL, "username_as_alias", "The alias is the user name."),
    **_field(Kind.STRING, "certificate", "CA certificate of the directory, PEM."),
    **_field(Kind.STRING, "client_tls_cert", "Client certificate, PEM."),
    **_field(Kind.STRING, "client_tls_key", "Its key, PEM."),
    **_field(Kind.BOOL, "discoverdn", "Find a user's DN by an anonymous search."),
    **_field(Kind.BOOL, "insecure_tls", "Do not verify the directory's certificate."),
    **_field(Kind.BOOL, "starttls", "Begin TLS within the connection."),
    **_field(Kind.STRING, "tls_min_version", "tls10, tls11, tls12 or tls13."),
    **_field(Kind.STRING, "tls_max_version", "tls10, tls11, tls12 or tls13."),
    **_field(Kind.BOOL, "deny_null_bind", "Refuse empty passwords."),
    **_field(Kind.BOOL, "case_sensitive_names", "Names of users and groups differ by case."),
    **_field(Kind.BOOL, "use_token_groups", "Groups by Active Directory's tokenGroups."),
    **_field(Kind.BOOL, "use_pre111_group_cn_behavior", "Read only CN in capitals out of a group's DN."),
    **_field(Kind.SECONDS, "request_timeout", "Seconds to wait for an answer."),
    **_field(Kind.SECONDS, "connection_timeout", "Seconds to wait for a connection."),
    **_field(Kind.STRING, "dereference_aliases", "never, finding, searching or always."),
    **_field(Kind.INT, "max_page_size", "Largest page of a search; 0 is no paging."),
    **_field(Kind.BOOL, "anonymous_group_search", "Look for groups without a name."),
    **_field(Kind.BOOL, "enable_samaccountname_login", "Log in by sAMAccountName too.", Feature.LDAP_ROTATION),
    **_field(Kind.STRING, "password_policy", "Password policy for a new bindpass.", Feature.LDAP_ROTATION),
    **_field(Kind.STRING, "rotation_url", "Where bindpass is changed, if not at url.", Feature.LDAP_ROTATION),
    **_field(Kind.STRING, "schema", "How bindpass is changed: openldap or ad.", Feature.LDAP_SCHEMA),
}
_ROTATION = automated_rotation.fields(Feature.LDAP_ROTATION)
_SECRET = ("bindpass", "client_tls_cert", "client_tls_key")

config = engine.path(
    "config", {**_FIELDS, **_ROTATION, **FIELDS}, help="The directory, and how users and groups are found there."
)


@config.on(Operation.READ)
def read(state: Ldap, call: Call) -> Response:
    """The configuration without passwords and client certificate; it is there before it is written."""
    found, product = state.config, call.core.product
    shown: dict[str, Any] = {
        name: getattr(found, name)
        for name, declared in _FIELDS.items()
        if name not in _SECRET and declared.known_to(product)
    }
    if product.has(Feature.LDAP_ROTATION):
        shown |= found.shown_rotation(product)
    return Response(data={**shown, **found.shown(product)}, warnings=_warnings(found))


@config.on(Operation.UPDATE)
def write(state: Ldap, call: Call) -> Response | None:
    """Change the configuration. Raises ErrorResponse, and BackendError for settings of rotation that cannot be."""
    made = replace(state.config, old=dict(state.config.old))
    for name in _FIELDS:
        if name in call:
            value = call[name]
            setattr(made, name, value.lower() if name in ("url", "userattr") else value)
    made.schema = made.schema.strip().lower() or _DEFAULTS.schema
    try:
        _check(made)
        made.parse(call)
    except ValueError as error:
        raise ErrorResponse(str(error)) from None
    try:
        made.parse_rotation(call)
    except ValueError as error:
        raise BackendError(str(error)) from None
    try:
        made.register_rotation()
    except ValueError as error:
        raise ErrorResponse(str(error)) from None
    state.config = made
    warnings = _warnings(made)
    return Response(warnings=warnings) if warnings else None


def _warnings(config: Config) -> list[str]:
    named = ("{{.UserAttr}}" in config.userfilter) or (config.userattr in config.userfilter)
    return [_COLLIDES] if config.userfilter and not named else []


def _check(config: Config) -> None:
    """Raises ValueError in the server's words."""
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
    """What Go's template parser says of the faults that people make."""
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
