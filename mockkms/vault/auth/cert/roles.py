"""``config`` and ``certs/{name}``: settings of the mount, and trusted certificates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mockkms.crypto.x509 import read
from mockkms.crypto.x509.build import EXTENDED_USAGES
from mockkms.vault.auth.cert.chains import certificates
from mockkms.vault.auth.cert.model import Cert, CertConfig, CertRole, engine
from mockkms.vault.framework.collections import Collection
from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response
from mockkms.vault.kernel import seeding
from mockkms.vault.kernel.record_section import named, one, record_section
from mockkms.vault.mounts.table import Mount
from mockkms.vault.products.features import Feature

if TYPE_CHECKING:
    from mockkms.vault.framework.context import Context

_MAX_CACHE = 100_000
_OCSP = "ocsp_cache_size"
_ACCEPTED_USAGES = (EXTENDED_USAGES["any"], EXTENDED_USAGES["clientauth"])
_KNOWN_USAGES = {*EXTENDED_USAGES.values(), "1.3.6.1.4.1.311.2.1.22", "1.3.6.1.4.1.311.61.1.1"}
"""Extended key usages that Go knows; the last two are Microsoft's code signing."""

config = engine.path("config", CertConfig.fields, help="Settings of the mount.")
_LEASE = {"lease": Field(Kind.INT, deprecated=True, help="The oldest name of token_ttl, in seconds.")}
roles = Collection[Cert, CertRole](
    engine,
    "certs/{name}",
    CertRole,
    lambda state: state.roles,
    name=Field(Kind.STRING, help="Name of the certificate, in any case."),
    lower=True,
    extra=_LEASE,
    existence=False,
    help="A trusted certificate.",
    list_help="The names of all trusted certificates.",
)


def _configure(core: Context, mount: Mount, data: Mapping[str, object]) -> None:
    """Write the settings of a world file. As in reads, a size of 0 means that none was set."""
    seeding.write(core, mount, config.template, {k: v for k, v in data.items() if k != _OCSP or v != 0})


section = record_section(
    one("config", "settings of the method", config, lambda state: state.config, add=_configure),
    named("certs", "trusted certificates by name", roles),
)


@config.on(Operation.READ)
def read_config(state: Cert, call: Call) -> Reply:
    """Return the settings, including defaults."""
    return state.config.shown(call.core.product)


@config.on(Operation.UPDATE)
def write_config(state: Cert, call: Call, *, ocsp_cache_size: int, role_cache_size: int) -> None:
    """Change the settings that were sent. Raises ErrorResponse."""
    if _OCSP in call and not 2 <= ocsp_cache_size <= _MAX_CACHE:
        which = "ocsp cache" if call.core.product.has(Feature.CERT_CACHES) else "cache"
        raise ErrorResponse(f"invalid {which} size, must be >= 2 and <= {_MAX_CACHE}")
    if "role_cache_size" in call and not -1 <= role_cache_size <= _MAX_CACHE:
        raise ErrorResponse(f"invalid role cache size, must be <= {_MAX_CACHE} or -1 to disable role caching")
    state.config.update_from(call)


@roles.write
def write(state: Cert, call: Call, name: str, made: CertRole, *, lease: int) -> Response | None:
    """Create or change a trusted certificate. Raises ErrorResponse."""
    made.update_own(call)
    made.update_token_params(call)
    if "lease" in call and "token_ttl" not in call and "ttl" not in call:
        made.old["ttl"] = made.token_ttl = lease
    if made.token_max_ttl and made.token_ttl > made.token_max_ttl:
        raise ErrorResponse("ttl should be shorter than max_ttl")
    if made.ocsp_max_retries < 0:
        raise ErrorResponse("ocsp_max_retries can not be a negative number")
    made.display_name = made.display_name or name
    _check_certificate(made.certificate)
    warnings = _warnings(made, call)
    return Response(warnings=warnings) if warnings else None


def _warnings(made: CertRole, call: Call) -> list[str]:
    default, largest = call.core.default_ttl(call.mount), call.core.max_ttl(call.mount)
    warnings = []
    for name, seconds, limit in (("ttl", made.token_ttl, default), ("max_ttl", made.token_max_ttl, largest)):
        if seconds > limit:
            warnings.append(
                f"Given {name} of {seconds} seconds is greater than current mount/system default of {limit} seconds"
            )
    if made.token_period > largest:
        warnings.append(
            f"Given period of {made.token_period} seconds is greater than the backend's maximum TTL "
            f"of {largest} seconds"
        )
    return warnings


def _check_certificate(pem: str) -> None:
    found = certificates(pem)
    if not found:
        raise ErrorResponse("failed to parse certificate")
    parsed = read.parsed(found[0])
    usages = _KNOWN_USAGES.intersection(parsed.usages)
    if usages and not parsed.ca and usages.isdisjoint(_ACCEPTED_USAGES):
        raise ErrorResponse("nonCA certificates should have TLS client authentication set as an extended key usage")
