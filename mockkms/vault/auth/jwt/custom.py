"""``provider_config``: identity providers with their own representation of a client's groups."""

from __future__ import annotations

from mockkms.vault.auth.claims import Claims, claim
from mockkms.vault.auth.jwt.model import JwtConfig
from mockkms.vault.golang.fmt import quote
from mockkms.vault.golang.json import GoJSONError, decode_object
from mockkms.vault.products import Product
from mockkms.vault.products.features import Feature

_SEPARATORS = {"secureauth": ",", "ibmisam": " "}
_SECRET = "gsuite_service_account"
_NO_CREDENTIALS = (
    "failed to find application default credentials: google: could not find default credentials. See "
    "https://cloud.google.com/docs/authentication/external/set-up-adc for more information"
)


def shown(settings: dict[str, object]) -> dict[str, object]:
    """Return the settings of a provider without its secrets."""
    hidden = _SECRET if settings.get("provider") == "gsuite" else ""
    return {name: value for name, value in settings.items() if name != hidden}


def check(settings: dict[str, object], product: Product) -> None:
    """Raise ValueError for settings that the real plugin refuses."""
    if not settings:
        return
    provider = settings.get("provider")
    if not isinstance(provider, str):
        raise ValueError("'provider' field not found in provider_config")
    own = ("kubernetes",) if product.has(Feature.JWT_ADDITIONS) else ()
    if provider not in ("azure", "gsuite", *_SEPARATORS, *own):
        raise ValueError(f"provider {quote(provider)} not found in custom providers")
    fault = _gsuite_fault(settings) if provider == "gsuite" else ""
    if fault:
        raise ValueError(f'error initializing "gsuite" provider_config: {fault}')


def _gsuite_fault(settings: dict[str, object]) -> str:
    depth = settings.get("groups_recurse_max_depth")
    if isinstance(depth, int) and depth < 0:
        return "'gsuite_recurse_max_depth' must be a positive integer"
    account = settings.get(_SECRET)
    if account:
        try:
            decode_object(str(account).encode())
        except GoJSONError as error:
            return f"error parsing service account JSON: {error}"
        return ""
    return "" if settings.get("impersonate_principal") else _NO_CREDENTIALS


def set_groups(config: JwtConfig, claims: Claims, name: str, access_token: str | None) -> None:
    """Set the claim ``name`` to the groups, if the provider has them elsewhere or in another form.

    Raises ValueError if they would have to be requested; ``access_token`` None: logins cannot have one.
    """
    provider = config.provider_config.get("provider")
    groups = claim(claims, name)
    if provider in _SEPARATORS and isinstance(groups, str):
        _put(claims, name, groups.split(_SEPARATORS[provider]))
    elif provider == "azure" and access_token is not None and config.provider_config.get("fetch_groups") is True:
        raise ValueError(f"unable to fetch groups from Microsoft Graph API: {_no_request_text(access_token)}")
    elif provider == "azure" and groups is None:
        source = claim(claims, f"/_claim_names/{name}")
        if source is None:
            raise ValueError(
                f"unable to get claim sources: unable to locate groups claim {quote(name)} in _claim_names"
            )
        endpoint = f"/_claim_sources/{source}/endpoint"
        if claim(claims, endpoint) is None:
            raise ValueError(f"unable to get claim sources: unable to locate {endpoint} in claims")
        raise ValueError(f"{quote(name)} claim not found in token: {_no_request_text(access_token)}")


def _no_request_text(access_token: str | None) -> str:
    """Return why Microsoft's directory is not contacted: this server contacts only this machine."""
    if access_token is None:
        return "token unavailable to call Microsoft Graph API"
    if not access_token:
        return "access token is empty. Cannot call Microsoft Graph API"
    return "unable to call Microsoft Graph API"


def _put(claims: Claims, name: str, groups: list[str]) -> None:
    holder: object = claims
    if name.startswith("/"):
        *above, name = name[1:].split("/")
        holder = claim(claims, "/" + "/".join(above)) if above else claims
    if isinstance(holder, dict):
        holder[name] = groups
