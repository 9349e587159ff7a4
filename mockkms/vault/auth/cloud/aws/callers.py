"""Signed ``GetCallerIdentity`` requests: which ones are accepted, and who sent them.

Source: ``path_login.go`` and ``path_config_client.go`` of Vault's ``builtin/credential/aws``; the errors of STS are
those of the AWS API reference.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, parse_qsl, quote, unquote
from xml.etree import ElementTree

from mockkms import outside
from mockkms.crypto import sigv4
from mockkms.urls import urlsplit
from mockkms.vault.amazon.query import AwsFault, parsed, text_in
from mockkms.vault.framework.endpoint import Call
from mockkms.vault.framework.message import ErrorResponse, refusing

if TYPE_CHECKING:
    from mockkms.vault.auth.cloud.aws.engine import AwsAuth, AwsClientConfig

_SERVER_ID = "X-Vault-AWS-IAM-Server-ID"
_USUAL_ENDPOINT = "https://sts.amazonaws.com"
_NAMED = re.compile(r".*SignedHeaders=([^,]+)", re.DOTALL)
_REGIONAL = re.compile(r"sts\.([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?")
_CREDENTIAL = re.compile(r"Credential=[^/]*/[^/]*/([^/]*)")
_AMZ_ALLOWED = (
    "X-Amz-Algorithm", "X-Amz-Content-Sha256", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Security-Token",
    "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-User-Agent",
)  # fmt: skip
_RETRIES = 3
"""Of the SDK for Go."""


@dataclass(frozen=True)
class SignedRequest:
    """A request as a client signed it."""

    method: str
    url: str
    body: bytes
    headers: Mapping[str, list[str]]

    @property
    def query(self) -> list[tuple[str, str]]:
        """The decoded parameters of the URL."""
        return parse_qsl(urlsplit(self.url).query, keep_blank_values=True)

    def header(self, name: str) -> str:
        """Return a header as it is sent, those that clients leave to their library included; empty without it."""
        wanted = name.lower()
        for key, values in self.headers.items():
            if key.lower() == wanted:
                return ",".join(values)
        if wanted == "host":
            return urlsplit(self.url).netloc
        return str(len(self.body)) if wanted == "content-length" else ""


@dataclass(frozen=True)
class Caller:
    """The answer of STS."""

    arn: str
    user_id: str
    account: str


def identify(state: AwsAuth, call: Call, request: SignedRequest) -> Caller:
    """Return the principal that signed a request. Raises ErrorResponse with the server's text."""
    config = state.config
    endpoint = _USUAL_ENDPOINT
    if config is not None:
        _check_config(config, request)
        endpoint = config.sts_endpoint or endpoint
        if config.use_sts_region_from_client:
            found = _CREDENTIAL.search(request.header("authorization"))
            if found is None:
                raise ErrorResponse("region missing from Authorization header")
            if not _REGIONAL.fullmatch(f"sts.{found[1]}.amazonaws.com"):
                raise ErrorResponse(f"unable to get regional STS endpoint for region: {found[1]}")
            endpoint = f"https://sts.{found[1]}.amazonaws.com"
    with refusing("error making upstream request: ", of=AwsFault):
        if outside.is_here(endpoint):
            retries = config.max_retries if config is not None and config.max_retries >= 0 else _RETRIES
            return _asked(endpoint, request, retries)
        return _verified(state, call, request, endpoint)


# -- what Vault checks itself ----------------------------------------------------------------------------------------


def check_url(method: str, url: str) -> None:
    """Refuse a URL that requests something else. Raises ErrorResponse."""
    query = urlsplit(url).query
    if method == "POST":
        if query:
            raise ErrorResponse("invalid request")
        return
    actions = parse_qs(query, keep_blank_values=True).get("Action", [])
    if not actions:
        raise ErrorResponse("no action found in request")
    if len(actions) != 1:
        raise ErrorResponse("found multiple actions")
    if actions[0] != "GetCallerIdentity":
        raise ErrorResponse(f"unexpected action parameter, {actions[0]}")


def check_body(body: bytes) -> None:
    """Refuse a body that requests something else. Raises ErrorResponse."""
    given = parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True)
    if not set(given) <= {"Action", "Version"} or given.get("Action", ["GetCallerIdentity"]) != ["GetCallerIdentity"]:
        raise ErrorResponse("iam request body is invalid")


