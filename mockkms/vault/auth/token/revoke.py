"""Revocations of tokens, with descendants (by token, of the requesting token, by accessor) or without; and tidying."""

from __future__ import annotations

from mockkms.vault.auth.token.lookup import check_namespace
from mockkms.vault.auth.token.model import TokenRoles, engine, is_sudo
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.products.features import Feature
from mockkms.vault.tokens.token import Token

_TOKEN = {"token": Field(Kind.STRING, help="The token to revoke.")}

revoke = engine.path("revoke", _TOKEN, help="Revoke a token and its descendants.", go_errors=True)
revoke_self = engine.path("revoke-self", help="Revoke the requesting token and its descendants.")
revoke_accessor = engine.path(
    "revoke-accessor", {"accessor": Field(Kind.STRING, help="Accessor of the token to revoke.")}, help=(
        "Revoke the token of an accessor and its descendants."))  # fmt: skip
revoke_orphan = engine.path(
    "revoke-orphan",
    _TOKEN,
    help="Revoke a token only; its children become orphans.",
    sudo=Feature.SUDO_FOR_MERGES,
    go_errors=True,
)
tidy = engine.path("tidy", help="Remove remains of revoked tokens.")


@revoke.on(Operation.UPDATE)
def revoke_token(state: TokenRoles, call: Call, *, token: str) -> None:
    """Revoke a token and its children; succeed if it does not exist. Raises ErrorResponse."""
    if not token:
        raise ErrorResponse("missing token ID")
    _revoke(call, _checked(call, token, ""))


@revoke_self.on(Operation.UPDATE)
def revoke_own(state: TokenRoles, call: Call) -> None:
    """Revoke the request's own token and its children. Raises ErrorResponse for a batch token."""
    _revoke(call, call.core.tokens.lookup(call.request.token))


@revoke_accessor.on(Operation.UPDATE)
def revoke_by_accessor(state: TokenRoles, call: Call, *, accessor: str) -> Response | None:
    """Revoke the token with this accessor and its children; warn if there is none. Raises VaultError."""
    if not accessor:
        raise BackendError("missing accessor", status=400)
    check_namespace(call, accessor)
    found = call.core.tokens.by_accessor(accessor)
    if found is None:
        return Response(warnings=["No token found with this accessor"])
    token = call.core.tokens.lookup(found.id)
    if token is None:
        raise ErrorResponse("token not found")
    _revoke(call, token)
    return None


@revoke_orphan.on(Operation.UPDATE)
def revoke_alone(state: TokenRoles, call: Call, *, token: str) -> None:
    """Revoke a token, whose children live on without a parent. Raises ErrorResponse."""
    if not token:
        raise ErrorResponse("missing token ID")
    if not is_sudo(call):
        raise ErrorResponse("root or sudo privileges required to revoke and orphan")
    found = _checked(call, token, "error when looking up token to revoke: ")
    if found is None:
        raise ErrorResponse("token to revoke not found")
    _refuse_batch(found)
    # The real server looks for the token in the request's namespace, and finds none of another one.
    if found.namespace == call.request.namespace:
        call.core.tokens.revoke_orphan(found)


def _checked(call: Call, token_id: str, prefix: str) -> Token | None:
    """Return a token. Raises BackendError for a malformed batch token."""
    with refusing(prefix, BackendError):
        return call.core.tokens.checked(token_id)


def _refuse_batch(token: Token) -> None:
    if token.type == "batch":
        raise ErrorResponse("batch tokens cannot be revoked")


def _revoke(call: Call, token: Token | None) -> None:
    if token is not None:
        _refuse_batch(token)
        call.core.tokens.revoke(token)


@tidy.on(Operation.UPDATE)
def tidy_tokens(state: TokenRoles, call: Call) -> Response:
    """Change nothing, as no token is left behind here; 202 with a warning that points to the logs."""
    return Response(status=202, warnings=[call.core.product.texts.tidy_started])
