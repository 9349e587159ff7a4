"""Directories and nonces, and what all requests of ACME have in common: their directory, its role and its issuer."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mockkms.crypto import jws
from mockkms.vault.framework.endpoint import Call, Endpoint, Field, Fields
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, Operation, Response
from mockkms.vault.golang import json_text
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.acme.problems import (
    ACCOUNT_DOES_NOT_EXIST,
    BAD_NONCE,
    EXTERNAL_ACCOUNT_REQUIRED,
    MALFORMED,
    SERVER_INTERNAL,
    UNAUTHORIZED,
    AcmeProblem,
    after,
    answered,
    before,
    within,
)
from mockkms.vault.secrets.pki.acme.protocol import signed
from mockkms.vault.secrets.pki.acme.state import VALID, AcmeAccount, AcmeRecords
from mockkms.vault.secrets.pki.issuers import references
from mockkms.vault.secrets.pki.model import PKI, PkiIssuer, engine
from mockkms.vault.secrets.pki.role import PkiRole
from mockkms.vault.secrets.pki.role_fields import internal_role

BASES = ("acme", "roles/{role}/acme", "issuer/{issuer_ref}/acme", "issuer/{issuer_ref}/roles/{role}/acme")
"""The paths of ACME: for the mount, a role, an issuer, or both."""
UUID = "re([0-9A-Za-z]{8}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{4}-[0-9A-Za-z]{12})"
SEGMENT = "re([^/]+)"
_PARTS = {
    name: Field(Kind.STRING, help="Part of the signed request.") for name in ("protected", "payload", "signature")
}
_NO_PATH = "ACME feature requires local cluster 'path' field configuration to be set"
_HEADERS = ("Replay-Nonce", "Link", "Location")
_HINT = "clients of ACME need the response headers {0}: tune allowed_response_headers of {1}"


@dataclass
class AcmeReply:
    """The response of a handler: a JSON object or a body of another type, with its headers."""

    data: Mapping[str, object] = field(default_factory=dict)
    status: int = 200
    location: str = ""
    up: str = ""
    """URL of the resource to which this one belongs."""
    body: bytes | None = None
    """Sent in place of ``data``."""
    content_type: str = "application/json"


@dataclass
class AcmeDirectory:
    """The directory of a request: its settings, and the request's signature once it is verified."""

    state: PKI
    call: Call
    path: str
    """Below the mount, such as ``roles/web/acme``."""
    role: PkiRole
    role_name: str
    issuer: PkiIssuer
    data: dict[str, object] | None = None
    """The payload; None if it is empty, which is a request to read."""
    key: signed.AccountKey | None = None
    account_id: str = ""
    """The account that signed the request; empty for a request that brings its key."""

    @property
    def records(self) -> AcmeRecords:
        """What clients created in the mount."""
        return self.state.acme_records

    def url(self, *below: str) -> str:
        """Return the address of a resource of this directory."""
        return joined(self.state.cluster.path, self.path, *below)

    def index(self) -> str:
        """Return the value of the header that links to the directory."""
        return f'<{self.url("directory")}>;rel="index"'

    def signer(self) -> signed.AccountKey:
        """Return the key of the request."""
        assert self.key is not None
        return self.key

    def account(self) -> AcmeAccount:
        """Return the account that signed the request; its status is not checked. Raises AcmeProblem."""
        return loaded(self.records, self.account_id, self.path)

    def check_binding(self, account: AcmeAccount) -> None:
        """Raise AcmeProblem for an account without an external key, where every account needs one."""
        if self.state.acme.eab_policy == "always-required" and account.binding is None:
            raise AcmeProblem(EXTERNAL_ACCOUNT_REQUIRED)

    def valid_account(self) -> AcmeAccount:
        """Return the account that signed the request. Raises AcmeProblem if it is revoked or deactivated."""
        try:
            account = self.account()
        except AcmeProblem as problem:
            raise within("error loading account", problem) from None
        self.check_binding(account)
        if account.status != VALID:
            raise before(UNAUTHORIZED, f"account in status: {account.status}")
        return account


Handler = Callable[[AcmeDirectory], AcmeReply]


def joined(base: str, *below: str) -> str:
    """Return an address with path segments appended, as Go's ``JoinPath`` does."""
    scheme, mark, rest = base.partition("://")
    host, _, path = rest.partition("/") if mark else ("", "", base)
    whole = posixpath.normpath("/" + "/".join((path, *below)).lstrip("/"))
    return f"{scheme}{mark}{host}{whole}" if mark else whole


