"""Fills PKI mounts from world files, and dumps them: keys, issuers, roles, settings and certificates.

Keys and certificates are given as PEM, or generated from the world's randomness.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.crypto.encoding import pem
from mockkms.crypto.x509 import keys, read
from mockkms.vault.framework.message import Operation
from mockkms.vault.framework.world_section import list_at, mapping_at
from mockkms.vault.kernel import seeding
from mockkms.vault.mounts.table import Mount
from mockkms.vault.secrets.pki.certificates import urls
from mockkms.vault.secrets.pki.model import PKI, USAGES, PkiIssuer, PkiKey, Revocation, hyphens
from mockkms.vault.secrets.pki.revocation import crls

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context, Environment

Spec = Mapping[str, object]
ISSUER_SETTINGS = (
    "usage", "leaf_not_after_behavior", "revocation_signature_algorithm", *urls.FIELDS, "enable_aia_url_templating",
)  # fmt: skip
"""The settings of an issuer that its endpoint changes."""


def _data(
    core: Context, mount: Mount, below: str, data: Spec, operation: Operation = Operation.UPDATE
) -> dict[str, object]:
    response = seeding.write(core, mount, below, data, operation)
    return dict(response.data or {}) if response is not None else {}


def common_name(certificate: str) -> str:
    """Return the common name of a certificate in PEM; empty if the text is not a certificate."""
    try:
        found = pem.decode(certificate.strip() + "\n")
        return read.load(found.der).common_name if found else ""
    except ValueError:
        return ""


def add_key(core: Context, mount: Mount, spec: Spec) -> None:
    """Import a key (``material``: PEM) or generate one (``type``, ``bits``), with ``name`` and ``id``.

    Raises VaultError with the server's text, ValueError.
    """
    name = {"key_name": spec["name"]} if spec.get("name") else {}
    if "material" in spec:
        if "type" in spec or "bits" in spec:
            raise ValueError("`type` and `bits` cannot be set for a key with `material`")
        key_id = _data(core, mount, "keys/import", {**name, "pem_bundle": spec["material"]})["key_id"]
    else:
        kind = {"key_type": spec.get("type", "ec"), "key_bits": spec.get("bits", 0)}
        key_id = _data(core, mount, "keys/generate/internal", {**name, **kind})["key_id"]
    if spec.get("id"):
        _rename_key(mount.state, str(key_id), str(spec["id"]))


def _rename_key(state: PKI, old: str, new: str) -> None:
    if new != old and new in state.keys:
        raise ValueError(f"a key with the id {new} exists already")
    state.keys = {new if key_id == old else key_id: key for key_id, key in state.keys.items()}
    state.keys[new].id = new
    state.default_key = new if state.default_key == old else state.default_key
    for issuer in state.issuers.values():
        issuer.key_id = new if issuer.key_id == old else issuer.key_id


def add_issuer(core: Context, mount: Mount, spec: Spec) -> str:
    """Import a CA (``certificate``: PEM) or generate one (``generate``: the parameters of the API, of a root, or of an
    intermediate that is ``signed_by`` an issuer described before); then change its settings. Returns its id.

    Raises VaultError with the server's text, ValueError.
    """
    if ("certificate" in spec) == ("generate" in spec):
        raise ValueError("an issuer requires either `certificate` or `generate`")
    state: PKI = mount.state
    if "certificate" in spec:
        found = _imported(core, mount, str(spec["certificate"]))
    elif "signed_by" in spec:
        found = _intermediate(core, mount, spec)
    else:
        found = str(_data(core, mount, f"root/generate/{_how(spec)}", _wanted(spec))["issuer_id"])
    issuer = state.issuers[found]
    if spec.get("name") and issuer.name != spec["name"]:
        _data(core, mount, f"issuer/{found}", {"issuer_name": spec["name"]}, Operation.PATCH)
    settings = {name: spec[name] for name in ISSUER_SETTINGS if name in spec}
    if settings:
        _data(core, mount, f"issuer/{found}", settings, Operation.PATCH)
    if spec.get("id"):
        _rename_issuer(state, issuer, str(spec["id"]))
    if "revoked" in spec:
        issuer.revoked, issuer.revoked_at = True, _moment(core, spec["revoked"])
        issuer.usage = [name for name in issuer.usage if name != "issuing-certificates"]
    return issuer.id


def _how(spec: Spec) -> str:
    return "existing" if "key" in spec else "internal"


def _wanted(spec: Spec) -> dict[str, object]:
    reference = {"key_ref": spec["key"]} if "key" in spec else {}
    name = {"issuer_name": spec["name"]} if spec.get("name") and "signed_by" not in spec else {}
    kind: dict[str, object] = {} if reference else {"key_type": "ec"}
    return {**kind, **mapping_at(spec, "generate"), **reference, **name}


def _imported(core: Context, mount: Mount, text: str) -> str:
    data = _data(core, mount, "issuers/import/cert", {"pem_bundle": text})
    found = [*list_at(data, "imported_issuers"), *list_at(data, "existing_issuers")]
    if not found:
        raise ValueError("no certificate found in this text")
    return str(found[0])


def _intermediate(core: Context, mount: Mount, spec: Spec) -> str:
    generate, given = _wanted(spec), mapping_at(spec, "generate")
    request: dict[str, object] = {
        name: generate[name] for name in ("key_type", "key_bits", "key_ref", "key_name") if name in generate
    }
    subject = {"common_name": given.get("common_name", "")}
    csr = _data(core, mount, f"intermediate/generate/{_how(spec)}", {**request, **subject})["csr"]
    others = {name: value for name, value in given.items() if name not in request}
    signed = _data(core, mount, f"issuer/{spec['signed_by']}/sign-intermediate", {**others, "csr": csr})
    return _imported(core, mount, str(signed["certificate"]))


def _rename_issuer(state: PKI, issuer: PkiIssuer, new: str) -> None:
    old = issuer.id
    if new != old and new in state.issuers:
        raise ValueError(f"an issuer with the id {new} exists already")
    state.issuers = {new if issuer_id == old else issuer_id: one for issuer_id, one in state.issuers.items()}
    issuer.id = new
    state.default_issuer = new if state.default_issuer == old else state.default_issuer
    state.list_of = {new if issuer_id == old else issuer_id: listed for issuer_id, listed in state.list_of.items()}
    for one in state.issuers.values():
        one.chain = [new if issuer_id == old else issuer_id for issuer_id in one.chain]
        one.manual_chain = [new if issuer_id == old else issuer_id for issuer_id in one.manual_chain]


def add_certificate(core: Context, mount: Mount, spec: Spec) -> None:
    """Store a ``certificate`` (PEM), or issue one for a ``role``; ``revoked`` at a time, or now if true.

    Raises VaultError with the server's text, ValueError.
    """
    state: PKI = mount.state
    if ("certificate" in spec) == ("role" in spec):
        raise ValueError("a certificate requires either `certificate` or `role`")
    if "role" in spec:
        asked = {name: value for name, value in spec.items() if name not in ("role", "revoked", "issuer")}
        serial = hyphens(str(_data(core, mount, f"issue/{spec['role']}", asked)["serial_number"]))
        der = state.certificates.get(serial, b"")
    else:
        block = pem.decode(str(spec["certificate"]).strip() + "\n")
        der = block.der if block is not None else b""
    certificate = read.load(der)
    state.certificates[hyphens(certificate.serial_text)] = der
    if "revoked" in spec and spec["revoked"] is not False:
        issuer = str(spec.get("issuer") or crls.issuer_of(state, certificate))
        state.revoked[hyphens(certificate.serial_text)] = Revocation(der, _moment(core, spec["revoked"]), issuer)


def _moment(core: Environment, given: object) -> float:
    """Return seconds since the epoch; now for true."""
    return core.clock.now() if given is True or not isinstance(given, (int, float)) else float(given)


# -- dumps -----------------------------------------------------------------------------------------------------------


def shown_key(key: PkiKey) -> dict[str, object]:
    """Return the description of a key."""
    named = {"name": key.name} if key.name else {}
    return {"id": key.id, **named, "material": keys.private_pem(key.private, pkcs8=True) + "\n"}


def shown_issuer(issuer: PkiIssuer) -> dict[str, object]:
    """Return the description of an issuer."""
    shown: dict[str, object] = {"id": issuer.id}
    if issuer.name:
        shown["name"] = issuer.name
    shown["certificate"] = pem.encode("CERTIFICATE", issuer.certificate)
    if issuer.usage != list(USAGES):
        shown["usage"] = list(issuer.usage)
    if issuer.leaf_not_after != "err":
        shown["leaf_not_after_behavior"] = issuer.leaf_not_after
    if issuer.signature:
        shown["revocation_signature_algorithm"] = issuer.signature
    if issuer.urls is not None:
        addresses = issuer.urls.changed()
        templating = {"enable_aia_url_templating": True} if addresses.pop("enable_templating", False) else {}
        shown |= addresses | templating
    if issuer.manual_chain:
        shown["manual_chain"] = list(issuer.manual_chain)
    return shown | ({"revoked": issuer.revoked_at} if issuer.revoked else {})


def shown_certificate(state: PKI, serial: str) -> dict[str, object]:
    """Return the description of a stored certificate."""
    shown: dict[str, object] = {"certificate": pem.encode("CERTIFICATE", state.certificates[serial])}
    revoked = state.revoked.get(serial)
    if revoked is not None:
        shown["revoked"] = revoked.at
        if revoked.issuer:
            shown["issuer"] = revoked.issuer
    return shown
