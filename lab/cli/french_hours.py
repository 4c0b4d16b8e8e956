"""What the command says of hours, budgets and quotas of people, in French."""

from __future__ import annotations

HOURS: dict[str, str] = {
    "--no-limits is for --person": "--no-limits va avec --person",
    "As 2026-11; else this month.": "Comme 2026-11; sinon, le mois en cours.",
    "Budget": "Budget",
    "CPU hours": "Heures-processeur",
    "Day": "Jour",
    "GPU hours": "Heures-GPU",
    "Hours": "Heures",
    "Hours of each month: a whole number, or none.": (
        "Heures de chaque mois : un nombre entier, ou none (aucun)."
    ),
    "Its code; else all you may see.": "Son code; sinon, tous ceux que vous pouvez voir.",
    "Limits of their own": "Limites à elle",
    "List the agency's people who have limits of their own.": (
        "Lister les personnes de l’organisme qui ont des limites à elles."
    ),
    "Login of one of its people, whose own quota it is.": (
        "Identifiant d’une de ses personnes, dont c’est le propre quota."
    ),
    "Month": "Mois",
    "Reached": "Atteint",
    "Show an agency's quota, or a person's, what is held of it and what is left.": (
        "Montrer le quota d’un organisme, ou d’une personne, l’utilisé et le reste."
    ),
    "Show the hours that sandboxes were ready in a month, against the budget.": (
        "Montrer les heures où des bacs à sable ont été prêts dans un mois, face au budget."
    ),
    "Take the person's own limits away.": "Enlever les limites de la personne.",
    "Used": "Utilisé",
    (
        "give at least one of --cpu, --memory, --storage, --gpu, --sandboxes, "
        "--cpu-hours, --gpu-hours, --max-days"
    ): (
        "donnez au moins une option parmi --cpu, --memory, --storage, --gpu, --sandboxes, "
        "--cpu-hours, --gpu-hours, --max-days"
    ),
    "give at least one limit, or --no-limits": "donnez au moins une limite, ou --no-limits",
    "hours and days are the agency's, not a person's": (
        "les heures et les jours sont à l’organisme, non à une personne"
    ),
    "hours are a whole number, or none": "les heures sont un nombre entier, ou none (aucun)",
    "no budget": "aucun budget",
    "none; the agency's hold": "aucune; celles de l’organisme jouent",
}
