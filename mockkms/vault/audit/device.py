"""Audit devices and their salted hashes."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mockkms.vault.message import ErrorResponse

if TYPE_CHECKING:
    from mockkms.vault.core import Core

_DISCARD = ("stdout", "discard", "/dev/null")


@dataclass
class Device:
    """One audit device of type ``file``."""

    path: str
    """Name with trailing slash."""
    type: str
    salt: str
    options: dict[str, str] = field(default_factory=dict)
    description: str = ""
    local: bool = False

    @property
    def file(self) -> str:
        """The file its lines go to; empty for none."""
        path = self.options.get("file_path") or self.options.get("path", "")
        return "" if path in _DISCARD else path

    def switch(self, name: str, default: bool) -> bool:
        """A boolean option."""
        text = self.options.get(name, "")
        return default if not text else text.lower() in ("1", "t", "true")


def devices(core: Core) -> dict[str, Device]:
    """All devices by their path."""
    found: dict[str, Device] = core.state.system.setdefault("audit", {})
    return found


def enable(
    core: Core, path: str, type: str, *, options: dict[str, str], description: str = "", local: bool = False
) -> Device:
    """Enable a device; ``path`` ends in a slash. Raises ErrorResponse."""
    if path == "/":
        raise ErrorResponse("backend path must be specified")
    present = devices(core)
    if any(other.startswith(path) or path.startswith(other) for other in present):
        raise ErrorResponse("path already in use")
    if type != "file":
        raise ErrorResponse(f'unknown backend type: "{type}"')
    if not (options.get("file_path") or options.get("path")):
        raise ErrorResponse("file_path is required")
    if options.get("format", "json") != "json":
        raise ErrorResponse(f'unknown format type "{options["format"]}"')
    present[path] = Device(path, type, core.entropy.uuid(), options, description, local)
    return present[path]


def hashed(device: Device, text: str) -> str:
    """The text as the device's log shows it: an HMAC with the device's salt."""
    digest = hmac.new(device.salt.encode(), text.encode("utf-8", "surrogatepass"), hashlib.sha256)
    return f"hmac-sha256:{digest.hexdigest()}"
