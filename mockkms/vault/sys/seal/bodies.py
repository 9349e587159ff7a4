"""Bodies of endpoints outside the core: decoded into a struct, so a wrong JSON type is an error with Go's text.

Each class is named as the struct of the real server's source, since the error text names it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import field
from typing import TypeVar

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse
from mockkms.vault.golang import json as go_json
from mockkms.vault.products.features import Feature

_GO_TYPES = {str: "string", int: "int", bool: "bool", list: "[]string"}
_GO_NAME = "go"
"""The key under which a member has its name in Go's error texts, if that is not its JSON name."""

_GO_TYPE = "type"
"""The key under which a member has its type in Go, if that is not the usual one."""


@dataclass
class UnsealRequest:
    """The body of ``sys/unseal``."""

    key: str = field(default="", metadata={_GO_NAME: "Key"})
    reset: bool = field(default=False, metadata={_GO_NAME: "Reset"})
    migrate: bool = field(default=False, metadata={_GO_NAME: "Migrate"})


@dataclass
class InitRequest:
    """The body of ``sys/init``."""

    secret_shares: int = 0
    secret_threshold: int = 0
    pgp_keys: list[str] = field(default_factory=list)
    recovery_shares: int = 0
    recovery_threshold: int = 0
    recovery_pgp_keys: list[str] = field(default_factory=list)
    root_token_pgp_key: str = ""


@dataclass
class RekeyRequest:
    """The body of ``sys/rekey/init``."""

    secret_shares: int = 0
    secret_threshold: int = 0
    pgp_keys: list[str] = field(default_factory=list)
    backup: bool = False
    require_verification: bool = False


@dataclass
class RekeyDeleteRequest:
    """The body of a ``DELETE sys/rekey/init``."""

    nonce: str = ""


@dataclass
class RekeyUpdateRequest:
    """The body of ``sys/rekey/update``."""

    key: str = field(default="", metadata={_GO_NAME: "Key"})
    nonce: str = field(default="", metadata={_GO_NAME: "Nonce"})


@dataclass
class RekeyVerificationUpdateRequest:
    """The body of ``sys/rekey/verify``."""

    key: str = ""
    nonce: str = ""


@dataclass
class GenerateRootInitRequest:
    """The body of ``sys/generate-root/attempt``."""

    otp: str = ""
    pgp_key: str = ""


@dataclass
class GenerateRootUpdateRequest:
    """The body of ``sys/generate-root/update``."""

    key: str = field(default="", metadata={_GO_NAME: "Key"})
    nonce: str = field(default="", metadata={_GO_NAME: "Nonce"})


@dataclass
class JoinRequest:
    """The body of ``sys/storage/raft/join``."""

    auto_join: str = ""
    auto_join_scheme: str = ""
    auto_join_port: int = field(default=0, metadata={_GO_TYPE: "uint"})
    leader_api_addr: str = ""
    leader_ca_cert: str = ""
    leader_client_cert: str = ""
    leader_client_key: str = ""
    leader_tls_servername: str = ""
    retry: bool = False
    non_voter: bool = False


Struct = TypeVar(
    "Struct",
    JoinRequest,
    UnsealRequest,
    InitRequest,
    RekeyRequest,
    RekeyDeleteRequest,
    RekeyUpdateRequest,
    RekeyVerificationUpdateRequest,
    GenerateRootInitRequest,
    GenerateRootUpdateRequest,
)


def decode(call: Call, struct: type[Struct], *, required: bool = False) -> Struct:
    """Return a request's body as ``struct``; missing and null members keep their zero value. Raises ErrorResponse.

    Names match case-insensitively, as in Go. ``required``: a missing body is refused with Go's text, if the product
    does so.
    """
    empty = not call.request.data and not call.request.body.strip()
    if required and empty and call.core.product.has(Feature.BODY_REQUIRED):
        raise ErrorResponse("EOF")
    members: Mapping[str, object] = call.request.data
    if not members and call.request.body:
        # Of a DELETE, the gateway reads no parameters from the body; these endpoints do.
        members = _object(call, struct)
    sent = {name.lower(): value for name, value in members.items()}
    body = struct()
    for member in dataclasses.fields(struct):
        value = sent.get(member.name)
        if value is None:
            continue
        kind = type(getattr(body, member.name))
        go_type = member.metadata.get(_GO_TYPE, "")
        wrong = _wrong(value, kind)
        if go_type == "uint" and not wrong and isinstance(value, int) and value < 0:
            wrong = f"number {value}"
        if wrong:
            target = f"{struct.__name__}.{member.metadata.get(_GO_NAME, member.name)}"
            # Of a list, Go names the type of its items if one of them is wrong.
            wanted = str if kind is list and isinstance(value, list) else kind
            text = (
                f"json: cannot unmarshal {wrong} into Go struct field {target} of type {go_type or _GO_TYPES[wanted]}"
            )
            raise ErrorResponse(call.core.product.texts.json_error_prefix + text)
        setattr(body, member.name, list(value) if kind is list and isinstance(value, list) else value)
    return body


def _object(call: Call, struct: type[Struct]) -> Mapping[str, object]:
    """Return the members of a body. Raises ErrorResponse if it is not an object."""
    try:
        return go_json.as_object(go_json.decode(call.request.body)) or {}
    except go_json.GoJSONError as error:
        text = str(error).replace("map[string]interface {}", f"http.{struct.__name__}")
        raise ErrorResponse(call.core.product.texts.json_error_prefix + text) from None


def from_fields(call: Call, struct: type[Struct]) -> Struct:
    """Return the converted parameters of an endpoint as ``struct``."""
    return struct(**{member.name: call[member.name] for member in dataclasses.fields(struct)})


def _wrong(value: object, kind: type) -> str:
    """Return Go's name for a value of the wrong type; empty if the type is right."""
    if isinstance(value, bool):
        return "" if kind is bool else "bool"
    if isinstance(value, list):
        if kind is list:
            bad = next((item for item in value if not isinstance(item, str)), None)
            return _wrong(bad, str) if bad is not None else ""
        return "array"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, str):
        return "" if kind is str else "string"
    if kind is int and isinstance(value, int) and -(2**63) <= value < 2**63:
        return ""
    return f"number {value}" if kind is int else "number"
