"""``login``: with an instance's certificate, and a signature of its key over role and time."""

from __future__ import annotations

import re
import time
from calendar import timegm
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from mockkms.crypto.encoding import b64
from mockkms.vault.auth.cert import chains
from mockkms.vault.auth.cloud.cf import api
from mockkms.vault.auth.cloud.cf.model import CfApp, CfAuth, CfConfig, CfRole, engine
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import Auth, BackendError, ErrorResponse, Operation, Response, refusing
from mockkms.vault.golang.fmt import error_list, quote
from mockkms.vault.golang.time import plain

_BASH = re.compile(r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (\w{3} +\d{1,2} \d\d:\d\d:\d\d) [A-Z]{3,4} (\d{4})")

login = engine.path(
    "login",
    {
        "role": Field(Kind.STRING, help="Role to log in with."),
        "cf_instance_cert": Field(Kind.STRING, help="Content of the file CF_INSTANCE_CERT: two certificates, PEM."),
        "signing_time": Field(Kind.STRING, help="When it was signed: 2006-01-02T15:04:05Z."),
        "signature": Field(Kind.STRING, help="Signature by the instance's key: `v1:` and base64."),
    },
    login=True,
    help="Log in as an instance.",
    go_errors=True,
)


@dataclass(frozen=True)
class CfInstance:
    """The instance that a certificate identifies."""

    instance_id: str
    org_id: str
    space_id: str
    app_id: str
    address: str


@login.on(Operation.UPDATE)
def log_in(
    state: CfAuth, call: Call, *, role: str, cf_instance_cert: str, signing_time: str, signature: str
) -> Response:
    """Log in. Raises ErrorResponse and BackendError."""
    if not role:
        raise ErrorResponse("'role-name' is required")
    found = state.roles.get(role)
    if found is None:
        raise BackendError("no matching role")
    found.check_address(call.request)
    sent = {"signature": signature, "cf_instance_cert": cf_instance_cert, "signing_time": signing_time}
    for name, value in sent.items():
        if not value:
            raise ErrorResponse(f"'{name}' is required")
    with refusing():
        signed_at = _moment(signing_time)
    if state.config is None:
        raise BackendError("no CA is configured for verifying client certificates")
    with refusing():
        _check_time(state.config, signed_at, call.now())
        certificate = _verified(state.config, call, cf_instance_cert, role, signed_at, signature)
    with refusing(error=BackendError):
        instance = _instance(certificate)
    with refusing():
        app = _check(state, call, state.config, found, instance)
    about = {
        "org_id": instance.org_id,
        "app_id": instance.app_id,
        "space_id": instance.space_id,
        "org_name": app.org_name,
        "app_name": app.app_name,
        "space_name": app.space_name,
    }
    kept = {"org_id": instance.org_id, "app_id": instance.app_id, "space_id": instance.space_id}
    auth = Auth(
        display_name=instance.instance_id,
        alias={"name": instance.app_id, "metadata": about},
        internal={"role": role, "instance_id": instance.instance_id, "ip_address": instance.address, **kept},
    )
    return Response(auth=found.apply(auth, call.request))


def _moment(text: str) -> int:
    """Return the time of a signature, in one of two forms. Raises ValueError with the plugin's text."""
    bash = _BASH.fullmatch(text)
    try:
        if bash is not None:
            return timegm(time.strptime(f"{bash[1]} {bash[2]}", "%b %d %H:%M:%S %Y"))
        return timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%SZ"))
    except ValueError:
        raise ValueError(f"couldn't parse {text}") from None


def _check_time(config: CfConfig, signed_at: int, now: float) -> None:
    """Refuse an old signature, and one of the future. Raises ValueError with the plugin's text."""
    times = f"signed at {plain(signed_at)} but received request at {plain(now)}"
    old, ahead = config.login_max_seconds_not_before, config.login_max_seconds_not_after
    if signed_at < now - old:
        raise ValueError(f"request is too old; {times}; allowable seconds old is {old}")
    if signed_at > now + ahead:
        raise ValueError(f"request is too far in the future; {times}; allowable seconds in the future is {ahead}")


def _verified(
    config: CfConfig, call: Call, contents: str, role: str, signed_at: int, signature: str
) -> x509.Certificate:
    """Return the certificate of an instance whose key signed a login. Raises ValueError with the plugin's text."""
    found = chains.certificates(contents)
    intermediate = next((one for one in reversed(found) if chains.is_authority(one)), None)
    identity = next((one for one in reversed(found) if not chains.is_authority(one)), None)
    if identity is None:
        raise ValueError(error_list(["no identity cert found in "]))
    if intermediate is None:
        raise ValueError(error_list(["no intermediate certificate found in "]))
    if len(found) != 2:
        raise ValueError(error_list(["expected 2 certs but received "]))
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(signed_at))
    signer = _signer(found, _signature(signature), f"{moment}{contents}{role}".encode())
    if signer != identity:
        raise ValueError("signature not generated by identity cert")
    roots = [root for pem in config.identity_ca_certificates for root in chains.certificates(pem)]
    if not roots or not all(chains.certificates(pem) for pem in config.identity_ca_certificates):
        raise ValueError("couldn't append root certificate")
    now = datetime.fromtimestamp(call.now(), UTC)
    if not chains.chains([identity, intermediate], roots, now, chains.SERVER):
        raise ValueError("x509: certificate signed by unknown authority")
    return identity


