"""The mail of a notice: a reference and a link, in French then in English.

Nothing else, but the hour where the notice is of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lab.domain.notice import NoticeKind

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from lab.domain.notice import Notice

SENTENCES: Mapping[NoticeKind, tuple[str, str]] = {
    NoticeKind.SUBMITTED: ("Une demande est déposée", "A request was submitted"),
    NoticeKind.NEEDS_APPROVAL: (
        "Une demande attend votre décision",
        "A request awaits your decision",
    ),
    NoticeKind.NEEDS_SIGNATURE: (
        "Un dossier attend votre signature",
        "A dossier awaits your signature",
    ),
    NoticeKind.RETURNED: (
        "Votre demande est à compléter",
        "Your request must be completed",
    ),
    NoticeKind.APPROVED: ("Votre demande est approuvée", "Your request is approved"),
    NoticeKind.REFUSED: ("Votre demande est refusée", "Your request is refused"),
    NoticeKind.READY: ("Votre bac à sable est prêt", "Your sandbox is ready"),
    NoticeKind.EXPIRES_IN_7: (
        "Votre bac à sable sera supprimé dans sept jours ou moins",
        "Your sandbox will be deleted within seven days",
    ),
    NoticeKind.EXPIRES_IN_1: (
        "Votre bac à sable sera supprimé dans un jour ou moins",
        "Your sandbox will be deleted within a day",
    ),
    NoticeKind.SUSPENDED: ("Votre bac à sable est suspendu", "Your sandbox is suspended"),
    NoticeKind.HOURS_AGAIN: (
        "Un bac à sable suspendu a de nouveau des heures et peut reprendre",
        "A suspended sandbox has hours again and may be resumed",
    ),
    NoticeKind.IDLE: (
        "Votre carnet s’arrêtera bientôt, faute d’usage",
        "Your notebook will soon stop, for want of use",
    ),
    NoticeKind.INVITED: (
        "Vous êtes de l’équipe d’un bac à sable",
        "You are in the team of a sandbox",
    ),
    NoticeKind.MESSAGE: ("Un message vous attend", "A message awaits you"),
}

_PATHS = {"rq": "/demandes/", "sb": "/bacs/", "in": "/dossiers/"}


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail.

    Attributes:
        id: Before the ``@`` of its Message-ID; the same at each try.
    """

    id: str
    to: str
    subject: str
    body: str
    at: datetime


def path_of(subject: str) -> str:
    """Return the page of what a notice is about."""
    return _PATHS.get(subject.partition("-")[0], "/") + subject


def letter_of(notice: Notice, *, to: str, url: str, zone: ZoneInfo) -> Letter:
    """Write the mail of a notice.

    Args:
        notice: What happened.
        to: One address.
        url: Of the portal, without a closing slash.
        zone: Whose hours are written.
    """
    french, english = SENTENCES[notice.kind]
    link = url + path_of(notice.subject)
    say_fr, say_en = _hours(notice, zone)
    body = (
        f"{french}.{say_fr}\n\nRéférence\u00a0: {notice.subject}\n{link}\n\n"
        "Ce courriel est envoyé par le laboratoire Vase clos; n’y répondez pas. Vos avis et "
        f"votre adresse\u00a0: {url}/avis\n\n"
        "--\n\n"
        f"{english}.{say_en}\n\nReference: {notice.subject}\n{link}\n\n"
        "This mail is sent by the laboratory Vase clos; do not reply to it. Your notices and "
        f"your address: {url}/avis\n"
    )
    title = f"{french} / {english} ({notice.subject})"
    return Letter(notice.id, to, title, body, notice.at)


def _hours(notice: Notice, zone: ZoneInfo) -> tuple[str, str]:
    """Say when a notebook stops and what keeps it, where that is what the notice is of."""
    if notice.due_at is None:
        return "", ""
    at = notice.due_at.astimezone(zone)
    french = (
        f" Il s’arrêtera vers {at:%-H\u00a0h\u00a0%M}, le {at:%Y-%m-%d}. Pour le garder\u00a0: "
        "exécutez une cellule, servez-vous d’un terminal ou enregistrez un fichier. Vos fichiers "
        "restent; ce qui n’est qu’en mémoire sera perdu."
    )
    english = (
        f" It will stop at about {at:%H:%M} on {at:%Y-%m-%d}. To keep it: run a cell, use a "
        "terminal or save a file. Your files stay; what is only in memory will be lost."
    )
    return french, english
