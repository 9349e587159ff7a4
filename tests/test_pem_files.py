"""Files with certificates and keys that cannot be used, for each of those who read them."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mockkms import MockKMS, RemoteKMS
from mockkms.crypto.x509.authority import issue
from mockkms.server.wire.tls import Tls, TlsFiles

NO_PAIR = " are not a certificate and an unencrypted key in PEM"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with files of all kinds."""
    one, key = issue(("localhost", "127.0.0.1")), ec.generate_private_key(ec.SECP256R1())
    (tmp_path / "cert.pem").write_bytes(one.certificate)
    (tmp_path / "key.pem").write_bytes(one.key)
    (tmp_path / "authority.pem").write_bytes(one.authority)
    (tmp_path / "junk.pem").write_bytes(b"\0\xff" * 100)
    (tmp_path / "empty.pem").touch()
    (tmp_path / "folder.pem").mkdir()
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8)
    (tmp_path / "other.pem").write_bytes(key.private_bytes(*form, serialization.NoEncryption()))
    (tmp_path / "secret.pem").write_bytes(key.private_bytes(*form, serialization.BestAvailableEncryption(b"x")))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("certificate", "key", "message"),
    [
        ("cert.pem", "other.pem", "other.pem is not the key of cert.pem"),
        ("cert.pem", "secret.pem", "secret.pem: the key is encrypted, and mockkms does not ask for its password"),
        ("cert.pem", "missing.pem", "missing.pem: No such file or directory"),
        ("folder.pem", "key.pem", "folder.pem: Is a directory"),
        ("junk.pem", "key.pem", f"junk.pem and key.pem{NO_PAIR}"),
        ("key.pem", "cert.pem", f"key.pem and cert.pem{NO_PAIR}"),
        ("cert.pem", "empty.pem", f"cert.pem and empty.pem{NO_PAIR}"),
    ],
)
def test_certificates_with_their_keys(certificate: str, key: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        MockKMS(tls=(certificate, key))
    with pytest.raises(ValueError, match=message):
        MockKMS(upstream="https://127.0.0.1:1", upstream_cert=(certificate, key))


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("authority", "message"),
    [
        ("missing.pem", "missing.pem: No such file or directory"),
        ("folder.pem", "folder.pem: Is a directory"),
        ("empty.pem", "empty.pem: not a certificate in PEM"),
        ("junk.pem", "junk.pem: not a certificate in PEM"),
        ("key.pem", "key.pem: not a certificate in PEM"),
    ],
)
def test_authorities(authority: str, message: str) -> None:
    for make in (
        lambda: MockKMS(tls=TlsFiles("cert.pem", "key.pem", authority, client_required=True)),
        lambda: MockKMS(upstream="https://127.0.0.1:1", upstream_ca=authority),
        lambda: RemoteKMS("https://127.0.0.1:1", ca_file=authority),
    ):
        with pytest.raises(ValueError, match=message):
            make()
    done = subprocess.run(
        [sys.executable, "-m", "mockkms", "status"], capture_output=True, text=True, timeout=60,
        env={**os.environ, "VAULT_ADDR": "https://127.0.0.1:1", "VAULT_CACERT": authority},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (1, f"mockkms status: Error initializing client: {message}\n")


def test_contexts_that_no_client_can_use() -> None:
    with pytest.raises(ValueError, match=r"is for clients; use ssl\.SSLContext\(ssl\.PROTOCOL_TLS_SERVER\)"):
        MockKMS(tls=ssl.create_default_context())
    with pytest.raises(ValueError, match=r"has no certificate; call its load_cert_chain\(cert, key\)"):
        MockKMS(tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))


@pytest.mark.parametrize("key", ["both.pem", "key.pem"])
def test_clients_are_not_given_the_file_with_the_private_key(folder: Path, key: str) -> None:
    chain = (folder / "cert.pem").read_bytes() + (folder / "authority.pem").read_bytes()
    (folder / "both.pem").write_bytes((folder / "key.pem").read_bytes() + b"# a chain\n" + chain)
    kms = MockKMS(tls=("both.pem", key))
    assert kms.ca_file == ""
    with kms:
        shown = Path(kms.ca_file)
        assert shown.read_bytes().split() == chain.split()
        with RemoteKMS(kms.url, ca_file=kms.ca_file) as remote:
            assert remote.state == "unsealed"
        with kms.environment():
            assert os.environ["VAULT_CACERT"] == str(shown)
    assert kms.ca_file == ""
    assert not shown.exists()


@pytest.mark.usefixtures("folder")
def test_a_file_with_certificates_alone_is_given_to_clients() -> None:
    kms = MockKMS(tls=TlsFiles("cert.pem", "key.pem"))
    with kms:
        assert kms.ca_file == "cert.pem"
    assert kms.ca_file == "cert.pem"


@pytest.mark.parametrize("kind", ["own", "context", "both", "files"])
def test_a_file_that_the_user_has_set_stays(folder: Path, kind: str) -> None:
    """A server cannot know the authority of a context; whoever made it sets the file for clients."""
    (folder / "both.pem").write_bytes((folder / "key.pem").read_bytes() + (folder / "cert.pem").read_bytes())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain("cert.pem", "key.pem")
    given: dict[str, Tls] = {
        "own": True, "context": context, "both": ("both.pem", "both.pem"), "files": ("cert.pem", "key.pem")
    }  # fmt: skip
    kms = MockKMS(tls=given[kind])
    usual = kms.ca_file
    kms.ca_file = str(folder / "authority.pem")
    for _ in range(2):
        with kms:
            assert kms.ca_file == kms.tenant("one").ca_file == str(folder / "authority.pem")
            with kms.environment():
                assert os.environ["VAULT_CACERT"] == str(folder / "authority.pem")
            if kind != "own":
                with RemoteKMS(kms.url, ca_file=kms.ca_file) as remote:
                    assert remote.state == "unsealed"
        assert kms.ca_file == str(folder / "authority.pem")
    kms.ca_file = ""
    assert kms.ca_file == usual
    with pytest.raises(ValueError, match="ca_file=None: expected a path"):
        kms.ca_file = None  # type: ignore[assignment]
