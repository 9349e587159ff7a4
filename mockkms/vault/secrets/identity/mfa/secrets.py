"""``mfa/method/totp/generate``, ``admin-generate`` and ``admin-destroy``: the TOTP keys of entities."""

from __future__ import annotations

import base64

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.fmt import quote
from mockkms.vault.identity.mfa.model import TOTP, MfaMethod, Secret
from mockkms.vault.identity.model import Entity
from mockkms.vault.secrets.identity import engine, own, store

_METHOD = {"method_id": Field(Kind.STRING, help="Id of the method.")}
_BOTH = {**_METHOD, "entity_id": Field(Kind.STRING, help="Id of the entity.")}

generate = engine.path("mfa/method/totp/generate", _METHOD, help="Generate a TOTP key for the caller's entity.")
admin_generate = engine.path(
    "mfa/method/totp/admin-generate", _BOTH, help="Generate a TOTP key for an entity.", go_errors=True
)
admin_destroy = engine.path(
    "mfa/method/totp/admin-destroy", _BOTH, help="Remove the TOTP key of an entity.", go_errors=True
)


@generate.on(Operation.UPDATE)
def make_own(state: object, call: Call, *, method_id: str) -> Reply:
    """Make a key for the entity of the request's token."""
    client = call.request.client
    return _make(call, method_id, client.entity_id if client is not None else "")


@admin_generate.on(Operation.UPDATE)
def make_for(state: object, call: Call, *, method_id: str, entity_id: str) -> Reply:
    """Make a key for any entity of the namespace."""
    return _make(call, method_id, entity_id)


def _make(call: Call, method_id: str, entity_id: str) -> Reply:
    if not method_id:
        raise ErrorResponse("missing method ID")
    if not entity_id:
        raise ErrorResponse("missing entityID")
    method = _method(call, method_id)
    entity = _entity(call, entity_id)
    _check_namespaces(call, method, entity, "the config namespace", method.namespace)
    if method.type != TOTP:
        raise ErrorResponse(f"generate not available for MFA type {quote(method.type)}")
    if method.id in entity.mfa:
        return Response(warnings=[f"Entity already has a secret for MFA method {quote(method.name)}"])
    return _new_key(call, method, entity)


def _new_key(call: Call, method: MfaMethod, entity: Entity) -> dict[str, object]:
    from mockkms.crypto import totp

    config = method.config
    settings: totp.Settings = {"period": config["period"], "digits": config["digits"], "algorithm": config["algorithm"]}
    secret = totp.encoded(call.core.entropy.bytes(config["key_size"]))
    url = totp.url(secret, config["issuer"], entity.id, **settings)
    with refusing("failed to generate QR code image: ", BackendError):
        picture = totp.picture(url, config["qr_size"]) if config["qr_size"] else b""
    call.core.mfa.state(entity.namespace).keys[method.id, entity.id] = secret
    entity.settle()
    entity.mfa[method.id] = Secret(method.name, skew=config["skew"], **settings)
    store(call).changed()
    return {"url": url, "barcode": base64.b64encode(picture).decode()}


@admin_destroy.on(Operation.UPDATE)
def destroy(state: object, call: Call, *, method_id: str, entity_id: str) -> None:
    """Take a key from its entity; as on the real server, the key itself stays stored."""
    if not method_id:
        raise ErrorResponse("missing method ID")
    if not entity_id:
        raise ErrorResponse("missing entity ID")
    entity = _entity(call, entity_id)
    method = _method(call, method_id)
    if method.type != TOTP:
        raise BackendError("method ID does not match TOTP type")
    _check_namespaces(call, method, entity, "the current namespace", call.request.namespace)
    entity.settle()
    entity.mfa.pop(method.id, None)
    store(call).changed()


def _method(call: Call, method_id: str) -> MfaMethod:
    method = call.core.mfa.method(method_id)
    if method is None:
        raise ErrorResponse(f"configuration for method ID {quote(method_id)} does not exist")
    return method


def _entity(call: Call, entity_id: str) -> Entity:
    entity = own(call, store(call).state.entities, entity_id)
    if entity is None:
        raise ErrorResponse("invalid entity ID")
    return entity


def _check_namespaces(call: Call, method: MfaMethod, entity: Entity, outside: str, path: str) -> None:
    if not entity.namespace.startswith(method.namespace):
        raise ErrorResponse(f"entity namespace {entity.namespace} outside of {outside} {path}")
