"""``mfa/method``: the MFA methods for logins, of four types."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockkms.vault.framework.endpoint import Call, Endpoint, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing
from mockkms.vault.identity.mfa.model import MfaMethod
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.identity import elsewhere, engine, listed, namespace_id
from mockkms.vault.secrets.identity.mfa.settings import FIELDS, SETTINGS

_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ID = Field(Kind.STRING, help="Id of the method.")
_NAME = Field(Kind.STRING, help="Name of the method, unique in its namespace; logins can use it instead of the id.")


def _declare(method_type: str) -> tuple[Endpoint, Endpoint, Endpoint, Endpoint]:
    """Declare a method and the list where the method's id is optional, and both where it is not."""
    stem = f"mfa/method/{method_type}" if method_type else "mfa/method"

    def own() -> Mapping[str, Field]:
        return {"method_name": _NAME, **FIELDS[method_type]()} if method_type else {}

    def fields() -> Mapping[str, Field]:
        return {**own(), "method_id": _ID}

    id_path, about, list_help = f"/{{method_id:re({_UUID})}}", "An MFA method for logins.", "The methods."
    return (
        engine.path(f"{stem}[{id_path}]", fields, help=about, needs=Feature.MFA_ID_OPTIONAL, go_errors=True),
        engine.path(f"{stem}[/]", help="List the methods.", needs=Feature.MFA_ID_OPTIONAL),
        engine.path(f"{stem}{id_path}", fields, help=about, needs=Feature.MFA_METHODS_APART),
        engine.path(f"{stem}[/]", own, help=list_help, needs=Feature.MFA_METHODS_APART),
    )


def _bind(method_type: str) -> None:
    either, listing, one, every = _declare(method_type)
    for method in (either, one):
        method.on(Operation.READ)(_reader(method_type))
        if method_type:
            method.on(Operation.UPDATE)(_writer(method_type))
            method.on(Operation.DELETE)(_deleter(method_type))
    for methods in (listing, every):
        methods.on(Operation.LIST)(_lister(method_type))
    if method_type:
        every.on(Operation.UPDATE)(_writer(method_type))


def _reader(method_type: str) -> Callable[..., Reply]:
    def read(state: object, call: Call, *, method_id: str) -> Reply:
        if not method_id:
            raise ErrorResponse("missing method ID")
        method = call.core.mfa.method(method_id)
        if method is None:
            return None
        own = call.request.namespace
        if not own.startswith(method.namespace) and not method.namespace.startswith(own):
            raise elsewhere("request namespace does not match method namespace")
        if method_type and method.type != method_type:
            raise ErrorResponse(f"failed to find the method ID under MFA type {method_type}.")
        return shown(call, method)

    return read


def _lister(method_type: str) -> Callable[[object, Call], dict[str, object]]:
    def list_methods(state: object, call: Call) -> dict[str, object]:
        own = call.request.namespace
        info = {
            method.id: shown(call, method)
            for method in call.core.mfa.methods()
            if own.startswith(method.namespace) and method_type in ("", method.type)
        }
        return listed(info)

    return list_methods


def _writer(method_type: str) -> Callable[..., Reply]:
    def write(state: object, call: Call, *, method_name: str) -> Reply:
        mfa, own, name = call.core.mfa, call.request.namespace, method_name
        method_id = call.get("method_id", "")  # The path without an id has no such parameter.
        found = mfa.method(method_id) if method_id else None
        if method_id and found is None:
            return None
        named = next((one for one in mfa.methods() if name and (one.namespace, one.name) == (own, name)), None)
        if found is not None and named is not None and named is not found:
            raise BackendError(f"a login MFA method configuration with the method name {name} already exists")
        method = found or named
        if method is not None and method.namespace != own:
            raise ErrorResponse("request namespace does not match method namespace")
        if method is None:
            method = MfaMethod(call.core.entropy.uuid(), method_type, own)
        with refusing():
            config = SETTINGS[method_type](call)
        method.type, method.config, method.name = method_type, config, name or method.name
        if "username_format" in call.endpoint.fields:
            method.username_format = call.get("username_format", method.username_format)
        mfa.state(own).methods[method.id] = method
        return None if method_id else {"method_id": method.id}

    return write


def _deleter(method_type: str) -> Callable[..., None]:
    def delete(state: object, call: Call, *, method_id: str) -> None:
        mfa = call.core.mfa
        if not method_id:
            raise ErrorResponse("missing method ID")
        for enforcement in mfa.enforcements():
            if method_id in enforcement.method_ids:
                raise BackendError(f"methodID is still used by an enforcement configuration with ID: {enforcement.id}")
        method = mfa.method(method_id)
        if method is None:
            return
        if method.type != method_type:
            raise BackendError("method type does not match the MFA config type")
        if method.namespace != call.request.namespace:
            raise BackendError("request namespace does not match method namespace")
        inside = mfa.state(method.namespace)
        inside.keys = {key: secret for key, secret in inside.keys.items() if key[0] != method_id}
        del inside.methods[method_id]

    return delete


def shown(call: Call, method: MfaMethod) -> dict[str, object]:
    """Return a method as responses show it, without its secret settings."""
    config = method.config
    data: dict[str, object] = {}
    if method.type == "totp":
        data = dict(config)
    elif method.type == "okta":
        data = {"org_name": config["org_name"]}
        word = "base_url" if config["base_url"] else "production"
        data[word] = config[word]
    elif method.type == "duo":
        data = {"api_hostname": config["api_hostname"], "pushinfo": config["push_info"]}
        data["use_passcode"] = config["use_passcode"]
    else:
        names = ("use_signature", "idp_url", "org_alias", "admin_url", "authenticator_url")
        data = {name: config[name] for name in names}
    if method.type in ("okta", "duo"):
        data.update(mount_accessor="", username_format=method.username_format)
    data.update(type=method.type, id=method.id, name=method.name, namespace_path=method.namespace)
    data["namespace_id"] = namespace_id(call, method.namespace)
    return data


for _type in ("", *FIELDS):
    _bind(_type)
