"""What pages show beyond sandboxes: drafts, dossiers in each state, what was sent back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.domain.ids import AgencyId, IntakeId
from lab.domain.intake_run import Step
from lab.domain.intake_states import IntakeState
from tests.intakes import CHOICES, intake_draft, sent
from tests.web.scenes import file

if TYPE_CHECKING:
    from tests.web.conftest import WebLab

S = IntakeState
TREATED = {"technique": "k-anonymat", "k": 11, "suppression": 0.04}


async def dossier(lab: WebLab, upto: IntakeState, **changes: str) -> IntakeId:
    """Take a dossier to a state, by the reviewer who deposits and the supervisor who signs."""
    by, supervisor = lab.people["r.cote"], lab.people["s.morin"]
    asked = intake_draft(**{"supervisor": "s.morin", "requester": "a.tremblay"} | changes)
    name = (await lab.intakes.open(by, asked)).intake.id

    async def run(step: Step, **parameters: object) -> None:
        await lab.intake_runs.start(by, name, step, parameters=parameters)
        await lab.intake_work.work()

    async def publish() -> None:
        await lab.intake_runs.publish(by, name)
        await lab.intake_work.work()

    for state, act in (
        (S.DEPOSITED, lambda: lab.intakes.deposit(by, name, sent(), name="été.csv")),
        (S.READ, lambda: run(Step.READ)),
        (S.COLUMNS_CONFIRMED, lambda: lab.intakes.confirm(by, name, CHOICES)),
        (S.TREATED, lambda: run(Step.TREAT, **TREATED)),
        (S.MEASURED, lambda: run(Step.MEASURE)),
        (S.SIGNED, lambda: lab.intakes.sign(supervisor, name, reason="Sous le seuil.")),
        (S.PUBLISHED, publish),
    ):
        if upto is S.OPENED:
            break
        await act()
        if state is upto:
            break
    kept = await lab.intakes.get(by, name)
    assert kept.state is upto, kept.state
    return name


async def returned(lab: WebLab, login: str = "a.tremblay") -> str:
    """Send a request back with two questions; its messages are both people's."""
    filed = await file(lab, login, size="moyen", colleagues=())
    reviewer = lab.people["r.cote"]
    await lab.messages.say(reviewer, filed.id, text="Quel est l’effet voulu?")
    await lab.messages.say(lab.people[login], filed.id, text="Des délais plus courts.")
    questions = ["Quel effet?", "Pour qui?"]
    await lab.reviews.send_back(reviewer, filed.id, questions=questions)
    return filed.id


async def stage_more(lab: WebLab) -> dict[str, str]:
    """Return the names of what the pages of drafts, dossiers and reviews show."""
    draft = await lab.drafts.open(lab.people["a.tremblay"], AgencyId("rft"))
    names = {"draft": draft.id, "returned": await returned(lab)}
    names["asked"] = (await file(lab, "a.tremblay", size="moyen", colleagues=())).id
    for state in (S.OPENED, S.READ, S.COLUMNS_CONFIRMED, S.MEASURED, S.PUBLISHED):
        dataset = f"jeu-{state.value}".replace("_", "-")
        names[state.value] = await dossier(lab, state, dataset=dataset)
    return names
