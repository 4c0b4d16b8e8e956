"""Where the mail of notices leaves: a folder of this machine, or an SMTP server."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from typing import TYPE_CHECKING

from lab.ports import PostError
from lab.private import write_private

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Literal

    from lab.domain.letter import Letter

TIMEOUT_S = 20.0
"""Of each step of a conversation with a server."""

_FINAL = 500
_OK = frozenset({250, 251})  # RFC 5321, section 4.2.3


def written(letter: Letter, *, sender: str, domain: str) -> EmailMessage:
    """Return a mail as it leaves: plain text, which no machine should answer."""
    message = EmailMessage(policy=SMTP)
    message["Subject"] = letter.subject
    message["From"] = sender
    message["To"] = letter.to
    message["Date"] = letter.at
    message["Message-ID"] = f"<{letter.id}@{domain}>"
    # RFC 3834: no automatic answers, please.
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = "fr, en"
    message.set_content(letter.body)
    return message


class FolderPost:
    """Keeps each mail as one ``.eml`` file that only the lab's account reads.

    Args:
        folder: Made when first needed.
        sender: Of every mail.
        domain: The lab's own name.
    """

    is_local = True

    def __init__(self, folder: Path, *, sender: str, domain: str) -> None:
        self._folder, self._sender, self._domain = folder, sender, domain

    async def send(self, letter: Letter) -> None:
        """Write one file. Writing it twice is writing it once.

        Raises:
            PostError: The folder cannot be written to.
        """
        message = written(letter, sender=self._sender, domain=self._domain)
        path = self._folder / f"{letter.at:%Y%m%dT%H%M%SZ}-{letter.id}.eml"
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, message.as_string(), is_durable=False)
        except OSError as error:
            raise PostError(str(error.strerror)) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """How a server is reached.

    Attributes:
        password_file: Read at each mail, so that a new password needs no restart.
        ca_file: Of the authority that signed its certificate; the system's where there is none.
    """

    host: str
    port: int
    security: Literal["none", "starttls", "tls"]
    username: str = ""
    password_file: Path | None = None
    ca_file: Path | None = None


class SmtpPost:
    """Hands each mail to a server, in a thread.

    Args:
        server: Which.
        sender: Of every mail.
        domain: The lab's own name.
        timeout_s: Of each step.
    """

    is_local = False

    def __init__(
        self, server: SmtpServer, *, sender: str, domain: str, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._server, self._sender, self._domain = server, sender, domain
        self._timeout_s = timeout_s

    async def send(self, letter: Letter) -> None:
        """Hand one mail over.

        Raises:
            PostError: It did not leave, or that is not known.
        """
        message = written(letter, sender=self._sender, domain=self._domain)
        await asyncio.to_thread(self._send, message.as_bytes(), letter.to)

    def _send(self, content: bytes, to: str) -> None:
        try:
            connection = self._connected()
        except (OSError, smtplib.SMTPException) as error:
            raise PostError(_why(error)) from error
        try:
            self._hand_over(connection, content, to)
        finally:
            _leave(connection)

    def _connected(self) -> smtplib.SMTP:
        server = self._server
        context = ssl.create_default_context(cafile=server.ca_file)
        if server.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                server.host, server.port, timeout=self._timeout_s, context=context
            )
        else:
            connection = smtplib.SMTP(server.host, server.port, timeout=self._timeout_s)
        try:
            if server.security == "starttls":
                # Refused where the server offers none: nothing is ever sent in the clear instead.
                connection.starttls(context=context)
            if server.username and server.password_file:
                password = server.password_file.read_text("utf-8").strip()
                connection.login(server.username, password)
        except BaseException:
            connection.close()
            raise
        return connection

    def _hand_over(self, connection: smtplib.SMTP, content: bytes, to: str) -> None:
        try:
            connection.ehlo_or_helo_if_needed()
            _require(*connection.mail(self._sender))
            _require(*connection.rcpt(to))
        except (OSError, smtplib.SMTPException) as error:
            raise PostError(_why(error)) from error
        try:
            _require(*connection.data(content))
        except smtplib.SMTPDataError as error:
            # Refused before the text was given.
            raise PostError(_why(error), is_final=error.smtp_code >= _FINAL) from error
        except (OSError, smtplib.SMTPException) as error:
            raise PostError(_why(error), may_have_left=True) from error


def _require(code: int, _: bytes) -> None:
    if code not in _OK:
        raise PostError(f"the server answered {code}", is_final=code >= _FINAL)


def _leave(connection: smtplib.SMTP) -> None:
    """Say goodbye; what the server thinks of it changes nothing any more."""
    try:
        connection.quit()
    except (OSError, smtplib.SMTPException):
        connection.close()


def _why(error: Exception) -> str:
    """Return what may be logged: no address, no text of the server's that may hold one."""
    code = getattr(error, "smtp_code", "")
    return f"{type(error).__name__} {code}".strip()
