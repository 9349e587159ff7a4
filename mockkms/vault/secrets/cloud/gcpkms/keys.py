"""``config`` and ``keys/``: creating, registering, configuring, rotating and deleting keys."""

from __future__ import annotations

import re

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.secrets.cloud.gcpkms.model import (
    ALGORITHMS,
    ENCRYPT,
    KEY_ID,
    NAME,
    PLACE,
    PURPOSES,
    SYMMETRIC,
    CloudError,
    CryptoKey,
    GcpKms,
    GcpKmsConfig,
    RegisteredKey,
    check_fields,
    engine,
    missing,
)
from mockkms.vault.secrets.issuing import Setting

_RING = re.compile(rf"{PLACE}/keyRings/{NAME}")
_LEVELS = ("hsm", "software")
_NAMED = {"key": Field(Kind.STRING, help="Name of the key.")}
_ROTATED = (
    "The crypto key version was rotated successfully, but it can take up to 2 hours for the new crypto key version to "
    "become the primary. In practice, it is usually much shorter. To ensure you are using this latest key version, "
    "specify the key_version attribute during operations or issue a read operation and verify the key version has "
    "propagated."
)

config: Setting[GcpKms, GcpKmsConfig] = Setting(
    engine, "config", GcpKmsConfig, "config", help="How Cloud KMS is accessed.", existence=True,
    supplies=(Operation.DELETE,),
)  # fmt: skip
listing = engine.path("keys[/]", help="Names of the keys.")
one = engine.path(
    "keys/{key}",
    {
        **_NAMED,
        "algorithm": Field(Kind.STRING, help="Algorithm; symmetric_encryption by default."),
        "key_ring": Field(Kind.STRING, help="Resource id of the key ring, which is created if it does not exist."),
        "crypto_key": Field(Kind.STRING, help="Name of the crypto key; by default that of the key."),
        "protection_level": Field(Kind.STRING, help="software or hsm."),
        "purpose": Field(Kind.STRING, help="encrypt_decrypt, asymmetric_decrypt or asymmetric_sign."),
        "rotation_period": Field(Kind.SECONDS, help="Seconds between rotations of a symmetric key."),
        "labels": Field(Kind.KV_PAIRS, help="Labels of the crypto key."),
    },
    help="A key.",
    go_errors=True,
)
settings = engine.path(
    "keys/config/{key}",
    {
        **_NAMED,
        "min_version": Field(Kind.INT, help="Lowest version that may be used; 0: any."),
        "max_version": Field(Kind.INT, help="Highest version that may be used; 0: any."),
    },
    help="The versions of a key that may be used.",
)
deregister = engine.path("keys/deregister/{key}", _NAMED, help="Forget a key; the crypto key stays.")
register = engine.path(
    "keys/register/{key}",
    {
        **_NAMED,
        "crypto_key": Field(Kind.STRING, help="Resource id of the crypto key."),
        "verify": Field(Kind.BOOL, default=True, help="Check that the crypto key exists."),
    },
    help="Use an existing crypto key.",
    go_errors=True,
)
rotate = engine.path("keys/rotate/{key}", _NAMED, help="Create a new version of a key.", go_errors=True)
trim = engine.path("keys/trim/{key}", _NAMED, help="Destroy the versions below min_version.", go_errors=True)


@config.endpoint.on(Operation.READ)
def read_config(state: GcpKms, call: Call) -> Reply:
    """Return the scopes."""
    return (state.config or GcpKmsConfig()).shown(call.core.product)


@config.write
def write_config(_state: GcpKms, call: Call, found: GcpKmsConfig) -> None:
    """Change the settings. Raises BackendError."""
    check_fields(call)
    found.update_from(call)
    found.credentials = found.credentials.strip()
    found.scopes = sorted({scope.strip().lower() for scope in found.scopes if scope.strip()})


@listing.on(Operation.LIST)
def list_keys(state: GcpKms, _call: Call) -> Reply:
    """Return the names, sorted."""
    return {"keys": sorted(state.keys)} if state.keys else {}


@one.existence
@settings.existence
@trim.existence
def exists(state: GcpKms, _call: Call, *, key: str) -> bool:
    """Return whether the key is registered."""
    return key in state.keys


@one.on(Operation.READ)
def read(state: GcpKms, call: Call, *, key: str) -> Reply:
    """Return the crypto key behind a key. Raises ErrorResponse and BackendError."""
    check_fields(call)
    with refusing("failed to read crypto key: ", BackendError, of=CloudError):
        found = state.behind(state.registered(key))
    shown: dict[str, object] = {
        "algorithm": found.algorithm, "id": found.id, "protection_level": found.protection_level,
        "purpose": found.purpose,
    }  # fmt: skip
    if found.labels:
        shown["labels"] = dict(found.labels)
    if found.rotation_period:
        shown |= {
            "next_rotation_time_seconds": int(found.next_rotation),
            "rotation_schedule_seconds": found.rotation_period,
        }
    if found.algorithm == SYMMETRIC:
        shown |= {"primary_version": str(found.primary), "state": found.versions[found.primary - 1].state}
    return shown