def loaded(records: AcmeRecords, account_id: str, directory: str) -> AcmeAccount:
    """Return an account of a directory. Raises AcmeProblem."""
    account = records.accounts.get(account_id)
    if account is None:
        raise after(ACCOUNT_DOES_NOT_EXIST, "account not found")
    if account.directory != directory:
        raise before(MALFORMED, "account part of different ACME directory path")
    return account


def resource(path: str, handler: Handler, help: str, *, login: bool = True) -> list[Endpoint]:
    """Declare a resource of signed requests below all directories; without ``login`` it requires a token besides."""
    return _declared(path, _PARTS, {Operation.UPDATE: lambda found: _signed(found, handler)}, help, login=login)


def for_accounts(handler: Handler) -> Handler:
    """Return a handler that requires a valid account."""

    def checked(found: AcmeDirectory) -> AcmeReply:
        if not found.account_id:
            raise after(MALFORMED, "cannot process request without a 'kid'")
        found.valid_account()
        return handler(found)

    return checked


def _declared(
    path: str,
    fields: Fields,
    handlers: Mapping[Operation, Callable[[AcmeDirectory], Response]],
    help: str,
    *,
    login: bool = True,
) -> list[Endpoint]:
    declared = []
    for base in BASES:
        endpoint = engine.path(f"{base}/{path}", fields, login=login, help=f"ACME: {help}")
        for operation, handler in handlers.items():
            endpoint.on(operation)(_answering(handler))
        declared.append(endpoint)
    return declared


def _answering(handler: Callable[[AcmeDirectory], Response]) -> Callable[[PKI, Call], Response]:
    return lambda state, call: _answer(state, call, handler)


def _answer(state: PKI, call: Call, handler: Callable[[AcmeDirectory], Response]) -> Response:
    """Answer a request of ACME; 404 with an empty body where ACME is not enabled."""
    if not state.acme.enabled:
        return Response(raw=b"", status=404)
    try:
        return _filtered(call, handler(_directory(state, call)))
    except AcmeProblem as problem:
        return answered(problem, call.core.product)


def _filtered(call: Call, response: Response) -> Response:
    """Remove the headers that the mount does not let through, as the real server's router does."""
    allowed = {name.strip().lower() for name in call.mount.config.allowed_response_headers}
    lacking = [name for name in _HEADERS if name in response.headers and name.lower() not in allowed]
    if lacking:
        call.request.trace.hint = _HINT.format(", ".join(_HEADERS), call.mount.path)
    response.headers = {name: value for name, value in response.headers.items() if name.lower() in allowed}
    response.repeated = tuple(pair for pair in response.repeated if pair[0].lower() in allowed)
    return response


def _directory(state: PKI, call: Call) -> AcmeDirectory:
    """Return the directory of a request. Raises AcmeProblem for a role or issuer that ACME must not use."""
    if not state.cluster.path:
        raise AcmeProblem(SERVER_INTERNAL, _NO_PATH)
    config, policy = state.acme, state.acme.default_directory_policy
    # Of the path only: the body of a request may have any members.
    given = {name: str(call.raw[name]) for name in call.endpoint.captures}
    name = given.get("role", "")
    if not name and policy == "forbid":
        raise before(SERVER_INTERNAL, "default directory not allowed by ACME policy")
    default = "" if name else policy.partition("role:")[2]
    role = _role(state, name or default)
    if name and config.allowed_roles != ["*"] and name not in config.allowed_roles:
        raise before(SERVER_INTERNAL, "specified role not allowed by ACME policy")
    if not config.allow_role_ext_key_usage:
        role.ext_key_usage, role.ext_key_usage_oids = ["serverauth"], []
        role.server_flag = True
        role.client_flag = role.code_signing_flag = role.email_protection_flag = False
    issuer = _issuer(state, given.get("issuer_ref") or role.issuer_ref or references.DEFAULT)
    below = call.request.path[len(call.mount.path) :]
    return AcmeDirectory(
        state, call, below[: below.rindex("/acme/") + 5] if "/acme/" in below else "acme", role, name or default, issuer
    )


def _role(state: PKI, name: str) -> PkiRole:
    """Return a copy of a role, or the rules of ``sign-verbatim``. Raises AcmeProblem."""
    if not name:
        usual = PkiRole().key_usage
        return internal_role(
            key_type="any", use_csr_common_name=True, use_csr_sans=True, key_usage=usual, issuer_ref=""
        )
    role = state.roles.get(name)
    if role is None:
        raise before(MALFORMED, "role does not exist")
    if role.no_store:
        raise before(SERVER_INTERNAL, "role can not be used as NoStore is set to true")
    return role.copy()


