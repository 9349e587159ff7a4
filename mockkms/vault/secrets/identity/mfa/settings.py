"""The settings of each type of MFA method: their parameters and checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.records import Record, param
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature

_FORMAT = {
    "username_format": Field(Kind.STRING, help="Template of the user's name at the service; empty: the entity's name.")
}
_PINGID = ("use_base64_key", "token", "idp_url", "org_alias", "admin_url", "authenticator_url")
_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))


@dataclass
class TotpSettings(Record):
    """Settings of time-based one-time passwords."""

    max_validation_attempts: Annotated[
        int, param(Kind.INT, help="Failed tries until a new passcode is due; 0 means 5.")
    ] = 0
    issuer: Annotated[str, param(Kind.STRING, help="Issuer of the keys, which apps show.")] = ""
    period: Annotated[int, param(Kind.SECONDS, help="Lifetime of a passcode in seconds.")] = 30
    key_size: Annotated[int, param(Kind.INT, help="Size of a key in bytes.")] = 20
    qr_size: Annotated[int, param(Kind.INT, help="Size of the QR code in pixels; 0: no QR code.")] = 200
    algorithm: Annotated[str, param(Kind.STRING, help="SHA1, SHA256 or SHA512.")] = "SHA1"
    digits: Annotated[int, param(Kind.INT, help="Digits of a passcode: 6 or 8.")] = 6
    skew: Annotated[int, param(Kind.INT, help="Periods by which a passcode may be early or late: 0 or 1.")] = 1

    def check(self) -> None:
        """Raise ValueError, with the server's text, for invalid settings."""
        from mockkms.crypto import totp

        checks = (
            (self.algorithm in ("SHA1", "SHA256", "SHA512"), "unrecognized algorithm"),
            (self.digits in (6, 8), "digits can only be 6 or 8"),
            (self.period > 0, "period must be greater than zero"),
            (self.skew in (0, 1), "skew must be 0 or 1"),
            (self.key_size > 0, "key_size must be greater than zero"),
            (self.key_size <= totp.LARGEST_KEY, f"mockkms generates no keys of more than {totp.LARGEST_KEY} bytes"),
            (self.issuer, "issuer must be set"),
            (self.max_validation_attempts >= 0, "max_validation_attempts must be greater than zero"),
        )
        for holds, text in checks:
            if not holds:
                raise ValueError(text)


@dataclass
class OktaSettings(Record):
    """Settings of Okta."""

    org_name: Annotated[str, param(Kind.STRING, help="Name of the organisation at Okta.")] = ""
    api_token: Annotated[str, param(Kind.STRING, help="Key of the Okta API.")] = ""
    base_url: Annotated[str, param(Kind.STRING, help="Domain of the Okta API; okta.com if absent.")] = ""
    primary_email: Annotated[bool, param(Kind.BOOL, help="Find users by their primary e-mail address.")] = False
    production: Annotated[bool, param(Kind.BOOL, help="The former form of base_url.", deprecated=True)] = False


@dataclass
class DuoSettings(Record):
    """Settings of Duo."""

    secret_key: Annotated[str, param(Kind.STRING, help="Secret key at Duo.")] = ""
    integration_key: Annotated[str, param(Kind.STRING, help="Integration key at Duo.")] = ""
    api_hostname: Annotated[str, param(Kind.STRING, help="Host of the Duo API.")] = ""
    push_info: Annotated[str, param(Kind.STRING, help="Text of a push message.")] = ""
    use_passcode: Annotated[bool, param(Kind.BOOL, help="Tell clients at login that a passcode can be used.")] = False


FIELDS: dict[str, Callable[[], Mapping[str, Field]]] = {
    "totp": lambda: {
        **TotpSettings.fields(),
        "enable_self_enrollment": Field(
            Kind.BOOL, help="For the enterprise edition only.", needs=Feature.ENTERPRISE_STUBS
        ),
    },
    "okta": lambda: {**_FORMAT, **OktaSettings.fields()},
    "duo": lambda: {**_FORMAT, **DuoSettings.fields()},
    "pingid": lambda: {
        **_FORMAT,
        "settings_file_base64": Field(Kind.STRING, help="The settings file of PingID, in base64."),
    },
}
"""The parameters of each type."""


def _totp(call: Call) -> dict[str, object]:
    if call.get("enable_self_enrollment"):
        raise ValueError("enable_self_enrollment is an enterprise only feature")
    settings = TotpSettings.from_call(call)
    settings.check()
    settings.max_validation_attempts = settings.max_validation_attempts or 5
    return vars(settings)


def _okta(call: Call) -> dict[str, object]:
    settings = OktaSettings.from_call(call)
    for name, value in (("org_name", settings.org_name), ("api_token", settings.api_token)):
        if not value:
            raise ValueError(f"{name} must be set")
    if "base_url" not in call and "production" not in call:
        settings.base_url = "okta.com"
    settings.production = call.get("production", True)
    return vars(settings)


def _duo(call: Call) -> dict[str, object]:
    settings = DuoSettings.from_call(call)
    for name in ("secret_key", "integration_key", "api_hostname"):
        if not getattr(settings, name):
            raise ValueError(f"{name} is empty")
    return vars(settings)


def _pingid(call: Call) -> dict[str, object]:
    text: str = call["settings_file_base64"]
    if not text:
        raise ValueError("settings_file_base64 is empty")
    config: dict[str, object] = {**dict.fromkeys(_PINGID, ""), "use_signature": False}
    for line in b64.decode(text).decode("utf-8", "replace").split("\n"):
        if line.startswith("#") or not line.strip():
            continue
        name, equals, value = line.partition("=")
        if not equals:
            wrong = "a non-empty non-comment line that is not in key=value format"
            raise ValueError(f"pingid settings file contains {wrong}: {quote(line)}")
        if name == "use_signature":
            if value not in _TRUE | _FALSE | {""}:
                raise ValueError("error parsing use_signature value in pingid settings file")
            config[name] = value in _TRUE
        elif name in _PINGID:
            config[name] = value
        else:
            raise ValueError(f"unknown key {quote(name)} in pingid settings file")
    return config


SETTINGS: dict[str, Callable[[Call], dict[str, object]]] = {
    "totp": _totp, "okta": _okta, "duo": _duo, "pingid": _pingid,
}  # fmt: skip
"""Return the settings that a call gives to a method of each type. Raise ValueError with the server's text."""
