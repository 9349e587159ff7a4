"""``wrapping_key``, ``keys/{name}/import`` and ``keys/{name}/import_version``: keys from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mockkms.crypto import CryptoError, keywrap
from mockkms.crypto.encoding import b64, containers, pem
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, VaultError, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.transit import (
    HASH_OF_WRAPPING,
    NAME,
    engine,
)
from mockkms.vault.secrets.transit.keys.keyring import add_version, find, rotate
from mockkms.vault.secrets.transit.keys.keys import CMAC, CMAC_REFUSED
from mockkms.vault.secrets.transit.model import (
    HMAC_MAX_SIZE,
    HMAC_MIN_SIZE,
    TYPES,
    KeyType,
    KeyVersion,
    Transit,
    TransitKey,
)

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment

_MATERIAL: Final = {
    "name": NAME,
    "ciphertext": Field(Kind.STRING, help="The key wrapped for wrapping_key, in base64."),
    "public_key": Field(Kind.STRING, help="A public key in PEM, instead of ciphertext."),
    "hash_function": HASH_OF_WRAPPING,
}

_SETTINGS = ("derived", "exportable", "allow_plaintext_backup", "auto_rotate_period")

create = engine.path(
    "keys/{name}/import",
    lambda: {
        **_MATERIAL,
        "type": Field(Kind.STRING, default="aes256-gcm96", help="Type of the key."),
        "allow_rotation": Field(Kind.BOOL, help="Allow the server to make new versions."),
        **TransitKey.fields(*_SETTINGS),
        "context": Field(Kind.STRING, help="Accepted, without effect."),
    },
    help="Import a key.",
    go_errors=True,
)
extend = engine.path(
    "keys/{name}/import_version",
    {**_MATERIAL, "version": Field(Kind.INT, help="A version with only a public key, which gets its private half.")},
    help="Import a version of an imported key.",
    go_errors=True,
)
wrapping = engine.path("wrapping_key", help="The key with which imports are wrapped.")


@wrapping.on(Operation.READ)
def read_wrapping_key(state: Transit, call: Call) -> Reply:
    """Return the public half of the wrapping key in PEM."""
    return {"public_key": pem.encode("PUBLIC KEY", wrapping_key(state, call.core).latest.public)}


def wrapping_key(state: Transit, core: Environment) -> TransitKey:
    """Return the mount's RSA-4096 key for imports, which is created at its first use."""
    if state.wrapping_key is None:
        key = TransitKey("import/wrapping-key", "rsa-4096")
        rotate(key, core.clock.now(), core)
        state.wrapping_key = key
    return state.wrapping_key


@create.on(Operation.UPDATE)
def import_key(
    state: Transit,
    call: Call,
    *,
    auto_rotate_period: int,
    allow_rotation: bool,
    name: str,
) -> Reply:
    """Create a key from imported material. Raises ErrorResponse and BackendError."""
    if "convergent_encryption" in call.raw:
        raise BackendError("import cannot be used on keys with convergent encryption enabled")
    if auto_rotate_period > 0 and not allow_rotation:
        raise BackendError("allow_rotation must be set to true if auto-rotation is enabled")
    _check_one_source(call)
    key_type = call["type"].lower()
    if key_type in CMAC and call.core.product.has(Feature.TRANSIT_ENTERPRISE):
        raise ErrorResponse(CMAC_REFUSED)
    kind = TYPES.get(key_type)
    if kind is None or (kind.name == "xchacha20-poly1305" and not call.core.product.has(Feature.TRANSIT_ADDITIONS)):
        raise ErrorResponse(f"unknown key type: {call['type']}")
    if find(state, name, call.core) is not None:
        raise BackendError(
            "the import path cannot be used with an existing key; use import-version to rotate an existing imported key"
        )
    key = TransitKey(name, kind.name, imported=True, allow_imported_rotation=allow_rotation)
    key.update_from(call, *_SETTINGS)
    material, private = _material(state, call, kind)
    with refusing("error importing key: ", BackendError, of=VaultError):
        add_imported(key, material, call, private=private)
    state.keys[name] = key
    return None


@extend.on(Operation.UPDATE)
def import_version(state: Transit, call: Call, *, name: str, version: int) -> Reply:
    """Add a version to an imported key, or the private half to a version that lacks it. Raises BackendError."""
    _check_one_source(call)
    key = find(state, name, call.core)
    if key is None:
        raise BackendError(f"no key found with name {name}; to import a new key, use the import/ endpoint")
    if not key.imported:
        raise BackendError("the import_version endpoint can only be used with an imported key")
    if key.convergent_encryption:
        raise BackendError("import_version cannot be used on keys with convergent encryption enabled")
    material, private = _material(state, call, key.kind)
    with refusing(error=BackendError, of=VaultError):
        if "version" in call:
            _check_completable(key, version, private=private)
            complete(key, version, material)
        else:
            add_imported(key, material, call, private=private)
    return None


