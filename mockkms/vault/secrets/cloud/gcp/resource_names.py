"""Names of the resources of bindings: relative and full resource names, and self-links.

Sources: ``vault-plugin-secrets-gcp`` 0.24.0, ``iamutil/resource_parser.go``; ``go-gcp-common``, ``resource_name.go``.
"""

from __future__ import annotations

import re
from functools import cache
from urllib.parse import urlsplit

from mockkms.vault.secrets.cloud.gcp.resource_types import ADDRESSES, TYPES

_COLLECTION = re.compile(r"[a-z][a-zA-Z]*")
_ID = re.compile(r"[^\t\n\f\r]+")
_FULL = re.compile(r"//([a-z]+)\.googleapis\.com/(.+)")
_SINGLE = "global"
"""A collection without ids: what follows it is another collection."""
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_PROJECTS = "projects/"
_SERVICES = "please provide a self-link or full resource name for non-service-unique resource type"
_VERSIONS = (
    "please provide a self-link with version instead; multiple versions of this resource exist, all non-preferred"
)


def check_resource(name: str) -> None:
    """Check that a name is that of a resource with an IAM policy. Raises ValueError with the plugin's text."""
    if re.search(r"%(?![0-9a-fA-F]{2})|[\x00-\x1f\x7f]", name) or name.startswith(":"):
        raise ValueError(f'resource "{name}" is invalid URI')
    if _SCHEME.match(name):
        _check_link(name)
    elif name.startswith("//") and urlsplit(name).netloc:
        match = _FULL.fullmatch(name)
        if match is None:
            raise ValueError(f"invalid full name '{name}'")
        try:
            kind = _kind(match[2].strip("/"))
        except ValueError as error:
            text = f"error parsing relative resource path in full resource name '{name}': {error}"
            raise ValueError(text) from None
        services = _services(name, kind)
        if match[1] not in services:
            raise _invalid(name, f"unsupported service {match[1]} for resource {kind}")
        _check_versions(name, services[match[1]])
    else:
        services = _services(name, _kind(name))
        if len(services) > 1:
            raise _invalid(name, _SERVICES)
        _check_versions(name, *services.values())


def _check_link(name: str) -> None:
    """Check a self-link, which names the version of an API. Raises ValueError."""
    if not urlsplit(name).netloc:
        raise ValueError(f"invalid self link '{name}' must have scheme/host")
    prefix, marker, path = name.partition(_PROJECTS)
    if not marker:
        raise ValueError(f"self link '{name}' is not for project-level resource, must contain '{_PROJECTS}')")
    try:
        kind = _kind(marker + path)
    except ValueError as error:
        raise ValueError(f"error parsing relative resource path in self-link '{name}': {error}") from None
    for service, versions in _services(name, kind).items():
        for version in versions.split():
            plain = version.rstrip("*")
            known = ADDRESSES.get(f"{service} {plain}", f"https://{service}.googleapis.com/{plain}/")
            if known.startswith(prefix):
                return
    raise _invalid(name, f"unsupported service/version for resource with prefix {prefix}")


def _kind(name: str) -> str:
    """Return the collections of a relative name, such as ``projects/topics``. Raises ValueError."""
    fault = f"invalid relative resource name {name}"
    tokens = name.split("/")
    if len(tokens) < 2:
        raise ValueError(f"{fault} (too few tokens)")
    collections: list[str] = []
    open_collection = False
    for at, token in enumerate(tokens):
        if open_collection:
            if _ID.fullmatch(token) is None:
                raise ValueError(f"{fault} (invalid resource sub-ID {token})")
            open_collection = False
        elif token == _SINGLE:
            if at == len(tokens) - 1:
                raise ValueError(f"{fault} (last collection '' has no ID)")
        else:
            if _COLLECTION.fullmatch(token) is None:
                raise ValueError(f"{fault} (invalid collection ID {token})")
            collections.append(token)
            open_collection = True
    return "/".join(collections)


def _services(name: str, kind: str) -> dict[str, str]:
    """Return the services that have a type of resources, with the versions of their APIs. Raises ValueError."""
    found = _table().get(kind)
    if found is None:
        raise _invalid(name, f"unsupported resource type: {kind}")
    return found


@cache
def _table() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for api, kinds in TYPES.items():
        service, _, versions = api.partition(" ")
        for kind in kinds.split():
            found.setdefault("" if kind == '""' else kind, {})[service] = versions
    return found


def _check_versions(name: str, versions: str) -> None:
    """Check that one version is preferred, or that only one is stable. Raises ValueError."""
    known = versions.split()
    stable = [version for version in known if "alpha" not in version and "beta" not in version]
    if len(known) > 1 and "*" not in versions and len(stable) != 1:
        raise _invalid(name, _VERSIONS)


def _invalid(name: str, fault: str) -> ValueError:
    return ValueError(f'invalid resource "{name}": {fault}')
