"""``sign/`` and ``issue/``: certificates for keys of users and hosts."""

from __future__ import annotations

import hashlib
import re

from mockkms.crypto import ssh, ssh_public
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, VaultError, refusing
from mockkms.vault.policy.templates import Templates
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.ssh.engine import DEFAULT, ROLE_NAME, SSH, SshRole, engine
from mockkms.vault.secrets.ssh.issuers import new_pair
from mockkms.vault.secrets.ssh.roles import allowed_sizes, texts

_NOBODY = (
    "refusing to issue unsafe, globally-valid certificate with no principals specified; set valid_principals or "
    "default_user"
)
_TEMPLATE = re.compile(r"\{\{.+?\}\}")
"""What the real server takes for a template; other texts stand for themselves."""
_SKIPPED = (
    "default_extension templating enabled with at least one extension requiring identity templating. However, this "
    "request lacked identity entity information, causing one or more extensions to be skipped from the generated "
    "certificate."
)
_FIELDS = {
    "role": Field(Kind.STRING, help="Name of the role."),
    "ttl": Field(Kind.SECONDS, help="Lifetime in seconds."),
    "valid_principals": Field(Kind.STRING, help="Users or hosts, separated by commas."),
    "cert_type": Field(Kind.STRING, default="user", help="`user` or `host`."),
    "key_id": Field(Kind.STRING, help="Key id of the certificate."),
    "critical_options": Field(Kind.MAP, help="Critical options of the certificate."),
    "extensions": Field(Kind.MAP, help="Extensions of the certificate."),
}

sign = engine.path(
    f"sign/{ROLE_NAME}",
    {**_FIELDS, "public_key": Field(Kind.STRING, help="The public key.")},
    help="Sign a key.",
    go_errors=True,
)
issue = engine.path(
    f"issue/{ROLE_NAME}",
    {
        **_FIELDS,
        "key_type": Field(Kind.STRING, default="rsa", help="Type of the new key."),
        "key_bits": Field(Kind.INT, help="Size of the new key; 0 is the default of the type."),
    },
    help="Generate a key and sign it.",
    go_errors=True,
)


@sign.on(Operation.UPDATE)
def sign_key(state: SSH, call: Call, *, role: str, public_key: str) -> Response:
    """Sign a public key. Raises ErrorResponse and BackendError."""
    found = state.roles.get(role)
    if found is None:
        raise ErrorResponse(f"Unknown role: {role}")
    if not public_key:
        raise ErrorResponse("missing public_key")
    with refusing("failed to parse public_key as SSH key: "):
        key = ssh_public.parse_public(public_key, bounded=call.core.product.has(Feature.SSH_KEY_BOUNDS))
    fault = _key_fault(found, key)
    if fault:
        raise ErrorResponse(f"public_key failed to meet the key requirements: {fault}")
    return _certified(state, call, found, key)


@issue.on(Operation.UPDATE)
def issue_key(state: SSH, call: Call, *, role: str, key_type: str, key_bits: int) -> Response:
    """Generate a key pair and sign the public key. Raises ErrorResponse."""
    found = state.roles.get(role)
    if found is None:
        raise ErrorResponse(f"unknown role: {role}")
    if found.key_type != "ca":
        raise ErrorResponse(f"role key type '{found.key_type}' not allowed to issue key pairs")
    _check_new_key(found, key_type, key_bits)
    with refusing(error=ErrorResponse if call.core.product.has(Feature.SSH_ISSUERS) else BackendError):
        public, private = new_pair(call, key_type, key_bits)
    with refusing(of=BackendError):
        response = _certified(state, call, found, ssh_public.parse_public(public))
    response.data = {**(response.data or {}), "private_key": private, "private_key_type": key_type}
    return response


def _names(kind: str, bits: int) -> list[str]:
    """Return the names that roles use for a type of key."""
    if kind == "ecdsa":
        curve = {256: "ecdsa-sha2-nistp256", 384: "ecdsa-sha2-nistp384", 521: "ecdsa-sha2-nistp521"}.get(bits)
        return ["ecdsa", "ec", *([curve] if curve else [])]
    return {"rsa": ["rsa", "ssh-rsa"], "dsa": ["dsa", "ssh-dss"], "ed25519": ["ed25519", "ssh-ed25519"]}.get(kind, [])


