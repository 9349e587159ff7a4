"""A PKI mount at ``pki/`` with a root of an elliptic curve, and short ways to ask it."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from mockkms.vault.framework.message import Response
from mockkms.vault.mounts.table import MountConfig
from tests.vault.driving import World


class Authority(World):
    """A frozen world with a root CA and a role ``any`` that lets every name in."""

    def __init__(self, flavor: str = "openbao", kind: str = "ec") -> None:
        super().__init__(flavor)
        self.core.mount("", "pki/", "pki", config=MountConfig(max_lease_ttl=87600 * 3600))
        made = self.data("pki/root/generate/internal", common_name="Root CA", key_type=kind, ttl="80000h")
        self.issuer_id: str = made["issuer_id"]
        self.root_pem: str = made["certificate"]
        self.root = x509.load_pem_x509_certificate(self.root_pem.encode())
        self.data("pki/roles/any", allow_any_name=True, key_type="ec", ttl="72h", max_ttl="2000h")

    def data(self, path: str, operation: str = "update", /, **data: Any) -> dict[str, Any]:
        """The data of an answer that is no error."""
        response = self.ask(operation, path, data)
        assert response.errors is None, response.errors
        return response.data or {}

    def errors(self, path: str, operation: str = "update", /, **data: Any) -> tuple[int, list[str]]:
        """Status and texts of an answer that is an error."""
        response = self.ask(operation, path, data)
        assert response.errors is not None
        return response.status, response.errors

    def raw(self, path: str) -> Response:
        """A read without a token."""
        return self.ask("read", path, token="")

    def issue(self, **data: Any) -> dict[str, Any]:
        """A new leaf, of ``x.test`` unless something else is said."""
        return self.data("pki/issue/any", **{"common_name": "x.test", **data})

    def revoke(self, leaf: dict[str, Any]) -> None:
        """Revoke a leaf."""
        self.data("pki/revoke", serial_number=leaf["serial_number"])

    def listed(self, path: str = "pki/crl") -> list[int]:
        """Serial numbers on a list, as ``cryptography`` reads it; its signature holds."""
        body = self.raw(path).raw
        assert body
        found = x509.load_der_x509_crl(body)
        assert signed_by(found, self.root)
        return [entry.serial_number for entry in found]


def serial(leaf: dict[str, Any]) -> int:
    """The serial number of a leaf as a number."""
    return int(leaf["serial_number"].replace(":", ""), 16)


def signed_by(crl: x509.CertificateRevocationList, issuer: x509.Certificate) -> bool:
    """Whether the signature of a list is that of an issuer with a key of an elliptic curve."""
    key = issuer.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    return crl.is_signature_valid(key)