def _issuer(state: PKI, reference: str) -> PkiIssuer:
    try:
        issuer = references.issuer(state, reference)
    except BackendError:
        raise before(MALFORMED, "issuer does not exist") from None
    if "issuing-certificates" not in issuer.usage or not issuer.key_id:
        raise before(SERVER_INTERNAL, "issuer missing proper issuance usage or key")
    if state.acme.allowed_issuers != ["*"]:
        allowed = []
        for at, name in enumerate(state.acme.allowed_issuers):
            try:
                allowed.append(references.issuer(state, name).id)
            except BackendError as fault:
                text = f"failed to resolve reference for allowed_issuer entry {at}: {fault.errors[0]}"
                raise AcmeProblem(SERVER_INTERNAL, text) from None
        if issuer.id not in allowed:
            raise before(SERVER_INTERNAL, "specified issuer not allowed by ACME policy")
    return issuer


def _signed(found: AcmeDirectory, handler: Handler) -> Response:
    """Verify a request, call its handler, and add to its reply what every reply has. Raises AcmeProblem."""
    _verify(found)
    reply = handler(found)
    headers = {"Replay-Nonce": new_nonce(found), "Link": f'<{reply.up}>;rel="up"' if reply.up else found.index()}
    if reply.location:
        headers["Location"] = reply.location
    body = json_text.encode(dict(reply.data)).encode("utf-8", "replace") if reply.body is None else reply.body
    repeated = (("Link", found.index()),) if reply.up else ()
    return Response(raw=body, status=reply.status, content_type=reply.content_type, headers=headers, repeated=repeated)


def _verify(found: AcmeDirectory) -> None:
    """Verify nonce, address and signature of a request. Raises AcmeProblem."""
    call, given = found.call, found.call.raw
    if "protected" not in given:
        raise after(MALFORMED, "missing required field 'protected'")
    head = signed.header(given["protected"], ed25519=call.core.product.has(Feature.ACME_ED25519))
    if head.key_id:
        account_id = head.key_id.rpartition("/")[2]
        try:
            text = loaded(found.records, account_id, found.path).jwk
        except AcmeProblem as problem:
            raise within("failed to json unmarshal 'protected'", problem) from None
        found.account_id = account_id
    found.key = signed.account_key(text if head.key_id else head.jwk)
    if not found.records.redeem(head.nonce, call.now()):
        raise after(BAD_NONCE, "invalid or reused nonce")
    if not head.url:
        raise after(MALFORMED, "missing required parameter 'url' in 'protected'")
    expected = joined(found.state.cluster.path, call.request.path[len(call.mount.path) :])
    if head.url != expected:
        raise after(UNAUTHORIZED, f"invalid value for 'url' in 'protected': got '{head.url}' expected '{expected}'")
    for name in ("payload", "signature"):
        if name not in given:
            raise after(MALFORMED, f"missing required field '{name}'")
    found.data = signed.payload(given["protected"], given["payload"], given["signature"], found.key)


def new_nonce(found: AcmeDirectory) -> str:
    """Return a new nonce."""
    nonce = jws.encode(found.call.core.entropy.bytes(21))
    found.records.add_nonce(nonce, found.call.now())
    return nonce


def _read(found: AcmeDirectory) -> Response:
    """Return the addresses of the resources."""
    names = {
        "newNonce": "new-nonce", "newAccount": "new-account", "newOrder": "new-order", "revokeCert": "revoke-cert",
        "keyChange": "key-change",
    }  # fmt: skip
    required = found.state.acme.eab_policy != "not-required"
    document: dict[str, object] = {name: found.url(path) for name, path in names.items()}
    document["meta"] = {"externalAccountRequired": required}
    return Response(raw=json_text.encode(document).encode(), status=200)


def _nonce(found: AcmeDirectory) -> Response:
    """Return a nonce, in the headers; the status of HEAD is 200, that of GET is 204."""
    headers = {"Replay-Nonce": new_nonce(found), "Link": found.index()}
    status = 204 if found.call.request.operation is Operation.READ else 200
    return Response(raw=b"", status=status, headers=headers, content_type="")


directories = _declared("directory", {}, {Operation.READ: _read}, "addresses of the resources.")
nonces = _declared("new-nonce", {}, {Operation.READ: _nonce, Operation.HEADER: _nonce}, "a nonce, in a header.")
