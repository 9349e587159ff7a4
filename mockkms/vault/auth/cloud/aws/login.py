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
)


@login.on(Operation.UPDATE)
def log_in(_state: AwsAuth, call: Call) -> None:
    """Check the form of the credentials; well-formed ones are unsupported. Raises ErrorResponse and BackendError."""
    by_machine = "pkcs7" in call or ("identity" in call and "signature" in call)
    by_request = all(name in call for name in _IAM)
    if by_machine and by_request:
        raise ErrorResponse("supplied auth values for both ec2 and iam auth types")
    if by_machine:
        _check_machine(call)
    elif by_request:
        _check_request(call)
    else:
        raise ErrorResponse("didn't supply required authentication values")
    call.request.trace.unhandled = True
    raise unsupported_path()


def _check_machine(call: Call) -> None:
    if "pkcs7" in call:
        with refusing(error=BackendError, text="failed to decode the PEM encoded PKCS#7 signature"):
            base64.b64decode("".join(call["pkcs7"].split()), validate=True)
        return
    for name, told in (("identity", "instance identity document"), ("signature", "SHA256 RSA signature")):
        _decoded(call[name], f"failed to base64 decode the {told}")


def _check_request(call: Call) -> None:
    method = call["iam_http_request_method"]
    if not method:
        raise ErrorResponse("missing iam_http_request_method")
    if method not in ("GET", "POST"):
        raise ErrorResponse("invalid iam_http_request_method; currently only 'GET' and 'POST' are supported")
    if not call["iam_request_url"]:
        raise ErrorResponse("missing iam_request_url")
    address = _decoded(call["iam_request_url"], "failed to base64 decode iam_request_url")
    with refusing(text="error parsing iam_request_url"):
        urlsplit(address.decode())
    if not call["iam_request_body"] and method == "POST":
        raise ErrorResponse("missing iam_request_body")
    _decoded(call["iam_request_body"], "failed to base64 decode iam_request_body")
    if not call["iam_request_headers"]:
        raise ErrorResponse("missing iam_request_headers")


def _decoded(text: str, refusal: str) -> bytes:
    with refusing(text=refusal):
        return base64.b64decode(text, validate=True)
