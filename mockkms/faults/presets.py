"""Named answers: the exact bodies and headers that real servers, and proxies in front of them, send.

``answer`` selects a preset by name, regardless of case, hyphens and underscores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from mockkms.faults.parsing import unknown
from mockkms.faults.request_view import Reply, View, go_json
from mockkms.faults.server_states import STATES, VAULT_HEADERS, ServerState, state_reply
from mockkms.vault.golang.fmt import error_list


@dataclass(frozen=True, slots=True)
class PresetOptions:
    """What a description of an answer may set beside the name of a preset."""

    retry_after: float | None = None
    """Seconds; None for the preset's default."""
    location: str = ""
    """Base URL of the active node; empty if it is unknown."""


Make = Callable[[View, PresetOptions], Reply | None]


@dataclass(frozen=True, slots=True)
class Preset:
    """A named answer."""

    name: str
    help: str
    make: Make

    def bound(self, options: PresetOptions) -> Callable[[View], Reply | None]:
        """Return a function that builds this answer with ``options``."""
        return lambda view: _in_namespace(view, self.make(view, options))


PRESETS: dict[str, Preset] = {}


def _in_namespace(view: View, reply: Reply | None) -> Reply | None:
    """Add the request's namespace to the headers, as the server does; a proxy in front of it does not."""
    namespace = view.headers.get("x-vault-namespace", "")
    if reply is not None and namespace and "Strict-Transport-Security" in reply.headers:
        reply.headers = {**reply.headers, "X-Vault-Namespace": namespace}
    return reply


def preset(name: str, help: str) -> Callable[[Make], Make]:
    """Register a maker under ``name``."""

    def register(make: Make) -> Make:
        PRESETS[name] = Preset(name, help, make)
        return make

    return register


def find_preset(name: str) -> Preset:
    """Return the preset of this name. Raises FaultError with the closest known name."""
    plain = _plain(name)
    for known, found in PRESETS.items():
        if _plain(known) == plain:
            return found
    raise unknown(name, [*PRESETS, "pass"], "preset")


def _plain(name: str) -> str:
    return name.strip().lower().replace("-", "").replace("_", "").replace(" ", "")


# -- Vault ---------------------------------------------------------------------------------------------------------