def _key_fault(role: SshRole, key: ssh_public.PublicKey) -> str:
    """Return why the role does not allow a key, or an empty string."""
    allowed = allowed_sizes(role)
    if not allowed:
        return ""
    kind, bits = key.kind, key.bits
    present = [name for name in _names(kind, bits) if name in allowed]
    if not present:
        return f"key of type {kind} is not allowed"
    for name in present:
        sized = kind in ("rsa", "dsa") or name in ("ec", "ecdsa")
        if (bits in allowed[name]) if sized else allowed[name]:
            return ""
    return f"key is of an invalid size: {bits}"


def _check_new_key(role: SshRole, kind: str, bits: int) -> None:
    allowed = allowed_sizes(role)
    if not allowed:
        return
    present = [name for name in _names(kind, bits) if name in allowed]
    if not present:
        raise ErrorResponse("provided key_type value not in allowed_user_key_types")
    if not any(bits in allowed[name] for name in present):
        raise ErrorResponse("provided key_bits value not in list of role's allowed_user_key_types")


def _certified(state: SSH, call: Call, role: SshRole, key: ssh_public.PublicKey) -> Response:
    key_id = _key_id(call, role, key)
    kind = call["cert_type"]
    if kind not in ("user", "host"):
        raise ErrorResponse("cert_type must be either 'user' or 'host'")
    if not (role.allow_host_certificates if kind == "host" else role.allow_user_certificates):
        raise ErrorResponse(f"cert_type '{kind}' is not allowed by role")
    principals = _principals(call, role, host=kind == "host")
    ttl = _ttl(call, role)
    options = _options(call, role)
    extensions, skipped = _extensions(call, role)
    private, issuer = _signer(state, call, role)
    now = call.now()
    certificate = ssh.SshCertificate(
        key=key, serial=int.from_bytes(call.core.entropy.bytes(8), "big"),
        kind=ssh.HOST if kind == "host" else ssh.USER, key_id=key_id, principals=principals,
        valid_after=int(now - role.not_before_duration),
        valid_before=int(now + ttl), nonce=call.core.entropy.bytes(32), critical_options=options, extensions=extensions,
    )  # fmt: skip
    algorithm = role.algorithm_signer
    if algorithm == DEFAULT:
        algorithm = "rsa-sha2-256" if ssh.public_of(private).kind == "rsa" else ""
    with refusing("failed to generate signed SSH key: sign error: ", BackendError):
        line = certificate.signed(private, algorithm)
    data = {"serial_number": f"{certificate.serial:x}", "signed_key": line}
    if call.core.product.has(Feature.SSH_ISSUERS):
        data["issuer_id"] = issuer
    return Response(data=data, warnings=[_SKIPPED] if skipped else [])


def _signer(state: SSH, call: Call, role: SshRole) -> tuple[ssh.Private, str]:
    if not call.core.product.has(Feature.SSH_ISSUERS) and not state.default:
        raise BackendError("error creating signer: no keys configured")
    issuer = state.issuer(role.issuer_ref or DEFAULT)
    return ssh.load_private(issuer.private_key), issuer.id


def _key_id(call: Call, role: SshRole, key: ssh_public.PublicKey) -> str:
    if call["key_id"]:
        if not role.allow_user_key_ids:
            raise ErrorResponse("setting key_id is not allowed by role")
        asked: str = call["key_id"]
        return asked
    client = call.request.client
    display = client.display_name if client is not None else ""
    usual = "vault-{{token_display_name}}-{{public_key_hash}}" if display else "vault-{{public_key_hash}}"
    text: str = role.key_id_format or usual
    values = {
        "token_display_name": display,
        "role_name": call["role"],
        "public_key_hash": hashlib.sha256(key.blob).hexdigest(),
    }
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", value)
    return text


