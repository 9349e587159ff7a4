"""``config/ca``, ``issuers/`` and ``issuer/``: the keys that sign certificates.

A product with ``Feature.SSH_ISSUERS`` has several named keys in a mount, another one has one; both are stored alike.
"""

from __future__ import annotations

import re

from mockkms.crypto import ssh, ssh_public
from mockkms.crypto.x509 import keys as x509_keys
from mockkms.vault.framework.collections import PAGE, page
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.ssh.engine import DEFAULT, SSH, SshIssuer, engine

_OWN = Feature.SSH_ISSUERS
_NAME = Field(Kind.STRING, help="Name of the issuer.")
_REFERENCE = {"issuer_ref": Field(Kind.STRING, default=DEFAULT, help="Id or name of an issuer, or default.")}
_SUBMIT = {
    "issuer_name": Field(Kind.STRING, help="Name of the issuer.", needs=_OWN),
    "private_key": Field(Kind.STRING, help="Private key in PEM or OpenSSH format."),
    "public_key": Field(Kind.STRING, help="Public key as a line of authorized_keys."),
    "generate_signing_key": Field(Kind.BOOL, default=True, help="Generate a key."),
    "key_type": Field(Kind.STRING, default="ssh-rsa", help="Type of a new key: rsa, ec, ed25519 or OpenSSH's name."),
    "key_bits": Field(Kind.INT, help="Size of a new key in bits; 0 is the default of the type."),
    **{
        name: Field(Kind.STRING, help="For the enterprise edition only.", needs=Feature.MANAGED_KEYS)
        for name in ("managed_key_name", "managed_key_id")
    },
}
_MOST = 10
"""From this number of roles, warnings say `at least`."""

ca = engine.path("config/ca", _SUBMIT, help="The default issuer.", go_errors=True)
config = engine.path(
    "config/issuers", {"default": Field(Kind.STRING, help="Id or name of the default issuer.")},
    help="The default issuer.", needs=_OWN, go_errors=True,
)  # fmt: skip
submit = engine.path(
    "issuers/import[/{issuer_name}]",
    {**_SUBMIT, "set_default": Field(Kind.BOOL, help="Make the issuer the default."), "issuer_name": _NAME},
    help="Add an issuer.",
    needs=_OWN,
    go_errors=True,
)
listing = engine.path("issuers[/]", PAGE, help="The issuers.", needs=_OWN)
public = engine.path("public_key", login=True, help="Public key of the default issuer, as plain text.")
one_public = engine.path(
    "issuer/{issuer_ref}/public_key", _REFERENCE, login=True, help="Public key of an issuer, as plain text.", needs=_OWN
)
engine.open_paths("issuer/{issuer_ref:re([^/]+)}/public_key", needs=_OWN)
one = engine.path("issuer/{issuer_ref}", {**_REFERENCE, "issuer_name": _NAME}, help="An issuer.", needs=_OWN)
tidy = engine.path("tidy/dynamic-keys", help="Remove keys of roles with dynamic keys, which no longer exist.")


def _reference(call: Call, name: str = "issuer_ref") -> str:
    value: str = call[name].strip()
    return DEFAULT if value.lower() == DEFAULT else value


def _shown(issuer: SshIssuer) -> dict[str, object]:
    return {"issuer_id": issuer.id, "issuer_name": issuer.name, "public_key": issuer.public_key}


@ca.on(Operation.READ)
def read_ca(state: SSH, call: Call) -> Reply:
    """Return the default issuer. Raises ErrorResponse without one."""
    if call.core.product.has(Feature.SSH_ISSUERS):
        return _shown(state.issuer(DEFAULT))
    if not state.default:
        raise ErrorResponse("keys haven't been configured yet")
    return {"public_key": state.issuers[state.default].public_key}


@ca.on(Operation.UPDATE)
def write_ca(state: SSH, call: Call) -> Response | None:
    """Import or generate the default issuer's key. Raises ErrorResponse and BackendError."""
    if call.core.product.has(Feature.SSH_ISSUERS):
        public_key, private_key, made = _key(call)
        return _imported(state, call, public_key, private_key, made=made, default=True)
    if state.default:
        raise ErrorResponse("keys are already configured; delete them before reconfiguring")
    public_key, private_key, made = _only_key(call)
    _imported(state, call, public_key, private_key, made=made, default=True)
    return Response(data={"public_key": public_key}) if made else None


@ca.on(Operation.DELETE)
def delete_ca(state: SSH, call: Call) -> Response | None:
    """Delete every issuer."""
    count = len(state.issuers)
    state.issuers.clear()
    state.default = ""
    if not count or not call.core.product.has(Feature.SSH_ISSUERS):
        return None
    return Response(warnings=[f"Deleted {count} issuers, including default issuer if configured."])


