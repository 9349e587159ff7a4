"""``config/``: addresses, the cluster's own addresses, defaults of issuers and keys, and revocation lists."""

from __future__ import annotations

from mockkms.vault.framework.endpoint import Call, Field, Reply
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.duration import go_duration, parse_seconds
from mockkms.vault.products.features import Feature
from mockkms.vault.secrets.pki.certificates import urls
from mockkms.vault.secrets.pki.issuers import references, store
from mockkms.vault.secrets.pki.model import PKI, engine
from mockkms.vault.secrets.pki.revocation import crls
from mockkms.vault.secrets.pki.settings import CrlConfig, PkiCluster, PkiUrls

_DEFAULT = Field(Kind.STRING, help="Id or name.")
_FOLLOW = Field(Kind.BOOL, help="The newest issuer becomes the default.")

config_urls = engine.path(
    "config/urls", fields=PkiUrls.fields, help="Addresses of issuers, CRLs and OCSP for relying parties."
)
cluster = engine.path("config/cluster", fields=PkiCluster.fields, help="The mount's own addresses.", go_errors=True)
issuers = engine.path(
    "config/issuers",
    fields={"default": _DEFAULT, "default_follows_latest_issuer": _FOLLOW},
    help="The default issuer.",
)
replace_root = engine.path(
    "root/replace",
    fields={"default": Field(Kind.STRING, default="next", help="Id or name.")},
    help="Change the default issuer.",
)
keys = engine.path("config/keys", fields={"default": _DEFAULT}, help="The default key.")
config_crl = engine.path("config/crl", fields=CrlConfig.fields, help="Settings of revocation lists.", go_errors=True)


@config_urls.on(Operation.READ)
def read_urls(state: PKI, call: Call) -> Reply:
    """Return the addresses."""
    return state.urls.shown(call.core.product)


@config_urls.on(Operation.UPDATE)
def write_urls(state: PKI, call: Call) -> Response:
    """Change the parameters that are sent. Raises ErrorResponse for an invalid address."""
    changed = state.urls.copy()
    changed.update_from(call)
    warnings = []
    if not changed.enable_templating:
        bad = urls.fault(changed, loose=call.core.product.has(Feature.PKI_ISSUER_ADDRESSES))
        if bad:
            raise ErrorResponse(bad)
    elif state.issuers:
        try:
            urls.filled(state, changed, min(state.issuers))
        except ValueError as error:
            warnings.append(urls.hint(error))
    state.urls = changed
    return Response(data=changed.shown(call.core.product), warnings=warnings)


@cluster.on(Operation.READ)
def read_cluster(state: PKI, call: Call) -> Reply:
    """Return both addresses."""
    return state.cluster.shown(call.core.product)


@cluster.on(Operation.UPDATE)
def write_cluster(state: PKI, call: Call) -> Reply:
    """Change the parameters that are sent. Raises BackendError for an invalid address."""
    for name in PkiCluster.params():
        if name in call and not urls.is_complete(call[name]):
            raise BackendError(f"invalid, non-URL {name} given to cluster: {call[name]}")
    state.cluster.update_from(call)
    return state.cluster.shown(call.core.product)


@issuers.on(Operation.READ)
def read_issuers(state: PKI, _call: Call) -> Reply:
    """Return the id of the default issuer."""
    return {"default": state.default_issuer, "default_follows_latest_issuer": state.follow_latest}


@issuers.on(Operation.UPDATE)
@replace_root.on(Operation.UPDATE)
def write_issuers(state: PKI, call: Call, *, default: str) -> Response:
    """Change the default issuer. Raises ErrorResponse."""
    wanted = default
    if wanted in ("", references.DEFAULT):
        raise ErrorResponse("Invalid issuer specification; must be non-empty and can't be 'default'.")
    with refusing("Error resolving issuer reference: ", of=BackendError):
        issuer = references.issuer(state, wanted)
    store.set_default(state, call, issuer.id)
    if call.endpoint is issuers:
        state.follow_latest = call.get("default_follows_latest_issuer", state.follow_latest)
    warnings = []
    if not issuer.key_id:
        warnings.append(
            "This selected default issuer has no key associated with it. Some operations like issuing certificates and "
            "signing CRLs will be unavailable with the requested default issuer until a key is imported or the default "
            "issuer is changed."
        )
    shown = {"default": state.default_issuer, "default_follows_latest_issuer": state.follow_latest}
    return Response(data=shown, warnings=warnings)