def vault_errors(status: int, *errors: str, **headers: str) -> Reply:
    """Build an error response as Vault sends it."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, go_json({"errors": list(errors)}), VAULT_HEADERS | named)


def rustfs_error(status: int, code: str, message: str, description: str) -> Reply:
    """Build an error response as the admin API sends it: compact JSON without a newline."""
    body = go_json({"code": code, "message": message, "description": description}).rstrip(b"\n")
    return Reply(status, body, {"Content-Type": "application/json"})


for _state in STATES.values():
    PRESETS[_state.name] = Preset(
        _state.name,
        f"the server is {_state.name}: sys/health {_state.health}, other status endpoints accordingly"
        + (f", other paths {_state.refusal[0]}" if _state.refusal else ", other paths answered as usual")
        + (" (307 to the active node with location)" if _state.redirects else ""),
        partial(lambda view, options, state: _in_state(view, options, state), state=_state),
    )


def _in_state(view: View, options: PresetOptions, state: ServerState) -> Reply | None:
    if view.service == "rustfs":
        return _vault_unreachable(view, options)
    return state_reply(state, view, options.location)


def _retry_after(options: PresetOptions, default: float) -> str:
    return f"{default if options.retry_after is None else options.retry_after:g}"


@preset("rate-limited", "429 rate limit quota exceeded, with Retry-After (retry_after, default 1) and X-Ratelimit-*")
def _rate_limited(view: View, options: PresetOptions) -> Reply:
    wait = _retry_after(options, 1)
    limits = {"X-Ratelimit-Limit": "1", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": wait, "Retry-After": wait}
    reply = vault_errors(429, f'request path "{view.path}": rate limit quota exceeded')
    reply.headers |= limits
    return reply


@preset("lease-limited", "429 lease count quota exceeded")
def _lease_limited(view: View, options: PresetOptions) -> Reply:
    return vault_errors(429, f'request path "{view.path}": lease count quota exceeded')


@preset("permission-denied", "403 for a valid token without the capability; admin API: access-denied")
def _permission_denied(view: View, options: PresetOptions) -> Reply | None:
    if view.service == "rustfs":
        return _access_denied(view, options)
    return vault_errors(403, error_list(["permission denied"]))


@preset("bad-token", "403 for an unknown, expired or used-up token")
def _bad_token(view: View, options: PresetOptions) -> Reply:
    from mockkms.vault.products.features import Feature

    if view.server.product.has(Feature.EXPLAINS_BAD_TOKENS):
        return vault_errors(403, error_list(["permission denied", "invalid token"]))
    return vault_errors(403, "permission denied")


@preset("login-refused", "400 invalid role or secret ID")
def _login_refused(view: View, options: PresetOptions) -> Reply:
    return vault_errors(400, "invalid role or secret ID")


@preset("not-found", "404 with empty errors; admin API: key-not-found")
def _not_found(view: View, options: PresetOptions) -> Reply | None:
    if view.service == "rustfs":
        return _key_not_found(view, options)
    return vault_errors(404)


@preset("missing-mount", "404 no handler for route: nothing is mounted there")
def _missing_mount(view: View, options: PresetOptions) -> Reply:
    route = view.path + ("/" if view.operation == "list" and not view.path.endswith("/") else "")
    return vault_errors(404, f'no handler for route "{route}". route entry not found.')


@preset("cas-conflict", "400 for a check-and-set that does not match")
def _cas_conflict(view: View, options: PresetOptions) -> Reply:
    return vault_errors(400, "check-and-set parameter did not match the current version")


@preset("lagging", "412 of a lagging node: required index state not present")
def _lagging(view: View, options: PresetOptions) -> Reply:
    return vault_errors(412, "required index state not present")


@preset("overloaded", "503 of overload protection, with Retry-After (retry_after, default 2)")
def _overloaded(view: View, options: PresetOptions) -> Reply:
    return vault_errors(503, "server is overloaded, please retry later", Retry_After=_retry_after(options, 2))


@preset("internal-error", "500 internal error")
def _internal_error(view: View, options: PresetOptions) -> Reply:
    if view.service == "rustfs":
        return rustfs_error(500, "InternalError", "Internal error", "Internal KMS error occurred")
    return vault_errors(500, error_list(["internal error"]))


@preset("namespace-locked", "503 API access to this namespace has been locked")
def _namespace_locked(view: View, options: PresetOptions) -> Reply:
    name = view.namespace.strip("/") + "/" if view.namespace.strip("/") else ""
    where = f'"{name}" must be unlocked' if name else "the namespace must be unlocked"
    return vault_errors(
        503, f"API access to this namespace has been locked by an administrator - {where} to gain access."
    )


# -- proxies in front of the server ----------------------------------------------------------------------------------


def _nginx(status: int, title: str, **headers: str) -> Reply:
    page = (
        f"<html>\r\n<head><title>{status} {title}</title></head>\r\n<body>\r\n"
        f"<center><h1>{status} {title}</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
    )
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status, page.encode(), {"Server": "nginx", "Content-Type": "text/html"} | named)


@preset("bad-gateway", "502 with a proxy's HTML page")
def _bad_gateway(view: View, options: PresetOptions) -> Reply:
    return _nginx(502, "Bad Gateway")


@preset("unavailable", "503 with a load balancer's HTML page: no backend is available")
def _unavailable(view: View, options: PresetOptions) -> Reply:
    text = "<h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n"
    page = f"<html><body>{text}</body></html>\n"
    return Reply(503, page.encode(), {"Cache-Control": "no-cache", "Content-Type": "text/html"})


@preset("gateway-timeout", "504 with a proxy's HTML page")
def _gateway_timeout(view: View, options: PresetOptions) -> Reply:
    return _nginx(504, "Gateway Time-out")


@preset("maintenance", "503 with a proxy's HTML page and Retry-After (retry_after, default 120)")
def _maintenance(view: View, options: PresetOptions) -> Reply:
    return _nginx(503, "Service Temporarily Unavailable", Retry_After=_retry_after(options, 120))


# -- the RustFS admin API --------------------------------------------------------------------------------------------


@preset("KMSNotConfigured", "admin API: 503 KMS is not configured")
def _not_configured(view: View, options: PresetOptions) -> Reply:
    return rustfs_error(503, "KMSNotConfigured", "KMS is not configured", "Key Management Service is not available")


@preset("MissingParameter", "admin API: 400 Key name is required")
def _missing_parameter(view: View, options: PresetOptions) -> Reply:
    return rustfs_error(400, "MissingParameter", "Key name is required", "keyName parameter must be provided")


@preset("KeyNotFound", "admin API: 404 unknown key")
def _key_not_found(view: View, options: PresetOptions) -> Reply:
    return rustfs_error(404, "KeyNotFound", f"Key '{view.key}' not found", "The specified key does not exist")


@preset("InvalidConfiguration", "admin API: 400 invalid configuration")
def _invalid_configuration(view: View, options: PresetOptions) -> Reply:
    return rustfs_error(
        400, "InvalidConfiguration", "vault_address is required for Vault KMS", "Missing vault_address field"
    )


@preset("vault-unreachable", "admin API: 400 Failed to connect to Vault; /status reports an unhealthy backend")
def _vault_unreachable(view: View, options: PresetOptions) -> Reply:
    if view.service == "rustfs" and view.path == "status":
        body = go_json({"status": "Failed", "backend": "vault", "healthy": False}).rstrip(b"\n")
        return Reply(200, body, {"Content-Type": "application/json"})
    cause = "Error: error sending request: connection refused"
    return rustfs_error(400, "InvalidConfiguration", "Failed to connect to Vault", cause)


@preset("access-denied", "admin API: 403 Access denied")
def _access_denied(view: View, options: PresetOptions) -> Reply:
    return rustfs_error(403, "AccessDenied", "Access denied", "Check admin credentials and IAM permissions")
