"""ACME in the section of PKI mounts in world files: its settings, and unused keys that bind accounts.

Beside the parameters of ``config/acme``, the settings say where challenges are validated, which the real server leaves
to the network: the ports of a client's responders, and names that are on this machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.captured import CapturedMount, parameters_in
from mockkms.vault.framework.shapes.collections import Integer, Key, ListOf, Moment, RecordShape, Text
from mockkms.vault.framework.shapes.parameters import written
from mockkms.vault.framework.world_section import Filling, items_at, list_at, mapping_at
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import Part
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.pki.acme.accounts import new_key
from mockkms.vault.secrets.pki.acme.config import config
from mockkms.vault.secrets.pki.model import PKI, EabKey
from mockkms.vault.secrets.pki.settings import AcmeConfig

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_PORT = Integer(1, 65535)
_PORTS = ("http_port", "tls_port")
_HOSTS = "hosts"
_DIRECTORY = "acme"


def _shape() -> Key:
    more = {
        "http_port": Key(_PORT, "port of http-01 challenges on this machine, 80 if it is missing"),
        "tls_port": Key(_PORT, "port of tls-alpn-01 challenges on this machine, 443 if it is missing"),
        _HOSTS: Key(ListOf(Text(), single=True), "names on this machine, for challenges; * stands for any text"),
    }
    return Key(written("pki", "config/acme", **more), "settings of config/acme, and where challenges are validated")


def _fill(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    given = dict(mapping_at(spec, "acme"))
    settings: AcmeConfig = mount.state.acme
    for name in _PORTS:
        port = given.pop(name, None)
        if isinstance(port, int):
            setattr(settings, name, port)
    settings.hosts = [str(one) for one in list_at(given, _HOSTS)] or settings.hosts
    given.pop(_HOSTS, None)
    if given:
        with to.guard("acme"):
            seeding.write(to.core, mount, "config/acme", given)


def _described(settings: AcmeConfig) -> dict[str, object]:
    fresh = AcmeConfig()
    more = {name: getattr(settings, name) for name in (*_PORTS, _HOSTS)}
    return {**settings.changed(), **{name: value for name, value in more.items() if value != getattr(fresh, name)}}


def _captured(server: CapturedMount) -> dict[str, object]:
    return parameters_in(server.read("config/acme") or {}, config)


def _binding_shape() -> Key:
    shape = RecordShape(
        {
            "id": Key(Text(), "random if it is missing"),
            "key": Key(Text("base64url without padding", _key_fault), "the key; random if it is missing"),
            "directory": Key(Text(), "path of the directory below the mount, such as roles/web/acme; acme if missing"),
            "created": Key(Moment(), "time of the creation; now if it is missing"),
        }
    )
    return Key(ListOf(shape), "unused keys that bind ACME accounts (EAB)")


def _key_fault(text: str) -> str | None:
    try:
        b64.decode_raw_url(text)
    except ValueError:
        return "not base64url without padding"
    return None


def _fill_bindings(to: Filling, mount: Mount, spec: Mapping[str, object]) -> None:
    for index, one in items_at(spec, "acme_bindings"):
        with to.guard("acme_bindings", index):
            _add_binding(to.core, mount.state, one)


def _add_binding(core: Context, state: PKI, spec: Mapping[str, object]) -> None:
    """Add a key. Raises ValueError for an id that exists."""
    key_id = str(spec.get("id") or core.entropy.uuid())
    if key_id in state.eab:
        raise ValueError(f"a key with the id {key_id} exists already")
    created = spec.get("created")
    state.eab[key_id] = EabKey(
        str(spec.get("directory") or _DIRECTORY).strip("/"),
        float(created) if isinstance(created, (int, float)) else core.clock.now(),
        str(spec.get("key") or new_key(core)),
    )


def _described_binding(key_id: str, key: EabKey) -> dict[str, object]:
    directory = {} if key.directory == _DIRECTORY else {"directory": key.directory}
    return {"id": key_id, "key": key.key, **directory, "created": key.created}


PARTS = (
    Part("acme", _shape, _fill, lambda _core, mount: _described(mount.state.acme), _captured),
    Part(
        "acme_bindings",
        _binding_shape,
        _fill_bindings,
        lambda _core, mount: [_described_binding(*item) for item in mount.state.eab.items()],
    ),
)
