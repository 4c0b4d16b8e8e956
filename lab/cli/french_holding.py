"""What the command says of suspensions and extensions, in French."""

from __future__ import annotations

HOLDING: dict[str, str] = {
    "Act": "Acte",
    "All of the lab is stopped since {since}.": ("Tout le laboratoire est arrêté depuis {since}."),
    "All of the lab.": "Tout le laboratoire.",
    "Everybody stops at once. To confirm, type 'stop all'": (
        "Tout s’arrête, pour tout le monde. Pour confirmer, tapez « tout arrêter »"
    ),
    "For example sb-3f9a0c1d2e; none with --all.": (
        "Par exemple sb-3f9a0c1d2e; aucun avec --all."
    ),
    "For example b.gagnon.": "Par exemple b.gagnon.",
    "Invite a colleague into its team; they are told of it.": (
        "Inviter un ou une collègue dans son équipe; la personne en est avisée."
    ),
    "Kind": "Genre",
    "Let it go on; its walls are proved again first. With --all: lift the stop of the lab.": (
        "Le laisser reprendre; ses murs sont d’abord éprouvés de nouveau. Avec --all : lever "
        "l’arrêt du laboratoire."
    ),
    "Out of the team.": "Hors de l’équipe.",
    "Put its end off: the team within the approval rules, an operator beyond.": (
        "Repousser sa fin : l’équipe dans les limites des règles d’approbation, "
        "l’exploitation au-delà."
    ),
    "Show when it was suspended, stopped, resumed or extended, by whom and why.": (
        "Montrer quand il a été suspendu, arrêté, repris ou prolongé, par qui et pourquoi."
    ),
    "Stop at once: the doors shut first. With --all nothing new is made until it is resumed.": (
        "Arrêter tout de suite : les portes se ferment d’abord. Avec --all, rien de neuf n’est "
        "bâti jusqu’à la reprise."
    ),
    "Stop its servers, its credentials and its doors; data and quota stay.": (
        "Arrêter ses serveurs, ses accès et ses portes; données et quota restent."
    ),
    "Suspended": "Suspendu",
    "Take a person out of its team: their notebook stops, their files stay in it.": (
        "Retirer une personne de son équipe : son carnet s’arrête, ses fichiers y restent."
    ),
    "The new last day, as 2026-12-31.": "Le nouveau dernier jour, comme 2026-12-31.",
    "The stop of the lab is lifted.": "L’arrêt du laboratoire est levé.",
    "Until": "Jusqu’à",
    "Why": "Pourquoi",
    "Why; the team reads it. Name nobody.": "Pourquoi; l’équipe le lit. Ne nommez personne.",
    "With --all: 'stop all', or it is asked for.": (
        "Avec --all : « tout arrêter »; sinon, c’est demandé."
    ),
    "asked": "demandé",
    "budget": "heures du mois",
    "extend": "prolongé",
    "lab_stopped": "tout arrêté",
    "name one sandbox, or give --all": "nommez un bac à sable, ou donnez --all",
    "resume": "repris",
    "stop": "arrêté d’urgence",
    "suspend": "suspendu",
    "suspended": "suspendu",
}