@keys.on(Operation.READ)
def read_keys(state: PKI, _call: Call) -> Reply:
    """Return the id of the default key."""
    return {"default": state.default_key}


@keys.on(Operation.UPDATE)
def write_keys(state: PKI, _call: Call, *, default: str) -> Reply:
    """Choose the default key. Raises ErrorResponse."""
    if default in ("", references.DEFAULT):
        raise ErrorResponse("Invalid key specification; must be non-empty and can't be 'default'.")
    with refusing("Error resolving issuer reference: ", of=BackendError):
        state.default_key = references.key(state, default).id
    return {"default": state.default_key}


@config_crl.on(Operation.READ)
def read_crl(state: PKI, call: Call) -> Reply:
    """Return the settings; durations as they were written."""
    return state.crl.shown(call.core.product)


@config_crl.on(Operation.UPDATE)
def write_crl(state: PKI, call: Call) -> Response:
    """Change the parameters that are sent. Raises ErrorResponse, and BackendError if building fails."""
    old = state.crl
    config = old.copy()
    config.update_from(call)
    if config.max_crl_entries < 1 and config.max_crl_entries != -1:
        config.max_crl_entries = old.max_crl_entries
    for name in ("expiry", "ocsp_expiry", "auto_rebuild_grace_period", "delta_rebuild_interval"):
        if name in call:
            _check_duration(name, call[name])
    if config.unified_crl_on_existing_paths and not config.unified_crl:
        raise ErrorResponse("unified_crl_on_existing_paths cannot be enabled if unified_crl is disabled")
    expiry = parse_seconds(config.expiry)
    if config.auto_rebuild and parse_seconds(config.auto_rebuild_grace_period) >= expiry:
        raise ErrorResponse(
            f"CRL auto-rebuilding grace period ({config.auto_rebuild_grace_period}) must be strictly shorter than CRL "
            f"expiry ({config.expiry}) value when auto-rebuilding of CRLs is enabled"
        )
    if config.enable_delta and parse_seconds(config.delta_rebuild_interval) >= expiry:
        raise ErrorResponse(
            f"CRL delta rebuild window ({config.delta_rebuild_interval}) must be strictly shorter than CRL expiry "
            f"({config.expiry}) value when delta CRLs are enabled"
        )
    if config.enable_delta and not config.auto_rebuild:
        raise ErrorResponse(
            "Delta CRLs cannot be enabled when auto rebuilding is disabled as the complete CRL is always regenerated!"
        )
    _check_enterprise(config)
    state.crl = config
    warnings: list[str] = []
    stopped = old.auto_rebuild and not config.auto_rebuild
    if old.disable != config.disable or stopped or old.enable_delta != config.enable_delta:
        warnings = crls.rebuild_or_fail(state, call, force=True)
    answer = Response(data=config.shown(call.core.product), warnings=warnings)
    # The real server replaces an empty text when it reads the settings.
    config.expiry = config.expiry or type(config)().expiry
    return answer


def _check_enterprise(config: CrlConfig) -> None:
    if config.cross_cluster_revocation and not config.auto_rebuild:
        raise ErrorResponse(
            "Global, cross-cluster revocation queue cannot be enabled when auto rebuilding is disabled as the local "
            "cluster may not have the certificate entry!"
        )
    if config.cross_cluster_revocation:
        raise ErrorResponse(
            "Global, cross-cluster revocation queue (cross_cluster_revocation) can only be enabled on Vault Enterprise."
        )
    if config.unified_crl:
        raise ErrorResponse("unified_crl can only be enabled on Vault Enterprise")


def _check_duration(name: str, text: str) -> None:
    with refusing(f"given {name} could not be decoded: "):
        seconds = parse_seconds(text)
    if name == "ocsp_expiry" and seconds < 0:
        raise ErrorResponse(f"ocsp_expiry must be greater than or equal to 0 got: {go_duration(seconds)}")
