"""``sys/config/cors``: cross-origin requests from browsers."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from mockkms.lazy_dataclass import dataclass
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, Operation, Response
from mockkms.vault.products.features import Feature
from mockkms.vault.sys.engine import engine
from mockkms.world.stored import stored

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Environment

_SHARED = ("X-Vault-MFA", "X-Vault-No-Request-Forwarding", "X-Vault-Wrap-Format", "X-Vault-Wrap-TTL")
_BROWSER = ("X-Requested-With", "X-Vault-AWS-IAM-Server-ID")
_CREDENTIALS = ("Authorization", "X-Vault-Token")
_OVERRIDE = ("X-Vault-Policy-Override",)
_METHODS = ("DELETE", "GET", "OPTIONS", "POST", "PUT")
MAX_AGE = 300
"""Seconds a browser may keep the answer to a preflight request."""


@stored("sys.Cors")
@dataclass
class Cors:
    """The settings of enabled CORS."""

    origins: list[str]
    headers: list[str] = field(default_factory=list)
    credentials: bool = False


@dataclass(frozen=True)
class CorsDecision:
    """The decision about one request."""

    status: int = 0
    """If not 0, the response has this status and no other content (403 with the text ``origin not allowed``)."""
    headers: tuple[tuple[str, str], ...] = ()
    """Headers to add to every response."""


cors = engine.path(
    "config/cors",
    fields={
        "enable": Field(Kind.BOOL, help="Has no effect: CORS is enabled by its origins."),
        "allowed_origins": Field(Kind.COMMA_STRINGS, help="Allowed origins, or only `*` for all."),
        "allowed_headers": Field(Kind.COMMA_STRINGS, help="Allowed request headers, in addition to the standard ones."),
        "allow_credentials": Field(
            Kind.BOOL, help="Allow browsers to send credentials.", needs=Feature.CORS_CREDENTIALS
        ),
    },
    help="Cross-origin requests from browsers.",
    sudo=True,
    go_errors=True,
)


def settings(core: Environment) -> Cors | None:
    """Return the settings; None while CORS is off."""
    found: Cors | None = core.state.system.get("cors")
    return found


def decide(core: Environment, method: str, origin: str, requested_method: str) -> CorsDecision:
    """Decide about a request; ``origin`` and ``requested_method`` are header values, empty if missing."""
    present = settings(core)
    if present is None or not origin:
        return CorsDecision()
    if present.origins != ["*"] and origin not in present.origins:
        return CorsDecision(status=403)
    preflight = method == "OPTIONS"
    methods = (*_METHODS, *(("PATCH", "LIST") if core.product.has(Feature.CORS_PATCH) else ("LIST", "SCAN")))
    if preflight and requested_method not in methods:
        return CorsDecision(status=405)
    headers = [("Access-Control-Allow-Origin", origin), ("Vary", "Origin")]
    if present.credentials:
        headers.append(("Access-Control-Allow-Credentials", "true"))
    if preflight:
        headers += [
            ("Access-Control-Allow-Methods", ",".join(methods)),
            ("Access-Control-Allow-Headers", ",".join(present.headers)),
            ("Access-Control-Max-Age", str(MAX_AGE)),
        ]
    return CorsDecision(status=200 if preflight else 0, headers=tuple(headers))


@cors.on(Operation.READ)
def read_cors(_state: object, call: Call) -> Response:
    """Return the settings."""
    present = settings(call.core)
    if present is None:
        return Response(data={"enabled": False}, flat=True)
    credentials = {"allow_credentials": present.credentials} if call.core.product.has(Feature.CORS_CREDENTIALS) else {}
    data = {
        **credentials,
        "allowed_headers": list(present.headers),
        "allowed_origins": list(present.origins),
        "enabled": True,
    }
    return Response(data=data, flat=True)


@cors.on(Operation.UPDATE)
def write_cors(_state: object, call: Call, *, allowed_origins: list[str], allowed_headers: list[str]) -> None:
    """Enable CORS."""
    if not allowed_origins:
        raise BackendError("at least one origin or the wildcard must be provided")
    if "*" in allowed_origins and len(allowed_origins) > 1:
        raise BackendError("to allow all origins the '*' must be the only value for allowed_origins")
    headers = [*_standard_headers(call.core), *allowed_headers]
    call.core.state.system["cors"] = Cors(list(allowed_origins), headers, call.get("allow_credentials", False))


def _standard_headers(core: Environment) -> tuple[str, ...]:
    """Return the headers that are always allowed, in the product's order."""
    if core.product.has(Feature.CORS_PATCH):
        return ("Content-Type", *_BROWSER, *_SHARED, *_OVERRIDE, *_CREDENTIALS)
    return ("Content-Type", *_CREDENTIALS, *_SHARED, *_BROWSER, *_OVERRIDE)


@cors.on(Operation.DELETE)
def delete_cors(_state: object, call: Call) -> None:
    """Disable CORS."""
    call.core.state.system.pop("cors", None)
