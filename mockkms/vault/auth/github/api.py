"""GitHub's API: the accounts of the world, otherwise a substitute on this machine, otherwise an error."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

from mockkms import outside
from mockkms.json_reading import read_json
from mockkms.urls import urlsplit
from mockkms.vault.auth.github.model import Github, GithubAccount, GithubConfig
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import BackendError, refusing

ADDRESS = "https://api.github.com/"
_PAGE = "?per_page=100"
HINT = "the world has no accounts for this mount; list them under `directory`"


@dataclass
class GithubMember:
    """The owner of a token."""

    user: str
    organizations: list[tuple[int, str]]
    """Id and name."""
    teams: list[tuple[str, str, int]]
    """Name, slug and organization's id."""


def id_of(organization: str) -> int:
    """Return the id that an organization has in a world, where organizations have names only."""
    return zlib.crc32(organization.lower().encode()) or 1


def organization_id(state: Github, config: GithubConfig) -> int:
    """Return the id of the configured organization. Raises BackendError with the text of GitHub's client.

    Without accounts in the world, all organizations are assumed to exist.
    """
    base, name = config.base_url or ADDRESS, config.organization
    if state.directory:
        if name.lower() in {org.lower() for account in state.directory.values() for org in account.org}:
            return id_of(name)
        raise BackendError(f"GET {base}orgs/{name}: 404 Not Found []")
    _check_address(base, f"orgs/{name}")
    if not outside.is_here(base):
        return id_of(name)
    number = _request(base, f"orgs/{name}", "").get("id")
    if not isinstance(number, int) or not number:
        raise BackendError(f"organization_id not found for {name}")
    return number


def member(state: Github, config: GithubConfig, token: str, call: Call) -> GithubMember:
    """Return the owner of a token. Raises BackendError with the text of GitHub's client."""
    base = config.base_url or ADDRESS
    if state.directory:
        account = state.directory.get(token)
        if account is None:
            raise BackendError(f"GET {base}user: 401 Bad credentials []")
        return _known(account, config)
    _check_address(base, "user")
    if not outside.is_here(base):
        call.request.trace.hint = HINT
        raise BackendError(f'Get "{base}user": {outside.unanswered(base)}')
    user = _request(base, "user", token).get("login")
    organizations = _listed(base, "user/orgs" + _PAGE, token)
    teams = _listed(base, "user/teams" + _PAGE, token)
    return GithubMember(
        str(user or ""),
        [(_number(org.get("id")), str(org.get("login") or "")) for org in organizations],
        [_team(team) for team in teams],
    )


def _known(account: GithubAccount, config: GithubConfig) -> GithubMember:
    # A configured id is the organization's real one, which the world does not know.
    own = {config.organization.lower(): config.organization_id}
    organizations = [(own.get(name.lower(), id_of(name)), name) for name in account.org]
    teams = [(name, slug(name), config.organization_id) for name in account.teams]
    return GithubMember(account.user, organizations, teams)


def slug(team: str) -> str:
    """Return a team's name as used in URLs."""
    return re.sub(r"[^\w-]+", "-", team.lower()).strip("-")


def _team(team: dict[str, object]) -> tuple[str, str, int]:
    organization = team.get("organization")
    number = _number(organization.get("id")) if isinstance(organization, dict) else 0
    name = str(team.get("name") or "")
    return name, str(team.get("slug") or name), number


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def _listed(base: str, path: str, token: str) -> list[dict[str, object]]:
    found = _answer(base, path, token)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _request(base: str, path: str, token: str) -> dict[str, object]:
    found = _answer(base, path, token)
    return found if isinstance(found, dict) else {}


def _answer(base: str, path: str, token: str) -> object:
    headers = {"Accept": "application/vnd.github.v3+json", "User-Agent": "go-github"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    with refusing(error=BackendError, of=OSError, text=f'Get "{base}{path}": {outside.unanswered(base)}'):
        status, body = outside.get(base + path, headers)
    try:
        found = read_json(body) if body.strip() else None
    except ValueError:
        if status < 300:
            raise BackendError("invalid character in the answer of GitHub's API") from None
        found = None
    if status >= 300:
        message = found.get("message", "") if isinstance(found, dict) else ""
        raise BackendError(f"GET {base}{path}: {status} {message} []")
    return found


def _check_address(base: str, path: str) -> None:
    """Raise BackendError with the text of Go's client for an address that it can ask nothing of."""
    parts = urlsplit(base)
    if parts.scheme in ("http", "https") and parts.hostname:
        return
    # Go resolves the path against an address without "//" as against one without a path.
    opaque = bool(parts.scheme) and not base[len(parts.scheme) + 1 :].startswith("/")
    folder = "" if opaque else parts.path.strip("/")
    begin = f"{parts.scheme}:" if parts.scheme else ""
    slashes = "//" if parts.scheme or parts.netloc else ""
    url = f"{begin}{slashes}{parts.netloc}/{folder + '/' if folder else ''}{path}"
    if parts.scheme in ("http", "https"):
        raise BackendError(f'Get "{url}": http: no Host in request URL')
    raise BackendError(f'Get "{url}": unsupported protocol scheme "{parts.scheme}"')