def _signature(text: str) -> bytes:
    """Return the bytes of a signature: with a version in base64, of the first release in base64url."""
    version, separator, encoded = text.partition(":")
    if encoded.count(":"):
        raise ValueError("invalid signature format")
    if separator and version != "v1":
        raise ValueError(f"invalid signature version {quote(version)}")
    return b64.decode(encoded if separator else version.replace("-", "+").replace("_", "/"))


def _signer(found: tuple[x509.Certificate, ...], signature: bytes, signed: bytes) -> x509.Certificate:
    for one in found:
        key = one.public_key()
        if not isinstance(key, rsa.RSAPublicKey):
            continue
        scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.AUTO)
        try:
            key.verify(signature, signed, scheme, hashes.SHA256())
        except InvalidSignature:
            continue
        return one
    raise ValueError(error_list(["crypto/rsa: verification error"] * len(found)))


def _instance(certificate: x509.Certificate) -> CfInstance:
    """Return the instance that a certificate identifies. Raises ValueError with the plugin's text."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    except x509.ExtensionNotFound:
        addresses = []
    if len(addresses) != 1:
        raise ValueError(f"valid CF certs have one IP address, but this has [{' '.join(addresses)}]")
    units = [str(one.value) for one in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)]
    ids = {}
    for prefix, what in (("space", "space"), ("organization", "org"), ("app", "app")):
        listed = [unit.partition(":")[2] for unit in units if unit.startswith(f"{prefix}:")]
        if len(listed) > 1:
            raise ValueError(f"expected 1 {what} but received {len(listed)}")
        ids[what] = "".join(listed)
    common = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    instance_id = str(common[0].value) if common else ""
    for value, what in ((instance_id, "instance"), (ids["app"], "app"), (ids["org"], "org"), (ids["space"], "space")):
        if not value:
            raise ValueError(f"no {what} ID on given certificate")
    return CfInstance(instance_id, ids["org"], ids["space"], ids["app"], addresses[0])


def _check(state: CfAuth, call: Call, config: CfConfig, role: CfRole, instance: CfInstance) -> CfApp:
    """Check the bounds of a role, and that the application exists. Raises ValueError with the plugin's text."""
    if not role.disable_ip_matching and not _same_address(call.request.remote_address, instance.address):
        raise ValueError("no matching IP address")
    for what, value, bound in (
        ("instance", instance.instance_id, role.bound_instance_ids),
        ("app", instance.app_id, role.bound_application_ids),
        ("org", instance.org_id, role.bound_organization_ids),
        ("space", instance.space_id, role.bound_space_ids),
    ):
        if bound and value not in bound:
            raise ValueError(f"{what} ID {value} doesn't match role constraints of [{' '.join(bound)}]")
    app = api.app(state, call, config, instance.app_id, instance.space_id, instance.org_id)
    for what, own, known in (("space", instance.space_id, app.space_id), ("org", instance.org_id, app.org_id)):
        if own != known:
            raise ValueError(f"cert {what} ID {own} doesn't match API's expected one of {known}")
    if app.instances <= 0:
        raise ValueError("app doesn't have any live instances")
    return app


def _same_address(remote: str, own: str) -> bool:
    try:
        return ip_address(remote.partition("/")[0]) == ip_address(own)
    except ValueError:
        return False


@engine.renews
def renew(state: CfAuth, call: Call) -> Response:
    """Renew a login whose instance the role still accepts. Raises ErrorResponse and BackendError."""
    if state.config is None:
        raise BackendError("no configuration is available for reaching the CF API")
    role = state.roles.get(call.kept("role"))
    if role is None:
        raise BackendError("no matching role")
    names = ("instance_id", "org_id", "space_id", "app_id", "ip_address")
    with refusing():
        _check(state, call, state.config, role, CfInstance(*(call.kept(name) for name in names)))
    return Response(auth=role.renewed(call.login))
