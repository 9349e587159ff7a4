"""The lists of machines that logged in and of denied role tags, and their tidies; each list has an older name, too."""

from __future__ import annotations

import base64

from mockkms.crypto.encoding import b64
from mockkms.vault.auth.cloud.aws.engine import AwsAuth, AwsTidy, DeniedTag, engine
from mockkms.vault.auth.cloud.aws.tags import parsed
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.world.clock import rfc3339

_CURRENT = {"identity-whitelist": "identity-accesslist", "roletag-blacklist": "roletag-denylist"}
_LISTS = "identity-accesslist|identity-whitelist|roletag-denylist|roletag-blacklist"
_BUFFERS = {"roletag-denylist": 180 * 24 * 3600, "identity-accesslist": 72 * 3600}
"""Seconds for which the periodic tidy of a list without settings keeps expired entries."""
_LIST = {"list": Field(Kind.STRING, help="Name of the list.")}

machines = engine.path("{list:one(identity-accesslist|identity-whitelist)}[/]", _LIST, help="Machines that logged in.")
machine = engine.path(
    "{list:one(identity-accesslist|identity-whitelist)}/{instance_id}",
    {**_LIST, "instance_id": Field(Kind.STRING, help="Id of the machine.")},
    help="The entry of a machine that logged in.",
)
tags = engine.path("{list:one(roletag-denylist|roletag-blacklist)}[/]", _LIST, help="Role tags that are denied.")
tag = engine.path(
    "{list:one(roletag-denylist|roletag-blacklist)}/{role_tag:some}",
    {**_LIST, "role_tag": Field(Kind.STRING, help="The tag, plain or in base64.")},
    help="Deny a role tag, read the denial or delete it.",
    go_errors=True,
)
periodic = engine.path(
    f"config/tidy/{{list:one({_LISTS})}}",
    lambda: {**_LIST, **AwsTidy.fields()},
    help="The periodic tidy of a list.",
)
tidy = engine.path(
    f"tidy/{{list:one({_LISTS})}}", lambda: {**_LIST, **AwsTidy.fields("safety_buffer")}, help="Tidy a list now."
)


def _current(call: Call) -> str:
    name: str = call["list"]
    return _CURRENT.get(name, name)


@machines.on(Operation.LIST)
def list_machines(state: AwsAuth, _call: Call) -> Reply:
    """Return the ids of the machines that logged in."""
    return {"keys": sorted(state.known_machines)}


@machine.on(Operation.READ)
def read_machine(state: AwsAuth, _call: Call, *, instance_id: str) -> Reply:
    """Return the entry of a machine that logged in."""
    found = state.known_machines.get(instance_id)
    if found is None:
        return None
    return {
        "role": found.role,
        "client_nonce": found.client_nonce,
        "creation_time": rfc3339(found.created),
        "disallow_reauthentication": found.disallow_reauthentication,
        "pending_time": found.pending_time,
        "expiration_time": rfc3339(found.expires),
        "last_updated_time": rfc3339(found.updated),
    }


@machine.on(Operation.DELETE)
def delete_machine(state: AwsAuth, _call: Call, *, instance_id: str) -> None:
    """Delete the entry of a machine, which may then log in as if for the first time."""
    state.known_machines.pop(instance_id, None)


@tags.on(Operation.LIST)
def list_tags(state: AwsAuth, _call: Call) -> Reply:
    """Return the denied tags, in the order of their base64, by which the real server stores them."""
    return {"keys": sorted(state.denied_tags, key=lambda text: base64.b64encode(text.encode()))}


def _plain(text: str) -> str:
    try:
        return b64.decode(text).decode()
    except ValueError:
        return text


@tag.on(Operation.READ)
def read_tag(state: AwsAuth, call: Call, *, role_tag: str) -> Reply:
    """Return the times at which the denial of a tag started and ends."""
    found = state.denied_tags.get(role_tag)
    if found is None:
        return None
    return {"creation_time": rfc3339(found.created), "expiration_time": rfc3339(found.expires)}


@tag.on(Operation.UPDATE)
def deny_tag(state: AwsAuth, call: Call, *, role_tag: str) -> None:
    """Deny a tag for as long as it could log in. Raises BackendError for an invalid tag."""
    text = _plain(role_tag)
    with refusing(error=BackendError):
        denied = parsed(state, text)
    role = state.roles[denied.role]
    # Restricts access, so that the longest of the lifetimes counts.
    bound = max(denied.max_ttl, role.token_max_ttl, call.core.max_ttl(call.mount))
    now, known = call.now(), state.denied_tags.get(text)
    state.denied_tags[text] = DeniedTag(known.created if known else now, now + bound)


@tag.on(Operation.DELETE)
def allow_tag(state: AwsAuth, call: Call, *, role_tag: str) -> None:
    """Delete the denial of a tag, if there is one."""
    state.denied_tags.pop(role_tag, None)


@periodic.existence
def settings_exist(state: AwsAuth, call: Call) -> bool:
    """Return whether there are settings: a write without them is a create."""
    return _current(call) in state.tidies


@periodic.on(Operation.READ)
def read_settings(state: AwsAuth, call: Call) -> Reply:
    """Return the settings of a list."""
    found = state.tidies.get(_current(call))
    return None if found is None else found.shown(call.core.product)


@periodic.on(Operation.CREATE, Operation.UPDATE)
def write_settings(state: AwsAuth, call: Call) -> None:
    """Change the settings that were sent."""
    state.tidies.setdefault(_current(call), AwsTidy()).update_from(call)


@periodic.on(Operation.DELETE)
def delete_settings(state: AwsAuth, call: Call) -> None:
    """Delete the settings."""
    state.tidies.pop(_current(call), None)


@tidy.on(Operation.UPDATE)
def tidy_now(state: AwsAuth, call: Call, *, safety_buffer: int) -> Response:
    """Delete entries that expired before the safety buffer. Raises ErrorResponse for a negative buffer."""
    if safety_buffer < 0:
        raise ErrorResponse("safety_buffer cannot be negative")
    _drop(state, _current(call), call.now() - safety_buffer)
    return Response(status=202, warnings=[call.core.product.texts.tidy_started])


def _drop(state: AwsAuth, name: str, before: float) -> None:
    """Delete the entries of a list that expired before a time."""
    if name == "roletag-denylist":
        state.denied_tags = {text: one for text, one in state.denied_tags.items() if one.expires >= before}
    else:
        state.known_machines = {machine: one for machine, one in state.known_machines.items() if one.expires >= before}


@engine.catches_up
def tidy_periodically(state: AwsAuth, call: Call) -> None:
    """Tidy both lists as the real server does every hour, unless their settings disable it."""
    if not state.denied_tags and not state.known_machines:
        return
    for name, usual in _BUFFERS.items():
        settings = state.tidies.get(name)
        if settings is None or not settings.disable_periodic_tidy:
            _drop(state, name, call.now() - (settings.safety_buffer if settings is not None else usual))
