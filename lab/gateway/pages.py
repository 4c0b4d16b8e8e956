"""The few pages of our own that a person may see here, French first."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from lab.gateway.refusals import RefusedError

_PAGE = """<!doctype html>
<html lang="fr-CA">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title_fr}</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 38rem; margin: 4rem auto;
  padding: 0 1rem; color: #1a1a1a; }}
a {{ color: #1a4b8c; }}
section + section {{ border-top: 1px solid #bbb; margin-top: 2rem; }}
</style>
</head>
<body>
<main>
<section><h1>{title_fr}</h1><p>{text_fr}</p>{link_fr}</section>
<section lang="en"><h1>{title_en}</h1><p>{text_en}</p>{link_en}</section>
</main>
</body>
</html>
"""


def gone_page(portal: str) -> web.Response:
    """Return the page of a sandbox that has nothing to show here, or no more."""
    return _page(
        410,
        title_fr="Il n’y a rien à voir ici",
        text_fr="Ce bac à sable n’existe pas, n’est pas prêt, ou a pris fin.",
        link_fr=f'<p><a href="{escape(portal)}/">Retour au portail</a></p>',
        title_en="There is nothing to see here",
        text_en="This sandbox does not exist, is not ready, or has ended.",
        link_en=f'<p><a href="{escape(portal)}/">Back to the portal</a></p>',
    )


def refused_page(error: RefusedError) -> web.Response:
    """Return the page of a refusal."""
    french = {
        "not_signed_in": "Ouvrez cette page à partir du portail.",
        "bad_ticket": "Ce lien a déjà servi, ou il est trop vieux. Rouvrez la page à partir "
        "du portail.",
        "upstream_down": "Le service ne répond pas pour l’instant. Réessayez dans un moment.",
    }
    return _page(
        error.status,
        title_fr="Impossible d’ouvrir cette page",
        text_fr=french.get(error.code, "Le laboratoire ne permet pas cette opération."),
        link_fr="",
        title_en="This page cannot be opened",
        text_en=escape(error.detail[:1].upper() + error.detail[1:]) + ".",
        link_en="",
    )


def _page(status: int, **texts: str) -> web.Response:
    return web.Response(
        status=status, text=_PAGE.format(**texts), content_type="text/html", charset="utf-8"
    )
