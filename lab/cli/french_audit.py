"""What the command says of the audit log and of accounts that close, in French."""

from __future__ import annotations

AUDIT: dict[str, str] = {
    "A login, 'lab' for the lab itself, '-' for nobody.": (
        "Un identifiant, « lab » pour le laboratoire lui-même, « - » pour personne."
    ),
    "Close an account: sessions, tokens and servers end at once; what was made stays.": (
        "Désactiver un compte : sessions, jetons et serveurs finissent aussitôt; ce qui a été "
        "fait reste."
    ),
    "Close the account of {login}?": "Désactiver le compte de {login}?",
    "Open an account again; nothing that had ended comes back.": (
        "Rouvrir un compte; rien de ce qui avait fini ne revient."
    ),
    "People: look, add, passwords, sign-in links, departures.": (
        "Personnes : regarder, ajouter, mots de passe, liens de connexion, départs."
    ),
    "An export as jsonl: verified here, without the lab.": (
        "Un export en jsonl : vérifié ici, sans le laboratoire."
    ),
    "First day, for example 2026-11-01.": "Premier jour, par exemple 2026-11-01.",
    "For example quota.set; 'request' alone for all about requests.": (
        "Par exemple quota.set; « request » seul pour tout ce qui touche les demandes."
    ),
    "Last day, all of it.": "Dernier jour, compris en entier.",
    "Last hash": "Dernière empreinte",
    "Take away all that is looked for, first row first. The log says that it was.": (
        "Emporter tout ce qui est cherché, première ligne d’abord. Le journal le dira."
    ),
    "The audit log: search it, take it away, verify its chain.": (
        "Le journal : le chercher, l’emporter, en vérifier la chaîne."
    ),
    "What came of it.": "Ce qu’il en est advenu.",
    "What it was done to, for example sb-3f9a0c1d2e.": (
        "Ce sur quoi c’était, par exemple sb-3f9a0c1d2e."
    ),
    "csv or jsonl.": "csv ou jsonl.",
    "the file {path} is no export of the audit log as jsonl": (
        "le fichier {path} n’est pas un export du journal en jsonl"
    ),
}
