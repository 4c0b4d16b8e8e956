"""States, stages, doors, rules and rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.attempt import Rule
from lab.domain.egress import DOOR_PORTS
from lab.domain.intake_states import INTAKE_TRANSITIONS, IntakeState
from lab.domain.member import ACCESS, Resource, Role, Verb
from lab.domain.request import TRANSITIONS, RequestState
from lab.domain.sandbox import Phase, Seen, Stage
from lab.web import words
from tests.docs.meanings import SEEN_EN
from tests.docs.writing import code, english, page, table

if TYPE_CHECKING:
    from collections.abc import Iterator


def states() -> str:
    return page(
        "# États, étapes et droits / States, stages and rights",
        "",
        "## Demande / Request",
        "",
        *table(
            ("State", "Écran"),
            [(code(s.value), words.REQUEST_STATE[s]) for s in RequestState],
        ),
        *table(
            ("Move", "From", "To", "Who", "Guard", "Effect"),
            [
                (
                    code(move.move.value),
                    ", ".join(s.value for s in RequestState if s in move.from_states),
                    move.to_state.value,
                    ", ".join(sorted(who.value for who in move.movers)),
                    move.guard,
                    move.effect,
                )
                for move in TRANSITIONS.values()
            ],
        ),
        "## Dossier d’anonymisation / Anonymisation dossier",
        "",
        "Articles of the *Règlement sur l’anonymisation des renseignements personnels* "
        "(A-2.1, r. 0.1).",
        "",
        *table(
            ("Move", "From", "To", "Article", "Guard"),
            [
                (
                    code(move.move.value),
                    ", ".join(s.value for s in IntakeState if s in move.from_states),
                    move.to_state.value,
                    move.article,
                    move.guard,
                )
                for move in INTAKE_TRANSITIONS.values()
            ],
        ),
        "## Étapes d’un bac à sable / Stages of a sandbox",
        "",
        "In the order they are built. The order is a safety rule: nothing that can run a "
        "program exists before the walls are proved.",
        "",
        *table(
            (" ", "Stage", "Écran", "Ce que cela veut dire", "Meaning"),
            [
                (
                    number,
                    code(stage.value),
                    words.STAGE[stage],
                    words.STAGE_MEANING[stage],
                    english(words.STAGE_MEANING[stage]),
                )
                for number, stage in enumerate(Stage, 1)
            ],
        ),
        *table(
            ("Seen", "Construction", "Suppression", "Meaning"),
            [(code(s.value), words.SEEN[s], words.GONE_SEEN[s], SEEN_EN[s]) for s in Seen],
        ),
        *table(("Phase", "Écran"), [(code(p.value), words.PHASE[p]) for p in Phase]),
        "## Portes / Doors",
        "",
        *table(
            ("Door", "Loopback port inside", "Écran"),
            [(code(door.value), port, words.DOOR[door]) for door, port in DOOR_PORTS.items()],
        ),
        "## Règles des tentatives bloquées / Rules of blocked attempts",
        "",
        *table(
            ("Rule", "Français", "English"),
            [(code(r.value), words.RULE[r], english(words.RULE[r])) for r in Rule],
        ),
        "## Qui peut quoi / Who may do what",
        "",
        "`any`: every object. `agency`: those of one’s own agency. `own`: one asked for it or is "
        "in its team. What is not in the table is refused. An operator may do the rest too, but "
        f"for what is refused to all operators: {_refused_to_operators()}.",
        "",
        *table((" ", *(role.value for role in Role)), _rights()),
    )


def _ties(verb: Verb, resource: Resource) -> dict[Role, str]:
    found = {role: ACCESS[role].get((verb, resource)) for role in Role}
    return {role: tie.value if tie else "" for role, tie in found.items()}


def _rights() -> Iterator[tuple[str, ...]]:
    for resource in Resource:
        for verb in Verb:
            ties = _ties(verb, resource)
            if any(tie for role, tie in ties.items() if role is not Role.OPERATOR):
                yield (f"{verb.value} {resource.value}", *ties.values())


def _refused_to_operators() -> str:
    refused = [
        f"{verb.value} {resource.value}"
        for resource in Resource
        for verb in Verb
        if any(_ties(verb, resource).values()) and not _ties(verb, resource)[Role.OPERATOR]
    ]
    return ", ".join(refused)