def _check_one_source(call: Call) -> None:
    """Raise BackendError for two sources; the real server reads an undocumented name of the public key here."""
    if "ciphertext" in call.raw and "publicKey" in call.raw:
        raise BackendError("only one of the following fields, ciphertext and public_key, can be set")


def _material(state: Transit, call: Call, kind: KeyType) -> tuple[bytes, bool]:
    """Return the material, unwrapped bytes or a text in PEM, and whether it is private. Raises VaultError."""
    if "ciphertext" not in call.raw:
        if not kind.asymmetric:
            raise BackendError("provided type does not support public_key import")
        return call["public_key"].encode("utf-8", "surrogatepass"), False
    with refusing():
        hash_name = keywrap.hash_named(call["hash_function"])
    with refusing(error=BackendError):
        blob = b64.decode(call["ciphertext"])
        if len(blob) <= 512:
            raise CryptoError("provided ciphertext is too short")
        return keywrap.unwrap(wrapping_key(state, call.core).latest.key, blob, hash_name), True


def add_imported(key: TransitKey, material: bytes, call: Call, *, private: bool) -> None:
    """Add a version of imported material, or complete the latest one if it lacks just this private key.

    Raises VaultError.
    """
    key.check_alive()
    if private and key.versions and key.latest.private_missing:
        try:
            complete(key, key.latest_version, material)
        except VaultError:
            pass
        else:
            return
    random = call.core.entropy.bytes
    version = KeyVersion(b"", b"" if key.type == "hmac" else random(32), call.now())
    if key.type == "ed25519" and key.derived and not private:
        raise BackendError(
            "unable to import only public key for derived Ed25519 key: imported key should not be an Ed25519 key pair "
            "but is instead an HKDF key"
        )
    if key.kind.asymmetric:
        _fill(
            key,
            version,
            _parse(material, private=private, names_form=call.core.product.has(Feature.TRANSIT_NAMES_PKCS8)),
        )
    else:
        _check_size(key, len(material))
        version.key = material
        if key.type == "hmac":
            version.hmac_key = material
            key.key_size = len(material)
    add_version(key, version)


def _check_size(key: TransitKey, size: int) -> None:
    wanted = range(HMAC_MIN_SIZE, HMAC_MAX_SIZE + 1) if key.type == "hmac" else (key.kind.size,)
    if size not in wanted:
        raise BackendError(f"invalid key size {size} bytes for key type {key.type}")


def _parse(material: bytes, *, private: bool, names_form: bool = False) -> containers.Parsed:
    """Return a private or public key. Raises BackendError; with ``names_form`` its text names the form PKCS#8."""
    try:
        if private:
            return containers.parse_private(material)
        block = pem.decode(material.decode("utf-8", "surrogatepass"))
        if block is None:
            raise BackendError("error parsing public key: not in PEM format")
        return containers.parse_public(block.der)
    except CryptoError as error:
        text = str(error)
        if names_form:
            text = text.replace(": asn1: ", ": private key must be encoded as PKCS#8: asn1: ", 1)
        raise BackendError(text) from None


def _fill(key: TransitKey, version: KeyVersion, parsed: containers.Parsed) -> None:
    """Put a parsed key into a version if it is of the key's type. Raises VaultError."""
    kind = key.kind
    family = "rsa" if kind.bits else "ec" if kind.curve else kind.name
    if parsed.family != family:
        raise BackendError(f"invalid key type: expected {key.type}, got {parsed.go_type}")
    if kind.curve and parsed.curve != kind.curve:
        raise BackendError(f"invalid curve: expected {kind.curve}, got {parsed.curve}")
    size = (parsed.bits + 7) // 8
    if kind.bits and size != kind.bits // 8:
        raise BackendError(f"invalid key size: expected {kind.bits // 8} bytes, got {size} bytes")
    version.key, version.public = parsed.private or version.key, parsed.public


def _check_completable(key: TransitKey, number: int, *, private: bool) -> None:
    """Raise VaultError unless version ``number`` lacks its private key and one is given."""
    version = key.version(number)
    if not key.kind.asymmetric:
        raise BackendError("provided type does not support importing key versions")
    if not version.private_missing:
        raise BackendError("private key imported, key version cannot be updated")
    if not private:
        raise BackendError("cannot add a public key to a key version that already has a public key set")


def complete(key: TransitKey, number: int, material: bytes) -> None:
    """Give version ``number`` its private half. Raises VaultError if the halves do not match."""
    key.check_alive()
    version = key.version(number)
    parsed = _parse(material, private=True)
    if parsed.family in ("rsa", "ec", "ed25519") and parsed.public != version.public:
        raise BackendError("cannot import key, key pair does not match")
    _fill(key, version, parsed)
