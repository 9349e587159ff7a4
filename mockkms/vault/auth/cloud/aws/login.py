"""``login``: the form of credentials is checked in the real server's order; signatures cannot be verified here."""

from __future__ import annotations

import base64

from mockkms.urls import urlsplit
from mockkms.vault.auth.cloud.aws.engine import AwsAuth, engine
from mockkms.vault.framework.endpoint import Call, Emulation, Field
from mockkms.vault.framework.fields import Kind
from mockkms.vault.framework.message import BackendError, ErrorResponse, Operation, refusing, unsupported_path

_IAM = ("iam_http_request_method", "iam_request_url", "iam_request_body", "iam_request_headers")

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
    emulation=Emulation.NONE,
    go_errors=True,
)


@login.on(Operation.UPDATE)
def log_in(
    _state: AwsAuth,
    call: Call,
    *,
    pkcs7: str | None = None,
    identity: str | None = None,
    signature: str | None = None,
    iam_http_request_method: str,
    iam_request_url: str,
    iam_request_body: str,
    iam_request_headers: dict[str, object],
) -> None:
    """Check the form of the credentials; well-formed ones are unsupported. Raises ErrorResponse and BackendError."""
    by_machine = pkcs7 is not None or (identity is not None and signature is not None)
    by_request = all(name in call for name in _IAM)
    if by_machine and by_request:
        raise ErrorResponse("supplied auth values for both ec2 and iam auth types")
    if pkcs7 is not None:
        with refusing(error=BackendError, text="failed to decode the PEM encoded PKCS#7 signature"):
            base64.b64decode("".join(pkcs7.split()), validate=True)
    elif identity is not None and signature is not None:
        _decoded(identity, "failed to base64 decode the instance identity document")
        _decoded(signature, "failed to base64 decode the SHA256 RSA signature")
    elif by_request:
        _check_request(iam_http_request_method, iam_request_url, iam_request_body)
        if not iam_request_headers:
            raise ErrorResponse("missing iam_request_headers")
    else:
        raise ErrorResponse("didn't supply required authentication values")
    call.request.trace.unhandled = True
    raise unsupported_path()


def _check_request(method: str, url: str, body: str) -> None:
    if not method:
        raise ErrorResponse("missing iam_http_request_method")
    if method not in ("GET", "POST"):
        raise ErrorResponse("invalid iam_http_request_method; currently only 'GET' and 'POST' are supported")
    if not url:
        raise ErrorResponse("missing iam_request_url")
    address = _decoded(url, "failed to base64 decode iam_request_url")
    with refusing(text="error parsing iam_request_url"):
        urlsplit(address.decode())
    if not body and method == "POST":
        raise ErrorResponse("missing iam_request_body")
    _decoded(body, "failed to base64 decode iam_request_body")


def _decoded(text: str, refusal: str) -> bytes:
    with refusing(text=refusal):
        return base64.b64decode(text, validate=True)