@submit.on(Operation.UPDATE)
def import_issuer(state: SSH, call: Call, *, issuer_name: str, set_default: bool) -> Response:
    """Add an issuer with an imported or generated key. Raises ErrorResponse and BackendError."""
    public_key, private_key, made = _key(call)
    name = ""
    if "issuer_name" in call and issuer_name.strip():
        name = _new_name(state, call)
    return _imported(state, call, public_key, private_key, name, made=made, default=set_default)


def _imported(
    state: SSH, call: Call, public_key: str, private_key: str, name: str = "", *, made: bool, default: bool
) -> Response:
    if not made:
        blob = _blob(public_key)
        known = next((one for one in state.issuers.values() if _blob(one.public_key) == blob), None)
        if known is not None:
            warning = "An issuer with the provided public key already exists, returning the existing issuer"
            return Response(data=_shown(known), warnings=[warning])
    issuer = SshIssuer(call.core.entropy.uuid(), public_key, private_key, name)
    if default or not state.issuers:
        state.default = issuer.id
    state.issuers[issuer.id] = issuer
    return Response(data=_shown(issuer))


def _blob(public_key: str) -> bytes:
    """Return the wire form of a key that was accepted before."""
    return ssh_public.parse_public(public_key, bounded=False).blob


def _key(call: Call) -> tuple[str, str, bool]:
    """Return public and private key, and whether they were generated. Raises ErrorResponse and BackendError."""
    public_key, private_key = call["public_key"], call["private_key"]
    asked = call.get("generate_signing_key")
    if asked:
        if public_key or private_key:
            raise ErrorResponse("public_key and private_key must not be set when generate_signing_key is set to true")
    elif public_key and private_key:
        _check_halves(call)
        return public_key, private_key, False
    elif public_key or private_key:
        raise ErrorResponse(
            "only one of public_key and private_key set; both must be set to use, or both must be blank to "
            "auto-generate"
        )
    elif asked is False:
        raise ErrorResponse("missing public_key")
    return _made(call)


def _check_halves(call: Call) -> None:
    """Raise ErrorResponse for an invalid public or private key."""
    if call.core.product.has(Feature.SSH_ISSUERS):
        order, text = ("public_key", "private_key"), "could not parse {0} provided value: "
    else:
        order, text = ("private_key", "public_key"), "Unable to parse {0} as an SSH {1} key: "
    for name in order:
        with refusing(text.format(name, name.removesuffix("_key"))):
            if name == "public_key":
                ssh_public.parse_public(call[name], bounded=call.core.product.has(Feature.SSH_KEY_BOUNDS))
            else:
                ssh.load_private(call[name])


def _only_key(call: Call) -> tuple[str, str, bool]:
    """Return public and private key of a mount's only issuer, and whether they were generated.

    Without ``generate_signing_key`` they are generated unless both are given. Raises ErrorResponse and BackendError.
    """
    public_key, private_key, asked = call["public_key"], call["private_key"], call.get("generate_signing_key")
    if asked or (public_key and private_key):
        return _key(call)
    if call["managed_key_name"] or call["managed_key_id"]:
        raise BackendError("managed keys are supported within enterprise edition only")
    if asked is False:
        raise ErrorResponse(
            "if generate_signing_key is false, either both public_key and private_key or a managed key must be provided"
        )
    return _made(call)


def _made(call: Call) -> tuple[str, str, bool]:
    with refusing(error=BackendError):
        return (*new_pair(call, call["key_type"], call["key_bits"]), True)


_CURVES = {"ecdsa-sha2-nistp256": 256, "ecdsa-sha2-nistp384": 384, "ecdsa-sha2-nistp521": 521}


def new_pair(call: Call, kind: str, bits: int) -> tuple[str, str]:
    """Return a new key pair: the public key as a line of ``authorized_keys``, the private key in PEM.

    Raises ValueError with the real server's text.
    """
    if kind in ("ssh-rsa", "rsa"):
        bits = bits or 4096
        if bits < 2048:
            raise ValueError(f"refusing to generate weak {kind} key: {bits} bits < 2048 bits")
        if bits % 8 or bits > 16384:
            raise ValueError(f"RSA keys of {bits} bits are not supported; use 2048, 3072 or 4096")
        private = x509_keys.generate("rsa", bits, call.core.entropy)
    elif kind in _CURVES or kind == "ec":
        bits = _CURVES.get(kind, bits or 256)
        if bits not in _CURVES.values():
            raise ValueError(f"unknown ECDSA key pair algorithm and bits: {kind} / {bits}")
        private = x509_keys.generate("ec", bits, call.core.entropy)
    elif kind in ("ssh-ed25519", "ed25519"):
        private = x509_keys.generate("ed25519", 0, call.core.entropy)
        key = ssh.load_private(x509_keys.private_pem(private, pkcs8=True))
        return ssh.public_of(key).line, ssh.openssh_pem(key)
    else:
        raise ValueError(f"unknown ssh key pair algorithm: {kind}")
    text = x509_keys.private_pem(private) + "\n"
    return ssh.public_of(ssh.load_private(text)).line, text


