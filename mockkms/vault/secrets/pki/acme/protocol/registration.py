"""``new-account`` and ``account/``: creating, finding, changing and deactivating accounts (RFC 8555, section 7.3)."""

from __future__ import annotations

from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.acme.problems import (
    ACCOUNT_DOES_NOT_EXIST,
    EXTERNAL_ACCOUNT_REQUIRED,
    MALFORMED,
    UNAUTHORIZED,
    AcmeProblem,
    after,
    before,
    within,
)
from mockkms.vault.secrets.pki.acme.protocol import signed
from mockkms.vault.secrets.pki.acme.protocol.directory import UUID, AcmeDirectory, AcmeReply, joined, loaded, resource
from mockkms.vault.secrets.pki.acme.protocol.values import checked, kind_of, texts
from mockkms.vault.secrets.pki.acme.state import DEACTIVATED, VALID, AcmeAccount, AcmeBinding


def _account(found: AcmeDirectory) -> AcmeReply:
    """Create, find or change an account: one function of the real server reads the payloads of both resources."""
    data = found.data or {}
    contact = texts(data, "contact")
    checked(data, "termsOfServiceAgreed", bool)
    existing_only = checked(data, "onlyReturnExisting", bool) or False
    if "status" in data and not isinstance(data["status"], str):
        # The real server names another field here.
        kind = kind_of(data.get("onlyReturnExisting"))
        raise after(MALFORMED, f"invalid type ({kind}) for field 'onlyReturnExisting'")
    binding = data.get("externalAccountBinding", {})
    if not isinstance(binding, dict):
        raise before(MALFORMED, "externalAccountBinding field was unparseable")
    if existing_only:
        return _found(found)
    if found.call.endpoint in new_accounts:
        return _created(found, contact, binding)
    return _changed(found, contact, str(data.get("status", "")), binding)


def _shown(found: AcmeDirectory, account: AcmeAccount) -> AcmeReply:
    location = found.url("account", account.id)
    data: dict[str, object] = {"status": account.status, "orders": f"{location}/orders"}
    if account.contact:
        data["contact"] = account.contact
    return AcmeReply(data, location=location)


def _by_key(found: AcmeDirectory) -> AcmeAccount | None:
    """Return the account with the key of the request. Raises AcmeProblem if it belongs to another directory."""
    account = found.records.account_by_key(found.signer().thumbprint)
    if account is not None:
        try:
            loaded(found.records, account.id, found.path)
        except AcmeProblem as problem:
            raise within("failed to load account by thumbprint", problem) from None
        found.check_binding(account)
    return account


def _found(found: AcmeDirectory) -> AcmeReply:
    account = _by_key(found)
    if account is None:
        article = "An" if found.call.core.product.has(Feature.PKI_LATER) else "an"
        raise after(ACCOUNT_DOES_NOT_EXIST, f"{article} account with this key does not exist")
    return _shown(found, account)


def _created(found: AcmeDirectory, contact: list[str], binding: dict[str, object]) -> AcmeReply:
    if found.account_id:
        raise after(MALFORMED, "cannot submit to newAccount with 'kid'")
    known = _by_key(found)
    if known is not None:
        return _shown(found, known)
    bound = _bound(found, binding) if binding else None
    if bound is None and found.state.acme.eab_policy != "not-required":
        raise AcmeProblem(EXTERNAL_ACCOUNT_REQUIRED)
    if bound is not None:
        del found.state.eab[bound.key_id]
    key, call = found.signer(), found.call
    account = AcmeAccount(
        call.core.entropy.uuid(), found.path, key.text, key.thumbprint, call.now(), contact, binding=bound
    )
    found.records.accounts[account.id] = account
    reply = _shown(found, account)
    if bound is not None:
        reply.data = {**reply.data, "externalAccountBinding": binding}
    reply.status = 201
    return reply


def _bound(found: AcmeDirectory, given: dict[str, object]) -> AcmeBinding:
    """Return the verified binding of a new account to an unused key. Raises AcmeProblem."""
    claim = signed.binding(given)
    call = found.call
    expected = joined(found.state.cluster.path, call.request.path[len(call.mount.path) :])
    if claim.url != expected:
        fault = f"invalid value for 'url' in eab 'protected': got '{claim.url}' expected '{expected}'"
        raise after(UNAUTHORIZED, fault)
    key = found.state.eab.get(claim.key_id)
    if key is None:
        raise before(UNAUTHORIZED, "failed to verify eab")
    claim.verify(signed.decoded(key.key, "the stored key"), found.signer().text)
    if key.directory != found.path:
        raise before(UNAUTHORIZED, "failed to verify eab")
    return AcmeBinding(claim.key_id, key.directory, key.created)


def _changed(found: AcmeDirectory, contact: list[str], status: str, binding: dict[str, object]) -> AcmeReply:
    """Replace the contacts, even by none, as the real server does for every request; deactivate if it is asked for."""
    if not found.account_id:
        raise after(MALFORMED, "cannot submit to account updates without a 'kid'")
    if binding:
        raise before(MALFORMED, "not allowed to update EAB data in accounts")
    try:
        account = found.account()
    except AcmeProblem as problem:
        raise within("error loading account", problem) from None
    found.check_binding(account)
    if account.status != VALID:
        raise AcmeProblem(UNAUTHORIZED)
    if set(contact) != set(account.contact):
        account.contact = contact
    if status == DEACTIVATED:
        account.status, account.revoked = DEACTIVATED, found.call.now()
    return _shown(found, account)


new_accounts = resource("new-account", _account, "create or find an account.")
accounts = resource(f"account/{{kid:{UUID}}}", _account, "change or deactivate an account.")
