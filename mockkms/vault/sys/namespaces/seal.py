"""Sealable namespaces: ``sys/namespaces/…/seal``, ``unseal``, ``seal-status`` and ``delete-sealed``."""

from __future__ import annotations

import re
from contextlib import suppress

from mockkms.crypto.encoding import b64
from mockkms.vault import hcl
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind, convert
from mockkms.vault.framework.message import (
    BackendError,
    ErrorResponse,
    Operation,
    Response,
    permission_denied,
    refusing,
)
from mockkms.vault.golang.fmt import quote, shown
from mockkms.vault.kernel.namespaces import parse_name
from mockkms.vault.kernel.state import Namespace
from mockkms.vault.products.features import Feature
from mockkms.vault.seals import pgp_shares
from mockkms.vault.seals.barrier import Barrier, make_key, validate_shares
from mockkms.vault.sys.engine import engine

_NEEDS = Feature.NAMESPACES
_PATH = {"path": Field(Kind.STRING, help="Name of the namespace within the one of the request.")}
_MOST_STANZAS = 3

status = engine.path(
    "namespaces/{path:some}/seal-status",
    fields=_PATH,
    help="Whether a namespace is sealed.",
    needs=_NEEDS,
    go_errors=True,
)
seal = engine.path("namespaces/{path:some}/seal", fields=_PATH, help="Seal a namespace.", needs=_NEEDS)
unseal = engine.path(
    "namespaces/{path:some}/unseal",
    fields={
        **_PATH,
        "key": Field(Kind.STRING, help="One share of its unseal key, hex or base64."),
        "reset": Field(Kind.BOOL, help="Discard the shares entered so far."),
    },
    help="Enter a share of a namespace's unseal key.",
    needs=_NEEDS,
    go_errors=True,
)
delete_sealed = engine.path(
    "namespaces/{path:some}/delete-sealed",
    fields={**_PATH, "force": Field(Kind.BOOL, query=True, help="Delete the namespaces below it too.")},
    help="Delete a sealed namespace without unsealing it.",
    needs=_NEEDS,
)


def parse_seal(text: str, pgp_keys: list[str]) -> tuple[int, int]:
    """Return shares and threshold of a seal configuration in HCL or JSON. Raises BackendError.

    PGP keys are checked and then, as on the real server, not used.
    """
    settings, kinds = _stanzas(text)
    if len(kinds) != 1:
        raise BackendError("seal config must contain exactly one seal stanza")
    if kinds[0] != "shamir":
        raise BackendError("namespaces currently only support shamir seals")
    counts = []
    for name in ("shares", "threshold"):
        value = settings.get(name) or "0"
        if re.fullmatch(r"-?\d{1,9}", value) is None:
            raise BackendError("value of shares parameter must be integer")
        counts.append(int(value))
    with refusing("invalid seal config: "):
        validate_shares(counts[0], counts[1], pgp_keys)
        pgp_shares.check(pgp_keys)
    return counts[0], counts[1]


def _strings(block: hcl.Node, framing: str) -> dict[str, str]:
    """Return the settings of one seal, which have to be texts, numbers or booleans. Raises HclError."""
    found: dict[str, str] = {}
    value: object = None
    try:
        for name, value in hcl.decode_map(block, "root").items():
            found[name] = str(convert(Kind.STRING, value)[1])
    except hcl.HclError as error:
        raise hcl.HclError(f"{framing}{error}") from None
    except ValueError as error:
        raise hcl.HclError(f"{framing}{error}, value: '{shown(value)}'") from None
    return found