def _new_name(state: SSH, call: Call) -> str:
    name: str = call["issuer_name"].strip()
    if not name:
        raise ErrorResponse("expected non-empty issuer name")
    if name.lower() == DEFAULT:
        raise ErrorResponse("reserved keyword 'default' can not be used as issuer name")
    if re.fullmatch(r"\w(?:[\w\-.]*\w)?", name, re.ASCII) is None:
        raise ErrorResponse("issuer name contained invalid characters")
    if state.find_issuer(name) is not None:
        raise ErrorResponse("issuer name already in use")
    return name


@config.on(Operation.READ)
def read_default(state: SSH, _call: Call) -> Reply:
    """Return the id of the default issuer. Raises ErrorResponse without one."""
    if not state.default:
        raise ErrorResponse("no default issuer currently configured")
    return {"default": state.default}


@config.on(Operation.UPDATE)
def write_default(state: SSH, call: Call) -> Response:
    """Change the default issuer. Raises ErrorResponse and BackendError."""
    wanted = _reference(call, "default")
    if wanted in ("", DEFAULT):
        raise ErrorResponse("invalid issuer specification; must be non-empty and can't be 'default'.")
    found = state.find_issuer(wanted)
    if found is None:
        raise BackendError(f"error resolving issuer reference: unable to find issuer for reference: {wanted}")
    old = state.default
    if found.id == old:
        return Response(warnings=["The default issuer is already set to the specified issuer."])
    state.default = found.id
    warnings = []
    if old:
        resolved = f" (resolved to {found.id})" if found.id != wanted else ""
        warnings = [f"Previous default ({old}) has been updated with the issuer '{wanted}'{resolved}"]
    return Response(data={"default": found.id}, warnings=warnings)


@listing.on(Operation.LIST)
def list_issuers(state: SSH, _call: Call, *, after: str, limit: int) -> Reply:
    """Return the ids, with the name and public key of each issuer."""
    keys = page(sorted(state.issuers), after, limit)
    info = {
        issuer_id: {
            "is_default": issuer_id == state.default,
            "issuer_name": state.issuers[issuer_id].name,
            "public_key": state.issuers[issuer_id].public_key,
        }
        for issuer_id in keys
    }
    return {"keys": keys, "key_info": info}


@public.on(Operation.READ)
def read_public(state: SSH, call: Call) -> Response | None:
    """Return the public key of the default issuer. Raises ErrorResponse without one."""
    if not state.default and not call.core.product.has(Feature.SSH_ISSUERS):
        return None
    return _raw(state.issuer(DEFAULT))


@one_public.on(Operation.READ)
def read_one_public(state: SSH, call: Call) -> Response:
    """Return the public key of an issuer. Raises ErrorResponse."""
    return _raw(state.issuer(_reference(call)))


def _raw(issuer: SshIssuer) -> Response:
    return Response(raw=issuer.public_key.encode(), content_type="text/plain", status=200)


@one.on(Operation.READ)
def read(state: SSH, call: Call) -> Reply:
    """Return an issuer. Raises ErrorResponse."""
    return _shown(state.issuer(_reference(call)))


@one.on(Operation.UPDATE)
def rename(state: SSH, call: Call, *, issuer_name: str) -> Response:
    """Rename an issuer. Raises ErrorResponse."""
    issuer = state.issuer(_reference(call))
    asked = issuer_name.strip()
    if asked and asked == issuer.name:
        return Response(data=_shown(issuer))
    old = issuer.name
    issuer.name = _new_name(state, call) if "issuer_name" in call else ""
    return Response(data=_shown(issuer), warnings=_used(state, old))


@one.on(Operation.DELETE)
def delete(state: SSH, call: Call) -> Response | None:
    """Delete an issuer, if it exists."""
    reference = _reference(call)
    issuer = state.find_issuer(reference)
    if issuer is None:
        return None
    warnings = (_used(state, issuer.name) if issuer.name else []) + _used(state, issuer.id)
    del state.issuers[issuer.id]
    if state.default == issuer.id:
        state.default = ""
        warnings.append(
            f"Deleted issuer {issuer.id} (via issuer_ref {reference}); this was configured as the default issuer. "
            "Operations without an explicit issuer will not work until a new default is configured."
        )
        warnings += _used(state, DEFAULT)
    return Response(warnings=warnings) if warnings else None


def _used(state: SSH, name: str) -> list[str]:
    """Return the warning about roles that refer to an issuer by a name that becomes invalid.

    Roles for one-time passwords refer to the empty name.
    """
    count = sum((role.issuer_ref if role.key_type == "ca" else "") == name for role in state.roles.values())
    if count >= _MOST:
        return [f"The name '{name}' was in use by at least {_MOST} roles"]
    return [f"{count} roles reference '{name}'"] if count else []


@tidy.on(Operation.DELETE)
def tidy_keys(_state: SSH, _call: Call) -> Reply:
    """Report that nothing was removed."""
    return {"message": "Removed 0 of 0 host keys."}
