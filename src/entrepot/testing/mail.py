"""A real mail server: STARTTLS, TLS or plain, with names and passwords, and a mailbox that tests look into."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "mailer", "Mail-Secret-9"


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate for loopback that vouches for itself."""

    pem: str
    certificate_file: Path
    key_file: Path

    def context(self) -> ssl.SSLContext:
        """For a server."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate_file, self.key_file)
        return context


def make_certificate(folder: Path, *names: str) -> Certificate:
    """For these host names, or for localhost and 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    here: list[x509.GeneralName] = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    there: list[x509.GeneralName] = [x509.DNSName(each) for each in names]
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName(there or here), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    made = Certificate(pem.decode(), folder / "server.pem", folder / "server.key")
    made.certificate_file.write_bytes(pem)
    made.key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return made


@dataclass(slots=True)
class Mailbox:
    """What arrived, and how the server is to answer: ``reply`` is asked for each mail, none takes it."""

    port: int = 0
    certificate: Certificate | None = None
    received: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    reply: Callable[[], str | None] = lambda: None
    refused: set[str] = field(default_factory=set)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        said = self.reply()
        if said is not None:
            return said
        with self.arrived:
            content = cast("bytes", envelope.content).replace(b"\r\n", b"\n")
            self.received.append(message_from_bytes(content, policy=policy.default))
            self.recipients.append([str(each) for each in envelope.rcpt_tos])
            self.encrypted.append(session.ssl is not None)
            self.arrived.notify_all()
        return "250 OK"

    def wait(self, count: int = 1, seconds: float = 90) -> list[EmailMessage]:
        """Once that many have come."""
        with self.arrived:
            if not self.arrived.wait_for(lambda: len(self.received) >= count, seconds):
                raise TimeoutError(f"{len(self.received)} of {count} mails came")
            return list(self.received)

    def settings(self, **more: object) -> dict[str, object]:
        """The section ``email`` that leads here."""
        return {
            "enabled": True,
            "smtp_host": "localhost",
            "smtp_port": self.port,
            "smtp_user": USER,
            "smtp_password": PASSWORD,
            "from_address": "Entrepot <packages@example.org>",
            "to_addresses": ["ops@example.org"],
            "tls_ca": self.certificate.pem if self.certificate else "",
            **more,
        }


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=good, handled=good)  # else the server says no


@contextlib.contextmanager
def running_mail_server(folder: Path, *, tls: str = "starttls") -> Iterator[Mailbox]:
    """On a free port; ``tls`` is ``starttls``, ``inside`` (from the first byte) or ``none``.

    Names and passwords are wanted with ``starttls`` only.
    """
    mailbox = Mailbox(_free_port(), None if tls == "none" else make_certificate(folder))

    options: dict[str, Any] = {}
    if mailbox.certificate is not None:
        context = mailbox.certificate.context()
        options = {"authenticator": _authenticate, "auth_required": True}
        if tls == "starttls":
            options |= {"tls_context": context, "require_starttls": True}
        else:
            options = {"ssl_context": context}
    controller = Controller(mailbox, hostname="127.0.0.1", port=mailbox.port, ready_timeout=60, **options)
    controller.start()
    try:
        yield mailbox
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