def _stanzas(text: str) -> tuple[dict[str, str], list[str]]:
    """Return the settings of all seals, and the type of each (``configutil.ParseKMSes``)."""
    settings: dict[str, str] = {}
    kinds: list[str] = []
    with refusing("unable to parse seal config: ", BackendError, of=hcl.HclError):
        items = hcl.parse(text)
        for block in ("seal", "kms"):
            stanzas = items.under(block).items
            if len(stanzas) > _MOST_STANZAS:
                raise hcl.HclError(f"error parsing '{block}': only two or less {quote(block)} blocks are permitted")
            for stanza in stanzas:
                kind = stanza.keys[0].name if stanza.keys else block
                settings |= _strings(stanza.value, f"error parsing '{block}': {block}.{kind}: ")
                kinds.append(kind.lower())
    return settings, kinds


def install_seal(call: Call, namespace: Namespace, shares: int, threshold: int) -> dict[str, object]:
    """Set up the seal of a new namespace; return its shares, which are shown only this once.

    Like the real server, leave the namespace sealed.
    """
    random = call.core.entropy.bytes
    key, parts = make_key(shares, threshold, random)
    namespace.barrier = Barrier(installed=call.now(), sealed=False)
    namespace.barrier.install(key, shares, threshold, random, parts)
    namespace.barrier.seal()
    return {"key_shares": [part.hex() for part in parts], "key_threshold": threshold}


def _named(call: Call) -> tuple[str, Namespace | None]:
    name = parse_name(call["path"])
    return name, call.core.namespaces.get(call.request.namespace + name)


def _shown(barrier: Barrier) -> dict[str, object]:
    return {
        "initialized": True,
        "n": barrier.shares,
        "nonce": barrier.nonce,
        "progress": len(barrier.progress),
        "sealed": barrier.sealed,
        "t": barrier.threshold,
        "type": "shamir",
    }


def _barrier(call: Call) -> Barrier:
    name, found = _named(call)
    if found is None:
        raise BackendError(f"namespace {quote(name)} doesn't exist")
    if found.barrier is None:
        raise ErrorResponse("namespace is not sealable")
    return found.barrier


@status.on(Operation.READ)
def read_status(_state: object, call: Call) -> dict[str, object]:
    """Return the seal of one namespace."""
    return _shown(_barrier(call))


@seal.on(Operation.UPDATE)
def seal_namespace(_state: object, call: Call) -> None:
    """Seal a namespace and those below it; the mounts of one without a seal of its own are lost."""
    _name, found = _named(call)
    if found is None:
        raise ErrorResponse("namespace doesn't exist")
    if found.barrier is None:
        found.unloaded = True
    else:
        found.barrier.seal()


@unseal.on(Operation.UPDATE)
def unseal_namespace(_state: object, call: Call, *, reset: bool, key: str) -> dict[str, object]:
    """Add an unseal share, or discard the shares entered so far."""
    _name, found = _named(call)
    part = b""
    if found is not None and not reset:
        if not key:
            raise BackendError("provided key is empty")
        part = _decoded(key)
    barrier = _barrier(call)
    if reset:
        barrier.reset()
        return _shown(barrier)
    if barrier.sealed:
        barrier.unseal(part, call.core.entropy.uuid)
    return _shown(barrier)


def _decoded(text: str) -> bytes:
    with suppress(ValueError):
        return bytes.fromhex(text)
    with refusing():
        return b64.decode(text)


@delete_sealed.on(Operation.DELETE)
def delete_sealed_namespace(_state: object, call: Call, *, force: bool) -> Response:
    """Delete a sealed namespace; needs sudo."""
    core, request = call.core, call.request
    _name, found = _named(call)
    if not core.policies.check(request, core.tokens.authenticate(request), sudo=True).allowed:
        raise permission_denied()
    if found is None:
        return Response(warnings=["requested namespace does not exist"])
    if found.barrier is None or not found.barrier.sealed:
        raise ErrorResponse("namespace is not sealed")
    below = [path for path in core.state.namespaces.items if path.startswith(found.path) and path != found.path]
    if below and not force:
        raise ErrorResponse(
            "sealed namespace has leftover child namespaces; pass force=true to delete the entire tree, or unseal the "
            "namespace and delete children individually"
        )
    core.namespaces.delete(found.path)
    return Response(data={"status": "in-progress"})
