"""The settings of each type of MFA method: parameters, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mockkms.crypto.encoding import b64
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.golang.fmt import quote
from mockkms.vault.products.features import Feature

_FORMAT = Field(Kind.STRING, help="Template of the user's name at the service; empty: the entity's name.")

FIELDS: dict[str, Mapping[str, Field]] = {
    "totp": {
        "max_validation_attempts": Field(Kind.INT, help="Failed tries until a new passcode is due; 0 is 5."),
        "issuer": Field(Kind.STRING, help="Who issues the keys; shown by apps."),
        "period": Field(Kind.SECONDS, default=30, help="How long a passcode stands."),
        "key_size": Field(Kind.INT, default=20, help="Bytes of a key."),
        "qr_size": Field(Kind.INT, default=200, help="Pixels of the QR code; 0: none."),
        "algorithm": Field(Kind.STRING, default="SHA1", help="SHA1, SHA256 or SHA512."),
        "digits": Field(Kind.INT, default=6, help="Digits of a passcode: 6 or 8."),
        "skew": Field(Kind.INT, default=1, help="Periods before and after that pass too: 0 or 1."),
        "enable_self_enrollment": Field(
            Kind.BOOL, help="For the enterprise edition only.", needs=Feature.ENTERPRISE_STUBS
        ),
    },
    "okta": {
        "username_format": _FORMAT,
        "org_name": Field(Kind.STRING, help="Name of the organisation at Okta."),
        "api_token": Field(Kind.STRING, help="Key of the Okta API."),
        "base_url": Field(Kind.STRING, help="Domain of the Okta API; okta.com if absent."),
        "primary_email": Field(Kind.BOOL, help="Users are found by their primary e-mail address."),
        "production": Field(Kind.BOOL, help="The former way to say base_url.", deprecated=True),
    },
    "duo": {
        "username_format": _FORMAT,
        "secret_key": Field(Kind.STRING, help="Secret key at Duo."),
        "integration_key": Field(Kind.STRING, help="Integration key at Duo."),
        "api_hostname": Field(Kind.STRING, help="Host of the Duo API."),
        "push_info": Field(Kind.STRING, help="What a push message says."),
        "use_passcode": Field(Kind.BOOL, help="Tell clients at login that a passcode can be used."),
    },
    "pingid": {
        "username_format": _FORMAT,
        "settings_file_base64": Field(Kind.STRING, help="The settings file of PingID, in base64."),
    },
}
_PINGID = ("use_base64_key", "token", "idp_url", "org_alias", "admin_url", "authenticator_url")
_TRUE = frozenset(("1", "t", "T", "TRUE", "true", "True"))
_FALSE = frozenset(("0", "f", "F", "FALSE", "false", "False"))


def _totp(call: Call) -> dict[str, object]:
    checks = (
        (not call.get("enable_self_enrollment"), "enable_self_enrollment is an enterprise only feature"),
        (call["algorithm"] in ("SHA1", "SHA256", "SHA512"), "unrecognized algorithm"),
        (call["digits"] in (6, 8), "digits can only be 6 or 8"),
        (call["period"] > 0, "period must be greater than zero"),
        (call["skew"] in (0, 1), "skew must be 0 or 1"),
        (call["key_size"] > 0, "key_size must be greater than zero"),
        (call["issuer"], "issuer must be set"),
        (call["max_validation_attempts"] >= 0, "max_validation_attempts must be greater than zero"),
    )
    for holds, text in checks:
        if not holds:
            raise ValueError(text)
    return {word: call[word] for word in FIELDS["totp"] if word != "enable_self_enrollment"} | {
        "max_validation_attempts": call["max_validation_attempts"] or 5
    }


def _okta(call: Call) -> dict[str, object]:
    for word in ("org_name", "api_token"):
        if not call[word]:
            raise ValueError(f"{word} must be set")
    config = {word: call[word] for word in ("org_name", "api_token", "primary_email")}
    config["production"] = call.get("production", True)
    config["base_url"] = call.get("base_url", "" if "production" in call else "okta.com")
    return config


def _duo(call: Call) -> dict[str, object]:
    for word in ("secret_key", "integration_key", "api_hostname"):
        if not call[word]:
            raise ValueError(f"{word} is empty")
    return {word: call[word] for word in FIELDS["duo"] if word != "username_format"}


def _pingid(call: Call) -> dict[str, object]:
    text = call["settings_file_base64"]
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
"""The settings that a method takes from a call, by type. Raises ValueError with the server's text."""