def _check_config(config: AwsClientConfig, request: SignedRequest) -> None:
    if config.iam_server_id_header_value:
        with refusing(f"error validating {_SERVER_ID} header: "):
            _check_server_id(config.iam_server_id_header_value, request)
    allowed = {*_AMZ_ALLOWED, *(config.allowed_sts_header_values or ())}
    for name in request.headers:
        canonical = _canonical(name)
        if canonical.startswith("X-Amz-") and canonical not in allowed:
            raise ErrorResponse(f"invalid request header: {name}")
    for name, _ in request.query if request.method == "GET" else ():
        if _canonical(name).startswith("X-Amz-") and name not in allowed:
            raise ErrorResponse(f"invalid request query param: {name}")


def _canonical(name: str) -> str:
    made = "-".join(word.capitalize() for word in name.split("-"))
    return "X-Amz-SignedHeaders" if made == "X-Amz-Signedheaders" else made


def _check_server_id(required: str, request: SignedRequest) -> None:
    """Check the header that binds a request to this server. Raises ValueError with the server's text."""
    given = request.header(_SERVER_ID)
    if not given:
        raise ValueError(f'missing header "{_SERVER_ID}"')
    if given != required:
        raise ValueError(f'expected "{required}" but got "{given}"')
    if request.method == "POST":
        authorization = request.header("authorization")
        if not authorization:
            raise ValueError("missing Authorization header")
        found = _NAMED.match(authorization)
        signed = found[1] if found is not None else ""
    else:
        signed = dict(request.query).get("X-Amz-SignedHeaders", "")
    if _SERVER_ID.lower() not in signed.split(";"):
        raise ValueError("vault header wasn't signed")


# -- what STS answers ------------------------------------------------------------------------------------------------


def _asked(endpoint: str, request: SignedRequest, retries: int) -> Caller:
    """Pass a request on to an STS on this machine. Raises AwsFault."""
    parts = urlsplit(request.url)
    target = f"{endpoint.rstrip('/')}/{parts.path.lstrip('/')}" + (f"?{parts.query}" if parts.query else "")
    headers = {name: ",".join(values) for name, values in request.headers.items()}
    headers = {name: value for name, value in headers.items() if name.lower() not in ("host", "content-length")}
    try:
        headers["Host"] = request.header("host")
        # Vault does not follow redirects here: the caller signed a request to one server.
        status, answer = outside.ask(request.method, target, headers, request.body, follows=False)
    except OSError as error:
        tried = f"{request.method} {target} giving up after {retries + 1} attempt(s): "
        raise AwsFault(f"error making request: {tried}{outside.no_answer(request.method, target, error)}") from None
    text = answer.decode("utf-8", "replace").strip()
    if not text.startswith("<"):
        raise AwsFault("body of GetCallerIdentity is invalid")
    if status != 200:
        raise AwsFault(f"received error code {status} from STS: {answer.decode('utf-8', 'replace')}")
    try:
        root = parsed(answer)
    except AwsFault:
        raise AwsFault("error parsing STS response") from None
    return Caller(*(text_in(root, name) for name in ("Arn", "UserId", "Account")))


def _verified(state: AwsAuth, call: Call, request: SignedRequest, endpoint: str) -> Caller:
    """Return the owner of the credential that signed a request, as STS decides it. Raises AwsFault."""
    scope, signed_headers, given, moment, expires = _claim(call, request)
    credential = next((one for one in state.principals if one.access_key == scope.access_key), None)
    query = dict(request.query)
    token = request.header("x-amz-security-token") or query.get("X-Amz-Security-Token", "")
    if credential is None or token != credential.session_token:
        call.request.trace.hint = (
            f"the world's AWS has no access key {scope.access_key} (`principals`)"
            if credential is None
            else f"the session token is not that of the access key {scope.access_key} in the world"
        )
        raise _sts(call, "InvalidClientTokenId", "The security token included in the request is invalid.")
    _check_time(call, moment, expires)
    if scope.service != "sts":
        raise _sts(call, "SignatureDoesNotMatch", "Credential should be scoped to correct service: 'sts'. ")
    if scope.region not in _regions(endpoint, scope.region):
        message = f"Credential should be scoped to a valid region, not '{scope.region}'. "
        raise _sts(call, "SignatureDoesNotMatch", message)
    expected = sigv4.signature(
        credential.secret_key,
        scope,
        moment,
        method=request.method,
        path=quote(unquote(urlsplit(request.url).path or "/"), safe="/-_.~"),
        query=[pair for pair in request.query if pair[0] != "X-Amz-Signature"],
        headers=[(name, request.header(name)) for name in signed_headers],
        payload=hashlib.sha256(request.body).hexdigest(),
    )
    if "host" not in signed_headers or not hmac.compare_digest(expected.encode(), given.encode()):
        raise _sts(
            call,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret "
            "Access Key and signing method. Consult the service documentation for details.",
        )
    parts = credential.arn.split(":")
    session = parts[5].split("/")[2:] if parts[5].startswith("assumed-role/") else []
    return Caller(credential.arn, ":".join([credential.unique_id, *session[:1]]), parts[4])


