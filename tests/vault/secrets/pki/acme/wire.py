"""A client of ACME that shows every response as it is: status, headers, document. Signed with ``josepy``."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from typing import Any

import josepy
import requests
from acme import jws as acme_jws
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

PATIENCE = 60.0
"""Seconds until a status must have been reached."""
ERROR = "urn:ietf:params:acme:error:"
_SENTENCES = re.compile(r"\b(The (?:request|client|CSR|server|revocation)|An identifier|Response received|There was)\b")


def detail(problem: dict[str, Any]) -> str:
    """The text of an error, with the sentence of its kind as OpenBao begins it: in lower case."""
    return _SENTENCES.sub(lambda found: found[1][0].lower() + found[1][1:], problem["detail"])


def new_key() -> josepy.JWK:
    """Return a new key of an elliptic curve."""
    return josepy.JWKEC(key=ec.generate_private_key(ec.SECP256R1()))


def rsa_key() -> josepy.JWK:
    """Return a new RSA key."""
    return josepy.JWKRSA(key=rsa.generate_private_key(65537, 2048))


@dataclass
class Wire:
    """An account, or a client that has none yet."""

    directory: str
    key: josepy.JWK = field(default_factory=new_key)
    kid: str = ""
    algorithm: josepy.JWASignature | None = None
    servers: tuple[str, str] = ("", "")
    """The server in addresses, and the one that is asked in its place."""

    def __post_init__(self) -> None:
        self.session = requests.Session()

    @property
    def usual(self) -> josepy.JWASignature:
        """The algorithm of signatures."""
        return self.algorithm or (josepy.RS256 if isinstance(self.key, josepy.JWKRSA) else josepy.ES256)

    def at(self, name: str) -> str:
        """Return the address of a resource."""
        return self.directory.removesuffix("directory") + name

    @property
    def thumbprint(self) -> str:
        """The thumbprint of the key, in base64url."""
        return josepy.b64encode(self.key.thumbprint()).decode()

    def nonce(self) -> str:
        """Return a new nonce."""
        return str(self.session.head(self.at("new-nonce").replace(*self.servers, 1)).headers["Replay-Nonce"])

    def signed(self, url: str, payload: object, /, *, own_key: bool = False, **head: str) -> dict[str, str]:
        """Return the body of a request; ``head`` replaces members of the protected header."""
        text = b"" if payload is None else json.dumps(payload).encode()
        nonce = josepy.b64decode(head.get("nonce") or self.nonce())
        given: dict[str, Any] = {"nonce": nonce, "url": head.get("url", url)}
        if self.kid and not own_key:
            given["kid"] = head.get("kid", self.kid)
        made = acme_jws.JWS.sign(text, self.key, self.usual, **{"kid": None, **given})
        found: dict[str, str] = json.loads(made.json_dumps())
        return found

    def post(self, url: str, payload: object = None, /, **options: Any) -> requests.Response:
        """Send a signed request; without a payload one to read."""
        return self.send(url, self.signed(url, payload, **options))

    def send(self, url: str, body: object) -> requests.Response:
        """Send a request with a body as it is."""
        headers = {"Content-Type": "application/jose+json"}
        return self.session.post(url.replace(*self.servers, 1), data=json.dumps(body), headers=headers)

    def register(self, **payload: Any) -> requests.Response:
        """Create the account, and sign as it from now on."""
        response = self.post(self.at("new-account"), payload, own_key=True)
        if response.status_code in (200, 201):
            self.kid = response.headers["Location"]
        return response

    def order(self, *names: str) -> dict[str, Any]:
        """Create an order for host names and addresses; return it with its address as ``url``."""
        kinds = [{"type": "ip" if name[-1:].isdigit() or ":" in name else "dns", "value": name} for name in names]
        response = self.post(self.at("new-order"), {"identifiers": kinds})
        assert response.status_code == 201, response.text
        return {**response.json(), "url": response.headers["Location"]}

    def authorizations(self, order: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the authorizations of an order, each with its address as ``url``."""
        return [{**self.post(url).json(), "url": url} for url in order["authorizations"]]

    def challenge(self, order: dict[str, Any], kind: str) -> dict[str, Any]:
        """Return the challenge of a type of the only authorization, with the address of that as ``of``."""
        (one,) = self.authorizations(order)
        return {**next(found for found in one["challenges"] if found["type"] == kind), "of": one["url"]}

    def until(self, url: str, *statuses: str) -> dict[str, Any]:
        """Read a resource until its status is one of ``statuses``."""
        end = time.monotonic() + PATIENCE
        while True:
            found: dict[str, Any] = self.post(url).json()
            if found.get("status") in statuses:
                return found
            assert time.monotonic() < end, found
            time.sleep(0.02)

    def finalize(self, order: dict[str, Any], csr: bytes) -> requests.Response:
        """Ask for the certificate."""
        return self.post(order["finalize"], {"csr": josepy.b64encode(csr).decode()})


def request_for(
    *names: str, key: ec.EllipticCurvePrivateKey | None = None, common_name: str = "", ca: bool = False
) -> bytes:
    """Return a certificate request in DER."""
    import ipaddress

    subject = [x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)] if common_name else []
    found: list[x509.GeneralName] = [
        x509.IPAddress(ipaddress.ip_address(name)) if name[-1:].isdigit() or ":" in name else x509.DNSName(name)
        for name in names
    ]
    builder = x509.CertificateSigningRequestBuilder(x509.Name(subject))
    builder = builder.add_extension(x509.SubjectAlternativeName(found), critical=False)
    if ca:
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    made = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return made.public_bytes(serialization.Encoding.DER)
