"""The request pipeline: ``Core.handle(Request) -> Response``, in the order of the real server.

rate limit → endpoints outside the core → seal → due expirations → namespace → mount → login, or token → policy →
endpoint → lease → wrapping → audit. The order decides which error a request with several faults gets; it follows
Vault's ``http/handler.go`` and ``vault/request_handling.go`` and is verified by the recordings in ``tests/parity/``.
"""

from __future__ import annotations

import re
from functools import partial

from mockkms.outside import turn
from mockkms.vault.audit import log as audit
from mockkms.vault.framework.engine import Match
from mockkms.vault.framework.message import (
    WRITES,
    BackendError,
    ErrorResponse,
    InvalidCredentials,
    NotFound,
    Operation,
    PermissionDenied,
    Request,
    Response,
    VaultError,
    framed,
    permission_denied,
    refusing,
    unsupported_operation,
)
from mockkms.vault.framework.storage_keys import refuse_relative
from mockkms.vault.golang.fmt import error_list, quote
from mockkms.vault.kernel import inline_auth, login
from mockkms.vault.kernel.server import VaultServer
from mockkms.vault.kernel.token_routing import check_ids, reroute, settle_namespace
from mockkms.vault.mounts import matching
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens.token import Token
from mockkms.vault.tokens.token_ids import BATCH_PREFIXES
from mockkms.vault.wrapping import wrapping

_RELATIVE = frozenset((".", ".."))
_CREATING = (Operation.CREATE, Operation.UPDATE)

_NO_ALIAS = "failed to determine alias name from login request"
_SELF = frozenset(f"auth/token/{verb}-self" for verb in ("lookup", "renew", "revoke"))
_CORE_TOO = ("sys/seal-status", "sys/leader")
"""Paths outside the core that are in it too: reached below the path of a namespace, and by requests of the server."""
_AUTHENTICATED = ("sys/seal", "sys/step-down")
"""Paths outside the core that require a token there."""
_HELP_AUTHENTICATED = (*_AUTHENTICATED, "sys/metrics", "sys/storage/raft/join", "sys/storage/raft/bootstrap")
"""Paths outside the core on which help requires a token, as it is given by the core."""
_USERINFO = re.compile(r"identity/oidc/provider/[^/]+/userinfo")


def _place(path: str) -> str:
    """Return where a mount would have to be that answers a path: its first part, of auth methods the first two."""
    first, _, rest = path.partition("/")
    return f"auth/{rest.partition('/')[0]}/" if first == "auth" and rest else f"{first}/"


def _routed(request: Request, found: Match) -> None:
    """Add the slash that the real server's router gives a path that is the one of a mount."""
    if found.mount is not None and len(request.path) + 1 == len(found.mount.path):
        request.path = found.mount.path