@one.on(Operation.CREATE, Operation.UPDATE)
def write(
    state: GcpKms, call: Call, *, key: str, key_ring: str, crypto_key: str, labels: dict[str, str],
    rotation_period: int | None = None, purpose: str | None = None, algorithm: str | None = None,
    protection_level: str | None = None,
) -> None:  # fmt: skip
    """Create a crypto key and register it, or change its labels and rotation. Raises ErrorResponse, BackendError."""
    check_fields(call)
    update = key in state.keys
    made = CryptoKey(
        "", _chosen("purpose", purpose, PURPOSES, ENCRYPT, fixed=update),
        protection_level=_chosen("protection level", protection_level, _LEVELS, "software", fixed=update),
        labels=labels,
    )  # fmt: skip
    if algorithm is None and made.purpose != ENCRYPT:
        missing("algorithm")
    made.algorithm = _chosen("algorithm", algorithm, (*ALGORITHMS,), SYMMETRIC, fixed=False)
    if _RING.fullmatch(key_ring) is None:
        fault = CloudError("InvalidArgument", f"Invalid resource field value in the request: name: {quote(key_ring)}.")
        raise BackendError(f"failed to check if key ring exists: {fault}")
    made.id = f"{key_ring}/cryptoKeys/{crypto_key or key}"
    if KEY_ID.fullmatch(made.id) is None:
        text = f"Invalid resource field value in the request: crypto_key_id: {quote(crypto_key or key)}."
        raise BackendError(f"failed to create crypto key: {CloudError('InvalidArgument', text)}")
    found = state.crypto_keys.get(made.id)
    if found is not None and not update:
        raise ErrorResponse(
            "cannot update a key that is not already registered - register the key first using the /keys/register "
            "endpoint, and then update any configuration fields.",
            status=403,
        )
    if found is None:
        found = made
        if ALGORITHMS[made.algorithm] != made.purpose != "unspecified":
            text = f"The algorithm {made.algorithm.upper()} is not valid for keys with purpose {made.purpose.upper()}."
            raise BackendError(f"failed to create crypto key: {CloudError('InvalidArgument', text)}")
        found.add_version(call.core.entropy)
        state.crypto_keys[found.id] = found
    found.labels = labels
    if rotation_period is not None:
        found.rotation_period = rotation_period
        found.next_rotation = call.now() + rotation_period if rotation_period else 0.0
    state.keys[key] = RegisteredKey(found.id)


def _chosen(what: str, given: str | None, known: tuple[str, ...], usual: str, *, fixed: bool) -> str:
    """Return one of several names. Raises BackendError for another one, and for any that cannot be changed."""
    if given is None:
        return usual
    if fixed:
        raise BackendError(f"cannot change {what} after key creation", status=400)
    if given.lower() not in known:
        names = " ".join(quote(name) for name in known)
        plural = what.removesuffix("y") + "ies" if what.endswith("y") else f"{what}s"
        raise BackendError(f"unknown {what} {quote(given)}, valid {plural} are [{names}]", status=400)
    return given.lower()


@one.on(Operation.DELETE)
def delete(state: GcpKms, call: Call, *, key: str) -> None:
    """Destroy all versions of a crypto key, and forget the key. Raises ErrorResponse and BackendError."""
    check_fields(call)
    with refusing("failed to disable rotation on crypto key: ", BackendError, of=CloudError):
        found = state.behind(state.registered(key))
    found.rotation_period, found.next_rotation = 0, 0.0
    found.destroy()
    del state.keys[key]


@settings.on(Operation.READ)
def read_settings(state: GcpKms, call: Call, *, key: str) -> Reply:
    """Return the crypto key and the versions that may be used. Raises ErrorResponse."""
    check_fields(call)
    found = state.registered(key)
    limits = {"min_version": found.min_version, "max_version": found.max_version}
    return {"name": key, "crypto_key": found.crypto_key, **{name: value for name, value in limits.items() if value}}


@settings.on(Operation.CREATE, Operation.UPDATE)
def write_settings(state: GcpKms, call: Call, *, key: str) -> None:
    """Change the versions that may be used. Raises ErrorResponse."""
    check_fields(call)
    found = state.registered(key)
    for name in ("min_version", "max_version"):
        if name in call:
            setattr(found, name, max(call[name], 0))


@deregister.on(Operation.UPDATE, Operation.DELETE)
def forget(state: GcpKms, call: Call, *, key: str) -> None:
    """Forget a key; the crypto key stays."""
    check_fields(call)
    state.keys.pop(key, None)


@register.on(Operation.UPDATE)
def use_existing(state: GcpKms, call: Call, *, key: str, crypto_key: str, verify: bool) -> None:
    """Register a crypto key, which is assumed to exist as a symmetric one unless it is known. Raises BackendError."""
    check_fields(call)
    known = KEY_ID.fullmatch(crypto_key) is not None
    if not known and verify:
        text = f"Invalid resource field value in the request: name: {quote(crypto_key)}."
        raise BackendError(f"failed to read crypto key: {CloudError('InvalidArgument', text)}")
    if known and crypto_key not in state.crypto_keys:
        state.crypto_keys[crypto_key] = made = CryptoKey(crypto_key)
        made.add_version(call.core.entropy)
    state.keys[key] = RegisteredKey(crypto_key)


@rotate.on(Operation.UPDATE)
def rotate_key(state: GcpKms, call: Call, *, key: str) -> Response:
    """Create a version, the primary one of a symmetric key. Raises ErrorResponse and BackendError."""
    check_fields(call)
    with refusing("failed to create new crypto key version: ", BackendError, of=CloudError):
        number = state.behind(state.registered(key)).add_version(call.core.entropy)
    return Response(data={"key_version": str(number)}, warnings=[_ROTATED])


@trim.on(Operation.CREATE, Operation.UPDATE, Operation.DELETE)
def trim_key(state: GcpKms, call: Call, *, key: str) -> None:
    """Destroy the versions below ``min_version``, if it is set. Raises ErrorResponse and BackendError."""
    check_fields(call)
    found = state.registered(key)
    if found.min_version:
        with refusing("failed to list crypto key versions: ", BackendError, of=CloudError):
            state.behind(found).destroy(found.min_version)
