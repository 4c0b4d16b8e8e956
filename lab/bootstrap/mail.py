"""Where the mail of notices leaves, as the settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.providers.mail import FolderPost, SmtpPost, SmtpServer

if TYPE_CHECKING:
    from lab.ports import Post
    from lab.settings import Settings


def post_office(settings: Settings) -> Post:
    """Return the server of the settings, or the folder where there is none."""
    mail = settings.mail
    if not mail.host:
        return FolderPost(settings.mail_dir, sender=mail.sender, domain=settings.domain)
    server = SmtpServer(
        host=mail.host,
        port=mail.the_port,
        security=mail.security,
        username=mail.username,
        password_file=mail.password_file,
        ca_file=mail.ca_file,
    )
    return SmtpPost(server, sender=mail.sender, domain=settings.domain)