class Core(VaultServer):
    """One emulated Vault without HTTP."""

    def handle(self, request: Request) -> Response:
        """Answer one request. Never raises a VaultError: an error is a Response with ``errors``."""
        if not request.id:
            request.id = self.entropy.uuid()
        if self.state.system.get("audit"):
            request.trace.unaudited = True
        try:
            response = self._handle(request)
        except VaultError as error:
            response = error.response()
            if error.status == 403 and _USERINFO.fullmatch(request.path):
                response = _invalid_bearer(error)
        response.request_id = request.id
        # The real server sets the mount type after its token check, and not in answers that are wrapped or already
        # serialised.
        plain = request.client is not None and not response.status and response.wrap_info is None
        response.mount_type = request.trace.mount_type if plain else ""
        if request.trace.headers:
            response.headers.update(request.trace.headers)
        if self.state.system.get("audit") and not audit.record(self, request, response, request.data):
            return Response(status=500, errors=["internal error"], request_id=request.id)
        return response

    def _handle(self, request: Request) -> Response:
        path = request.path
        outer = path.startswith("sys/") and not request.inner and not request.escaped
        if outer:
            self.namespaces.refuse_outside(request, path[4:])
        # Rate limits come next: Vault wraps its whole HTTP mux in them (``rateLimitQuotaWrapping``), so a request
        # counts whatever its result is.
        self.quotas.check(request)
        if outer:
            # Endpoints of the HTTP layer (``sys/init``, ``sys/unseal``, …) answer a sealed server, so before the seal
            # check.
            outside = self._outside(request)
            if outside is not None:
                return outside
        if "." in path and not _RELATIVE.isdisjoint(path.split("/")) and not self.product.has(Feature.RELATIVE_PATHS):
            raise ErrorResponse("relative paths not supported")
        self.seal.check()
        # Nothing runs in the background: due leases and tokens end here, before anything can look at them.
        self.leases.expire_due()
        self.namespaces.resolve(request)
        # After the header's namespace is known to exist, since a token or lease id may name another one.
        reroute(self, request)
        inline = self.product.has(Feature.INLINE_AUTH) and inline_auth.PATH in request.headers
        if inline and request.operation is not Operation.HELP:
            return self._inline(request)
        return self._within(request)

    def pass_on(self, request: Request) -> Response:
        """Answer a request from within another one. Raises VaultError."""
        request.id = request.id or self.entropy.uuid()
        request.inner = True
        with turn.undivided():
            return self._handle(request)

    def _inline(self, request: Request) -> Response:
        """Answer a request that carries its own login; the token is revoked when the answer is complete."""
        token = inline_auth.log_in(self, request)
        if isinstance(token, Response):
            return token
        request.inline = True
        try:
            response = self._within(request)
            inline_auth.refuse_lease(response)
            return response
        finally:
            self.tokens.revoke(token)

    def _within(self, request: Request) -> Response:
        """Answer a request whose namespace has been resolved. Raises VaultError.

        The checks of the path come before the token is looked up, as in Vault's ``handleCancelableRequest``: they
        answer the same with and without a token.
        """
        path = request.path
        if path.endswith("/") and request.operation in WRITES:
            mount = self.state.mounts.match(request.namespace, path)
            if mount is None or not mount.config.trim_request_trailing_slashes:
                raise ErrorResponse("cannot write to a path ending in '/'")
            request.path = path = path.removesuffix("/")
        if request.operation is Operation.INTERNAL:
            if self.product.has(Feature.MOUNT_TYPE):
                raise PermissionDenied
            raise ErrorResponse("cannot handle internal-only request operation")
        settle_namespace(self, request)
        if request.token.startswith(BATCH_PREFIXES):
            self.tokens.check_form(request)
        found = matching.match(self, request.namespace, path)
        trace = request.trace
        if found.mount is not None:
            trace.mount, trace.mount_type = found.mount.path, found.mount.type
        # Ids and wrapping tokens are validated before authentication, since the token to unwrap may be the caller's
        # own.
        check_ids(request)
        wrapping.check_request(self, request)
        outside = found.endpoint is not None and found.endpoint.outside and request.operation is not Operation.HELP
        if outside and path not in _CORE_TOO and path not in _AUTHENTICATED:
            raise unsupported_operation()
        login = found.login and (request.operation is not Operation.HELP or path not in _HELP_AUTHENTICATED)
        trace.checked, trace.login = True, login
        if outside and path in _AUTHENTICATED:
            self.tokens.authenticate(request)
            raise framed(unsupported_operation())
        if login:
            sender = self.tokens.lookup(request.token) if request.token else None
            if sender is not None and sender.entity_id:
                # Such a path needs no token, but refuses one whose entity is disabled or gone.
                self.policies.acl(sender)
            return self._finish(request, found, self._login(request, found), None)
        return self._authenticated(request, found)

    def _outside(self, request: Request) -> Response | None:
        """Answer an endpoint of the HTTP layer; return None for every other path. Raises VaultError."""
        if request.operation is Operation.HELP:
            return None
        found = matching.outside(self, request.path)
        if found is None or found.endpoint is None or found.engine is None:
            return None
        if request.operation in (Operation.LIST, Operation.SCAN) and request.method == "GET":
            # The HTTP layer looks at the method only: ``?list=true`` does not make the request a list.
            request.operation = Operation.READ
        if request.operation not in found.endpoint.operations:
            raise ErrorResponse(status=405)
        request.trace.mount, request.trace.mount_type = "sys/", "system"
        return found.engine.dispatch(self, request, found) or Response(status=204)

    def _authenticated(self, request: Request, found: Match) -> Response:
        token = self.tokens.authenticate(request)
        trace = request.trace
        trace.accessor, trace.display_name = token.accessor, token.display_name
        # A use is counted before the policies decide: a denied request costs one too (``UseToken`` in Vault's
        # ``handleRequest`` runs before the error of ``CheckToken`` is looked at).
        last_use = False
        if token.num_uses:
            token, last_use = self.tokens.use(token)
        request.client = token
        try:
            try:
                response = self._allowed(request, found, token)
            except BackendError as error:
                raise framed(error) from None
            finished = self._finish(request, found, response, token)
            # The lease is registered first and revoked with the token, as on the real server.
            if last_use and finished.lease is not None and finished.lease.lease_id:
                raise ErrorResponse(
                    "Secret cannot be returned; token had one use left, so leased credentials were immediately revoked."
                )
            return finished
        finally:
            if last_use:
                self.tokens.revoke(token)

    def _allowed(self, request: Request, found: Match, token: Token) -> Response | None:
        """Check that the policies of the token allow a request, and call its engine. Raises VaultError."""
        trace = request.trace
        if request.operation in _CREATING:
            # To check whether its target exists, the real server routes a write.
            _routed(request, found)
        if found.endpoint is not None and request.operation in _CREATING:
            # The existence check decides which capability is needed, so it runs before the policies.
            exists = matching.exists(self, request, found)
            request.operation = Operation.CREATE if exists is False else Operation.UPDATE
        decision = self.policies.check(request, token, found.sudo)
        if not decision.allowed:
            trace.denied = True
            raise permission_denied()
        trace.granted_by = decision.granted_by
        if trace.unaudited and not audit.record_request(self, request):
            raise ErrorResponse(error_list(["internal error"]), status=500)
        # Only after the policies: without permission an unmounted path is 403, not 404.
        if found.mount is None:
            trace.unhandled = True
            trace.hint = f"nothing is mounted at {_place(request.path)}"
            shown = quote(request.sent_path or request.path)
            raise ErrorResponse(f"no handler for route {shown}. route entry not found.", status=404)
        _routed(request, found)
        response = self._dispatch(request, found) if not request.inline else self._unstored(request, found)
        if request.operation is Operation.HELP and request.path in _SELF and response is not None:
            # The token is added to whatever these paths answer (``returnRequestAuthToken`` in handleRequest).
            response.document = {**(response.document or {}), "id": request.token}
        if decision.keys_filter and response is not None:
            self.policies.filter_keys(request, token, decision, response)
        return response

    def _dispatch(self, request: Request, found: Match) -> Response | None:
        """Call the engine. An error that carries ``data`` is returned as a Response with its status."""
        assert found.engine is not None
        try:
            if request.apart:
                return turn.starting_over(partial(found.engine.dispatch, self, request, found))
            return found.engine.dispatch(self, request, found)
        except VaultError as error:
            if error.data is None:
                raise
            return error.response()

    def _unstored(self, request: Request, found: Match) -> Response | None:
        """Call the engine for an inline login, whose token is not stored: endpoints that look it up do not find it."""
        token = self.tokens.lookup(request.token)
        if token is None:
            return self._dispatch(request, found)
        with self.tokens.unstored(token):
            try:
                return self._dispatch(request, found)
            except PermissionDenied:
                if found.login:
                    raise
                raise permission_denied() from None

    def _login(self, request: Request, found: Match) -> Response | None:
        """Answer a request that needs no token; an answer with ``auth`` gets its token here. Raises VaultError."""
        mount, engine = found.mount, found.engine
        assert mount is not None
        assert engine is not None
        if request.operation in _CREATING:
            request.operation = Operation.UPDATE
        if request.trace.unaudited and not audit.record_request(self, request):
            raise ErrorResponse("internal error", status=500)
        user = ""
        # A locked user is refused before the credentials are checked (``isUserLocked`` in ``handleLoginRequest``).
        if engine.user is not None and self.lockout.guards(mount):
            self._check_fields(request, found)
            user = engine.user(self, request, found.below)
            if not user and self.product.has(Feature.LOGIN_NAMES_ALIAS):
                raise ErrorResponse(_NO_ALIAS, status=500)
            with refusing(of=BackendError):
                refuse_relative(self.product, user)  # The real server has a stored entry for each locked user.
            if self.lockout.locked(mount, user):
                raise PermissionDenied
        try:
            response = self._dispatch(request, found) if not request.inline else self._unstored(request, found)
        except InvalidCredentials:
            if user:
                self.lockout.failed(mount, user)
            raise
        if response is not None and response.auth is not None and mount.is_auth:
            response.auth, warnings = login.login(self, request, mount, response.auth, user)
            response.warnings.extend(warnings)
        return response

    def _check_fields(self, request: Request, found: Match) -> None:
        """Convert the parameters of a login, as the request for its user's name does, whose errors have status 500."""
        if found.endpoint is None or found.mount is None:
            return
        try:
            found.endpoint.call(self, found.mount, request, found.captures, "Field validation failed: ")
        except ErrorResponse as error:
            text = _NO_ALIAS if self.product.has(Feature.LOGIN_NAMES_ALIAS) else error.errors[0]
            raise ErrorResponse(text, status=500) from None

    def _finish(self, request: Request, found: Match, response: Response | None, token: Token | None) -> Response:
        """Turn a handler's answer into the response: not found, no content, lease, wrapping. Raises VaultError."""
        operation, mount = request.operation, found.mount
        assert mount is not None
        if response is None:
            if operation in (Operation.READ, Operation.LIST, Operation.SCAN, Operation.HEADER):
                raise NotFound()
            return Response(status=204)
        if response.later_warnings:
            response.warnings.extend(response.later_warnings)
        wrappable = response.wrapped_whole or not (response.document or response.written or response.redirect)
        if request.wrap_ttl and wrappable:
            response = wrapping.serialised_as_data(self, request, response)
        # Answers outside the envelope have neither lease nor wrapping.
        if response.status or response.raw is not None or response.document is not None or response.redirect:
            return response
        if response.lease is not None and token is not None:
            self.leases.register(request, mount, response, token)
        # An empty list is 404, unless it is wrapped or has warnings (``RespondErrorCommon`` in Vault's sdk/logical).
        if operation is Operation.LIST:
            data = response.data
            empty = not data or ("keys" in data and not data["keys"])
            if empty and not response.warnings and not request.wrap_ttl:
                raise NotFound()
            if empty and data:
                # The real server omits empty members (``ListResponseWithInfo``).
                response.data = {name: value for name, value in data.items() if name not in ("keys", "key_info")}
        return wrapping.wrap_if_asked(self, request, response)


def _invalid_bearer(error: VaultError) -> Response:
    """Return an error in the form of OpenID Connect, as the provider's userinfo endpoint answers (recorded)."""
    challenge = 'Bearer error="invalid_token",error_description="permission denied"'
    return Response(
        document={"error": "invalid_token", "error_description": "permission denied"},
        status=401,
        errors=error.errors,
        headers={"WWW-Authenticate": challenge},
    )