def _regions(endpoint: str, given: str) -> tuple[str, ...]:
    """Return the regions for which an endpoint accepts signatures; the one given for an endpoint of another kind."""
    host = endpoint.removeprefix("https://").rstrip("/")
    if f"https://{host}" == _USUAL_ENDPOINT:
        return ("us-east-1", "aws-global")
    found = _REGIONAL.fullmatch(host)
    return (found[1],) if found is not None else (given,)


def _claim(call: Call, request: SignedRequest) -> tuple[sigv4.CredentialScope, list[str], str, str, int]:
    """Return scope, signed headers, signature, time and lifetime of the signature of a request. Raises AwsFault."""
    header = request.header("authorization")
    query = dict(request.query)
    if header:
        scheme, _, rest = header.partition(" ")
        read = sigv4.parse_authorization(rest) if scheme == sigv4.ALGORITHM else None
        if read is not None:
            return (*read, request.header("x-amz-date"), sigv4.MAX_SKEW)
        raise _sts(call, "IncompleteSignature", f"'{header}' not a valid key=value pair in Authorization header.", 400)
    if "X-Amz-Signature" not in query:
        raise _sts(call, "MissingAuthenticationToken", "Request is missing Authentication Token")
    scope = sigv4.parse_credential(query.get("X-Amz-Credential", ""))
    expires = query.get("X-Amz-Expires", str(sigv4.MAX_SKEW))
    if scope is None or query.get("X-Amz-Algorithm") != sigv4.ALGORITHM or not re.fullmatch("[0-9]{1,6}", expires):
        raise _sts(call, "IncompleteSignature", "Request must contain a signature that conforms to AWS standards", 400)
    signed = query.get("X-Amz-SignedHeaders", "").split(";")
    return scope, signed, query["X-Amz-Signature"], query.get("X-Amz-Date", ""), int(expires)


def _check_time(call: Call, moment: str, lifetime: int) -> None:
    try:
        signed_at = sigv4.parse_moment(moment)
    except ValueError:
        message = (
            f"Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '{moment}'"
        )
        raise _sts(call, "IncompleteSignature", message, 400) from None
    now, skew = call.now(), sigv4.MAX_SKEW
    if now > signed_at + lifetime:
        limit, at = sigv4.format_moment(now - lifetime), sigv4.format_moment(now)
        message = f"Signature expired: {moment} is now earlier than {limit} ({at} - {lifetime // 60} min.)"
        raise _sts(call, "SignatureDoesNotMatch", message)
    if signed_at > now + skew:
        limit, at = sigv4.format_moment(now + skew), sigv4.format_moment(now)
        message = f"Signature not yet current: {moment} is still later than {limit} ({at} + {skew // 60} min.)"
        raise _sts(call, "SignatureDoesNotMatch", message)


def _sts(call: Call, code: str, message: str, status: int = 403) -> AwsFault:
    """Return an error of STS as Vault reports it."""
    root = ElementTree.Element("ErrorResponse", xmlns="https://sts.amazonaws.com/doc/2011-06-15/")
    error = ElementTree.SubElement(root, "Error")
    for name, text in (("Type", "Sender"), ("Code", code), ("Message", message)):
        ElementTree.SubElement(error, name).text = text
    ElementTree.SubElement(root, "RequestId").text = call.core.entropy.uuid()
    ElementTree.indent(root)
    return AwsFault(f"received error code {status} from STS: {ElementTree.tostring(root, 'unicode')}\n")
