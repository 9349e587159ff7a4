"""``login``: with a signed request (``iam``) or as a machine (``ec2``), decided by the parameters that are sent."""

from __future__ import annotations

from mockkms.crypto.encoding import b64
from mockkms.urls import urlsplit
from mockkms.vault.auth.cloud.aws import callers, documents, ec2, iam
from mockkms.vault.auth.cloud.aws.engine import AwsAuth, engine
from mockkms.vault.framework.endpoint import Call, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import ErrorResponse, Operation, Response, refusing

_IAM = ("iam_http_request_method", "iam_request_url", "iam_request_headers")

login = engine.path(
    "login",
    {
        "role": Field(Kind.STRING, help="Name of the role to log in with."),
        "pkcs7": Field(Kind.STRING, help="Signed identity document of a machine, PEM without header and footer."),
        "nonce": Field(Kind.STRING, help="The nonce chosen by the machine at its first login."),
        "identity": Field(Kind.STRING, help="Identity document of a machine, base64."),
        "signature": Field(Kind.STRING, help="Signature of that document, base64."),
        "iam_http_request_method": Field(Kind.STRING, help="Method of the signed request."),
        "iam_request_url": Field(Kind.STRING, help="Its address, base64."),
        "iam_request_body": Field(Kind.STRING, help="Its body, base64."),
        "iam_request_headers": Field(Kind.HEADER, help="Its headers: JSON, or JSON in base64."),
    },
    help="Log in with a signed request, or as a machine.",
    login=True,
    go_errors=True,
)


@login.on(Operation.UPDATE)
def log_in(
    state: AwsAuth,
    call: Call,
    *,
    role: str,
    pkcs7: str,
    identity: str,
    signature: str,
    nonce: str | None = None,
    iam_http_request_method: str,
    iam_request_url: str,
    iam_request_body: str,
    iam_request_headers: dict[str, object],
) -> Response:
    """Log in. Raises ErrorResponse and BackendError."""
    by_machine = "pkcs7" in call or ("identity" in call and "signature" in call)
    bodiless = iam_http_request_method == "GET"
    by_request = all(name in call for name in _IAM) and (bodiless or "iam_request_body" in call)
    if by_machine and by_request:
        raise ErrorResponse("supplied auth values for both ec2 and iam auth types")
    if by_machine:
        document = documents.read(state, call, pkcs7, identity, signature)
        return ec2.log_in(state, call, role, document, nonce)
    if not by_request:
        raise ErrorResponse("didn't supply required authentication values")
    url, body = _checked(iam_http_request_method, iam_request_url, iam_request_body)
    if not iam_request_headers:
        raise ErrorResponse("missing iam_request_headers")
    headers = {name: _values(value) for name, value in iam_request_headers.items()}
    return iam.log_in(state, call, role, callers.SignedRequest(iam_http_request_method, url, body, headers))


def _checked(method: str, url: str, body: str) -> tuple[str, bytes]:
    """Return address and body of a signed request, decoded. Raises ErrorResponse."""
    if not method:
        raise ErrorResponse("missing iam_http_request_method")
    if method not in ("GET", "POST"):
        raise ErrorResponse("invalid iam_http_request_method; currently only 'GET' and 'POST' are supported")
    if not url:
        raise ErrorResponse("missing iam_request_url")
    raw = _decoded(url, "failed to base64 decode iam_request_url")
    with refusing(text="error parsing iam_request_url"):
        address = raw.decode()
        _ = urlsplit(address).port
    callers.check_url(method, address)
    if not body and method == "POST":
        raise ErrorResponse("missing iam_request_body which is required for POST requests")
    content = _decoded(body, "failed to base64 decode iam_request_body")
    callers.check_body(content)
    return address, content


def _decoded(text: str, refusal: str) -> bytes:
    with refusing(text=refusal):
        return b64.decode(text)


def _values(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


@engine.renews
def renew(state: AwsAuth, call: Call) -> Response:
    """Renew a login, if its principal or machine is still accepted. Raises BackendError."""
    kind = (call.login.metadata or {}).get("auth_type", "ec2")
    return iam.renew(state, call) if kind == "iam" else ec2.renew(state, call)
