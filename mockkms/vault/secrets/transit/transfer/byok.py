"""``byok-export/{destination}/{source}[/{version}]``: a key wrapped for import into another server."""

from __future__ import annotations

from mockkms.crypto import CryptoError, keywrap
from mockkms.crypto.asymmetric import private_der
from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.secrets.transit import engine
from mockkms.vault.secrets.transit.keys.keyring import find
from mockkms.vault.secrets.transit.model import SOFT_DELETED, KeyVersion, Transit, TransitKey
from mockkms.vault.secrets.transit.transfer.export import versions_asked

endpoint = engine.path(
    "byok-export/{destination}/{source}[/{version:some}]",
    {
        "destination": Field(Kind.STRING, help="The RSA key to wrap with."),
        "source": Field(Kind.STRING, help="The key to export."),
        "version": Field(Kind.STRING, help="A version, or latest; all if absent."),
        "hash": Field(Kind.STRING, default="SHA256", help="Hash of the wrapping: SHA1, SHA224 … SHA512.", query=True),
    },
    help="Export a key wrapped for another server.",
    go_errors=True,
)


@endpoint.on(Operation.READ)
def export(state: Transit, call: Call, *, destination: str, source: str, version: str) -> Reply:
    """Return one version, or all that are in use, each in the form that ``import`` reads."""
    wrapping = find(state, destination, call.core)
    if wrapping is None:
        raise BackendError("no such destination key to export to")
    if wrapping.soft_deleted:
        raise BackendError(f"for destination key: {SOFT_DELETED}")
    key = find(state, source, call.core)
    if key is None:
        raise BackendError("no such source key for export")
    if not key.exportable:
        raise ErrorResponse("key is not exportable")
    if key.soft_deleted:
        raise BackendError(f"for source key: {SOFT_DELETED}")
    wrapped = {str(number): _wrapped(wrapping, key, one, call) for number, one in versions_asked(key, version)}
    return {"name": key.name, "type": key.type, "keys": wrapped}


def _wrapped(destination: TransitKey, source: TransitKey, version: KeyVersion, call: Call) -> str:
    with refusing(error=BackendError):
        hash_name = keywrap.hash_named(call["hash"])
    if not destination.kind.signs:
        raise BackendError(f"message signing not supported for key type {destination.type}")
    if not destination.kind.bits:
        raise BackendError("unsupported key type in use; must be a rsa key")
    if version.private_missing:
        raise BackendError("failed to wrap target key for import: x509: unknown key type while marshaling PKCS#8: nil")
    ephemeral = call.core.entropy.bytes(keywrap.EPHEMERAL_SIZE)
    failed = "failed to wrap target key for import: failed to encrypt ephemeral wrapping key with public key: "
    with refusing(failed, BackendError, of=CryptoError):
        return b64.encode(keywrap.wrap(destination.latest.public, _container(source, version), ephemeral, hash_name))


def _container(source: TransitKey, version: KeyVersion) -> bytes:
    """Return the bytes to wrap: a symmetric key as it is, any other in PKCS #8."""
    if source.type != "ed25519":
        return version.key
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return private_der(Ed25519PrivateKey.from_private_bytes(version.key[:32]))