def _principals(call: Call, role: SshRole, *, host: bool) -> list[str]:
    if host:
        usual, allowed, template = "", role.allowed_domains, role.allowed_domains_template
    else:
        usual, allowed, template = role.default_user, role.allowed_users, role.allowed_users_template
        if role.default_user_template:
            usual = _filled(call, usual, BackendError)
    asked = _split(call.get("valid_principals", usual))
    rendered = allowed
    if template:
        commas = role.allow_commas_in_identity_templates or not call.core.product.has(Feature.SSH_ISSUERS)
        rendered = _filled(call, allowed, ErrorResponse, commas=commas)
    known = _split(rendered)
    if not asked and not call.core.product.has(Feature.SSH_ISSUERS):
        if not usual and not role.allow_empty_principals:
            raise ErrorResponse("empty valid principals not allowed by role")
        asked = [usual] if usual else []
        if not asked:
            return []
    if not asked:
        if not role.allow_empty_principals and allowed != "*":
            raise ErrorResponse(_NOBODY)
        return []
    if not known:
        raise ErrorResponse("role is not configured to allow any principals")
    for name in asked:
        if allowed != "*" and not (_host_allowed(role, known, name) if host else name in known):
            raise ErrorResponse(f"{name} is not a valid value for valid_principals")
    return asked


def _split(text: str) -> list[str]:
    return sorted({part.strip() for part in text.split(",") if part.strip()})


def _host_allowed(role: SshRole, domains: list[str], name: str) -> bool:
    return any(
        (role.allow_bare_domains and name == domain) or (role.allow_subdomains and name.endswith(f".{domain}"))
        for domain in domains
    )


def _filled(call: Call, text: str, refusal: type[VaultError], *, commas: bool = True) -> str:
    """Return ``text`` with the values of the client's entity, unchanged without an entity. Raises ``refusal``."""
    client = call.request.client
    if client is None or not client.entity_id or not _TEMPLATE.search(text):
        return text
    entity = call.core.identity.entity_in(client.entity_id, call.request.namespace)
    if entity is None:
        raise refusal("no entity found")
    blocked = () if commas else (",",)
    core = call.core
    groups = core.identity.groups_of(entity.id)
    templates = Templates.of(core.product, entity, groups, call.now(), call.request.namespace, blocked)
    with refusing(f"template '{text}' could not be rendered -> ", refusal):
        return templates.render(text)


def _ttl(call: Call, role: SshRole) -> int:
    ttl: int = call.get("ttl", role.ttl) or call.core.default_ttl(call.mount)
    most: int = role.max_ttl or call.core.max_ttl(call.mount)
    if ttl > most:
        if "ttl" in call:
            raise ErrorResponse(f"ttl is larger than maximum allowed {most}")
        return most
    return ttl


def _options(call: Call, role: SshRole) -> dict[str, str]:
    asked = texts(call["critical_options"])
    if not asked:
        return texts(role.default_critical_options)
    allowed = role.allowed_critical_options
    refused = [name for name in asked if allowed and name not in allowed.split(",")]
    if refused:
        raise ErrorResponse(f"critical options not on allowed list: [{' '.join(refused)}]")
    return asked


def _extensions(call: Call, role: SshRole) -> tuple[dict[str, str], bool]:
    """Return the extensions, and whether some were skipped because the client has no entity."""
    asked = texts(call["extensions"])
    if asked:
        refused = [name for name in asked if name not in role.allowed_extensions.split(",")]
        if refused and role.allowed_extensions != "*":
            raise ErrorResponse(f"extensions [{' '.join(refused)}] are not on allowed list")
        return asked, False
    usual = texts(role.default_extensions)
    if not role.default_extensions_template:
        return usual, False
    client, found, skipped = call.request.client, {}, False
    for name, value in usual.items():
        if _TEMPLATE.search(value) and (client is None or not client.entity_id):
            skipped = True
            continue
        found[name] = _filled(call, value, ErrorResponse)
    return found, skipped
