"""The other side of challenges: an HTTP server, a TLS server and a name server on this machine."""

from __future__ import annotations

import base64
import hashlib
import socket
import socketserver
import ssl
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

A, CNAME, TXT, AAAA = 1, 5, 16, 28
DIGEST = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")


class HttpResponder:
    """Answers paths with texts, or redirects if a text is an address; counts the requests."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.asked: list[tuple[str, str]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.headers["Host"], self.path))
                text = outer.texts.get(self.path)
                redirect = text is not None and text.startswith(("http:", "/"))
                self.send_response(302 if redirect else 200 if text is not None else 404)
                if redirect:
                    self.send_header("Location", text or "")
                body = b"" if redirect else (text or "").encode()
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Write nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port

    def meet(self, token: str, thumbprint: str) -> None:
        """Answer a challenge as it should be."""
        self.texts[f"/.well-known/acme-challenge/{token}"] = f"{token}.{thumbprint}"


class NameServer:
    """Answers queries over UDP, and over TCP where ``long`` truncates responses over UDP."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, int], list[bytes]] = {}
        self.asked: list[str] = []
        self.long = False
        outer = self

        class Datagrams(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                data, sock = self.request
                sock.sendto(outer.response(data, over_udp=True), self.client_address)

        class Streams(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                size = int.from_bytes(self.request.recv(2, socket.MSG_WAITALL), "big")
                answer = outer.response(self.request.recv(size, socket.MSG_WAITALL), over_udp=False)
                self.request.sendall(struct.pack("!H", len(answer)) + answer)

        while True:
            # The port must be free for both: one that is free for TCP is usually free for UDP.
            self.streams = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Streams)
            address = self.streams.server_address
            self.address = f"{address[0]!s}:{address[1]}"
            try:
                self.datagrams = socketserver.ThreadingUDPServer(("127.0.0.1", int(address[1])), Datagrams)
            except OSError:
                self.streams.server_close()
                continue
            break
        self.datagrams.daemon_threads = self.streams.daemon_threads = True

    def add(self, name: str, kind: int, *values: str) -> None:
        """Add records: addresses, texts or the name of an alias."""
        written = {A: socket.inet_aton, TXT: lambda text: bytes((len(text),)) + text.encode(), CNAME: _labels}
        encode = written.get(kind, lambda text: socket.inet_pton(socket.AF_INET6, text))
        self.records.setdefault((name, kind), []).extend(encode(value) for value in values)

    def meet(self, name: str, token: str, thumbprint: str) -> None:
        """Answer a challenge as it should be."""
        digest = hashlib.sha256(f"{token}.{thumbprint}".encode()).digest()
        self.add(f"_acme-challenge.{name}", TXT, base64.urlsafe_b64encode(digest).decode().rstrip("="))

    def response(self, query: bytes, *, over_udp: bool) -> bytes:
        """Return the response to a query with one question."""
        end = query.index(0, 12) + 5
        labels, place = [], 12
        while query[place]:
            labels.append(query[place + 1 : place + 1 + query[place]].decode())
            place += 1 + query[place]
        name, kind = ".".join(labels).lower(), int.from_bytes(query[end - 4 : end - 2], "big")
        self.asked.append(name)
        answers = [(CNAME, value) for value in self.records.get((name, CNAME), [])]
        owner = b"\xc0\x0c"
        body = b"".join(owner + struct.pack("!HHIH", one, 1, 60, len(value)) + value for one, value in answers)
        target = _name(answers[0][1]) if answers else name
        found = self.records.get((target, kind), [])
        pointer = _labels(target) if answers else owner
        body += b"".join(pointer + struct.pack("!HHIH", kind, 1, 60, len(value)) + value for value in found)
        known = any(owner_name == name for owner_name, _ in self.records)
        if self.long and over_udp:
            return query[:2] + struct.pack("!5H", 0x8380, 1, 0, 0, 0) + query[12:end]
        code = 0 if known else 3
        return query[:2] + struct.pack("!5H", 0x8180 | code, 1, len(answers) + len(found), 0, 0) + query[12:end] + body


def _labels(name: str) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in name.split(".")) + b"\0"


def _name(data: bytes) -> str:
    labels, place = [], 0
    while data[place]:
        labels.append(data[place + 1 : place + 1 + data[place]].decode())
        place += 1 + data[place]
    return ".".join(labels)


class TlsResponder:
    """Shows a certificate for each name that a client asks for, over the protocol of the challenge."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.protocols = folder, ["acme-tls/1"]
        self.files: dict[str, Path] = {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def meet(self, name: str, token: str, thumbprint: str, **odd: object) -> None:
        """Answer a challenge as it should be, apart from ``odd``: arguments of ``certificate``."""
        digest = hashlib.sha256(f"{token}.{thumbprint}".encode()).digest()
        self.files[name] = self.folder / f"{name}.pem"
        self.files[name].write_bytes(certificate(name, digest, **odd))  # type: ignore[arg-type]

    def serve(self) -> None:
        """Answer handshakes until the listener is closed."""
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._handshake, args=(connection,), daemon=True).start()

    def _handshake(self, connection: socket.socket) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(self.protocols)

        def chosen(sock: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> int | None:
            if name not in self.files:
                return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
            own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            own.set_alpn_protocols(self.protocols)
            own.load_cert_chain(self.files[name])
            sock.context = own
            return None

        context.set_servername_callback(chosen)
        connection.settimeout(60)
        try:
            with context.wrap_socket(connection, server_side=True) as secured:
                secured.recv(1)
        except OSError:
            connection.close()


def certificate(
    name: str, digest: bytes, *, critical: bool = True, more: tuple[str, ...] = (), count: int = 1, issuer: str = "x"
) -> bytes:
    """Return a self-signed certificate for ``tls-alpn-01`` with its key, in PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)]) for text in ("x", issuer)]
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(
        names[1], names[0], key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1)
    ).add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in (name, *more)]), critical=False)
    if count:
        value = x509.UnrecognizedExtension(DIGEST, b"\x04\x20" + digest)
        builder = builder.add_extension(value, critical=critical)
    made = builder.sign(key, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return made.public_bytes(serialization.Encoding.PEM) + private


class Responders:
    """All three, and the ends of their threads."""

    def __init__(self, folder: Path) -> None:
        self.http, self.names, self.tls = HttpResponder(), NameServer(), TlsResponder(folder)

    def forget(self) -> None:
        """Forget all challenges and requests."""
        for known in (self.http.texts, self.http.asked, self.names.records, self.names.asked, self.tls.files):
            known.clear()
        self.names.long, self.tls.protocols = False, ["acme-tls/1"]


@contextmanager
def responders() -> Iterator[Responders]:
    """Run the responders while the body runs."""
    with tempfile.TemporaryDirectory() as folder:
        made = Responders(Path(folder))
        servers = (made.http.server, made.names.datagrams, made.names.streams)
        for work in (*(server.serve_forever for server in servers), made.tls.serve):
            threading.Thread(target=work, daemon=True).start()
        try:
            yield made
        finally:
            for server in servers:
                server.shutdown()
                server.server_close()
            made.tls.listener.shutdown(socket.SHUT_RDWR)
            made.tls.listener.close()
