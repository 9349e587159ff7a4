"""``map/teams`` and ``map/users``: policies by team and by user. A mapping is stored as it was sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from mockkms.vault.auth import directories
from mockkms.vault.auth.github.config import config
from mockkms.vault.auth.github.model import Github, GithubAccount, Mappings, engine
from mockkms.vault.framework.endpoint import Call, Endpoint, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Operation, Response
from mockkms.vault.framework.shapes.collections import Key, Text


def _declare(kind: str, mappings: Callable[[Github], Mappings]) -> Endpoint:
    listing = engine.path(f"map/{kind}[/]", help=f"The names of all mapped {kind}.")
    single = engine.path(
        f"map/{kind}/{{key:re([-\\w]+)}}",
        fields={
            "key": Field(Kind.STRING, help="Name, in any case; ``default`` applies to all."),
            "value": Field(Kind.STRING, help="Policies, separated by commas."),
        },
        help=f"Policies of one of the {kind}.",
    )

    @listing.on(Operation.LIST, Operation.READ)
    def list_keys(state: Github, call: Call) -> Reply:
        names = sorted(mappings(state))
        return {"keys": names} if names else {}

    @single.existence
    def exists(state: Github, call: Call, *, key: str) -> bool:
        return key.lower() in mappings(state)

    @single.on(Operation.READ)
    def read(state: Github, call: Call, *, key: str) -> Response:
        # An absent one is 200 without data.
        found = mappings(state).get(key.lower())
        return Response(data=dict(found) if found is not None else None)

    @single.on(Operation.CREATE, Operation.UPDATE)
    def write(state: Github, call: Call, *, key: str) -> None:
        mappings(state)[key.lower()] = dict(call.raw)

    @single.on(Operation.DELETE)
    def delete(state: Github, call: Call, *, key: str) -> None:
        mappings(state).pop(key.lower(), None)

    return single


teams = _declare("teams", lambda state: state.teams)
users = _declare("users", lambda state: state.users)


def policies(mappings: Mappings, names: Iterable[str]) -> list[str]:
    """Return the policies of some names and of ``default``; sorted, each once."""
    found: set[str] = set()
    for name in ("default", *names):
        value = mappings.get(name.lower(), {}).get("value")
        if isinstance(value, str):
            found |= {policy.strip() for policy in value.split(",")}
    return sorted(found - {""})


# -- in world files --------------------------------------------------------------------------------------------------


def _account() -> dict[str, Key]:
    return {
        "user": Key(Text(), "name of the user", required=True),
        "org": Key(directories.NAMES, "organizations that the user is a member of"),
        "teams": Key(directories.NAMES, "teams of the user in the configured organization"),
    }


section = directories.Directory(
    GithubAccount, _account, "GitHub's accounts, by personal access token", config, "the organization"
).section(
    directories.entries("teams", "policies by team", teams, lambda mount: mount.state.teams, directories.NAMES),
    directories.entries("users", "policies by user", users, lambda mount: mount.state.users, directories.NAMES),
)
