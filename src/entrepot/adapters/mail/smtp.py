"""Mail over SMTP: plain, with STARTTLS, or inside TLS from the first byte (port 465)."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

import structlog

from entrepot.adapters.mail.base import Mail
from entrepot.domain.model.configuration import Email
from entrepot.domain.model.mail import parse_address
from entrepot.errors import MailNotSent, MailRefused

_log = structlog.get_logger(__name__)

_SUBMISSIONS_PORT = 465
_SECONDS = 20.0
_MOST_STEPS = 4  # a sender has a message for two minutes
_REASON_CHARACTERS = 200
_SUBJECT_CHARACTERS = 200


class SmtpMailer:
    """Implements ``Mailer``.  Certificates are verified; ``email.tls_ca`` adds authorities of one's own."""

    def __init__(self, now: Callable[[], datetime], seconds: float = _SECONDS) -> None:
        self._now = now
        self._seconds = seconds

    def send(self, settings: Email, mail: Mail, ident: str) -> None:
        """One connection for one mail.

        Raises:
            MailRefused, MailNotSent: see the port.
        """
        message = composed(settings, mail, ident, self._now())
        with _translated(settings), self._connection(settings) as server:
            if settings.smtp_user:
                server.login(settings.smtp_user, settings.smtp_password)
            refused = server.send_message(message)
        if refused:  # the others have it, so another attempt would only double theirs
            _log.warning("mail.partly_refused", message=ident, refused=len(refused), recipients=len(mail.to))

    @contextmanager
    def _connection(self, settings: Email) -> Iterator[smtplib.SMTP]:
        host, port = settings.smtp_host, settings.smtp_port
        if settings.use_tls and port == _SUBMISSIONS_PORT:
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=self._seconds, context=_context(settings))
        else:
            server = smtplib.SMTP(host, port, timeout=self._seconds)
        timer = threading.Timer(self._seconds * _MOST_STEPS, _cut, [server])
        timer.daemon = True
        timer.start()
        try:
            if settings.use_tls and port != _SUBMISSIONS_PORT:
                server.starttls(context=_context(settings))
            yield server
            server.quit()
        finally:
            timer.cancel()
            server.close()


def _cut(server: smtplib.SMTP) -> None:
    """End a conversation that drips: each step of it has a time-out, and there is no end to steps."""
    line = server.sock
    if line is not None:
        with suppress(OSError):
            socket.socket.shutdown(line, socket.SHUT_RDWR)


def composed(settings: Email, mail: Mail, ident: str, now: datetime) -> EmailMessage:
    """The message as it is sent.

    Raises:
        MailRefused: an address is none, or there is nobody to send it to.
    """
    if not settings.smtp_host or not settings.from_address or not mail.to:
        raise MailNotSent("mail needs email.smtp_host, email.from_address and a recipient; see GET /settings")
    sender = address(settings.from_address)
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = tuple(address(each) for each in mail.to)
    message["Subject"] = " ".join(mail.subject.split())[:_SUBJECT_CHARACTERS]
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{ident}@{sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    return message


def address(text: str) -> Address:
    """``somebody@example.org`` or ``Some Body <somebody@example.org>``.

    Raises:
        MailRefused: it is not one address.
    """
    try:
        name, spec = parse_address(text)
        return Address(display_name=name, addr_spec=spec)
    except (ValueError, HeaderParseError):
        raise MailRefused(f"{text[:100]!r} is not a mail address") from None


def _context(settings: Email) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if settings.tls_ca:
        context.load_verify_locations(cadata=settings.tls_ca)
    return context


@contextmanager
def _translated(settings: Email) -> Iterator[None]:
    """Foreign exceptions become ours; what a server says is shortened, and never repeats the password."""
    where = f"{settings.smtp_host}:{settings.smtp_port}"

    def reason(said: object) -> str:
        text = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        text = text.replace(settings.smtp_password, "***") if settings.smtp_password else text
        return " ".join(text.split())[:_REASON_CHARACTERS]

    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        raise MailNotSent(f"{where} refused the user name or password ({error.smtp_code})") from None
    except smtplib.SMTPRecipientsRefused as error:
        code, said = next(iter(error.recipients.values()), (550, b""))
        kind = MailRefused if all(each[0] >= 500 for each in error.recipients.values()) else MailNotSent
        raise kind(f"{where} refused every recipient: {code} {reason(said)}") from None
    except smtplib.SMTPResponseException as error:
        raise MailNotSent(f"{where} answered {error.smtp_code} {reason(error.smtp_error)}") from None
    except smtplib.SMTPNotSupportedError:
        raise MailNotSent(f"{where} does not offer what email.use_tls or email.smtp_user ask for") from None
    except ssl.SSLCertVerificationError as error:
        raise MailNotSent(f"the certificate of {where} is not good: {reason(error.verify_message)}") from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise MailNotSent(f"no mail can be handed to {where}: {reason(error) or type(error).__name__}") from None
