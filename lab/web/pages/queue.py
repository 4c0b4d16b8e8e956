"""The list of requests, narrowed down by whoever reviews, or by whoever asked."""

from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from lab.domain.agency import Agency
from lab.domain.dataset import MOUNTABLE, DataClass
from lab.domain.ids import AgencyId
from lab.domain.member import Member, Resource, Verb
from lab.domain.request import RequestState
from lab.services.filing import Narrowed
from lab.web.access import allowed
from lab.web.identity import Actor
from lab.web.pages.listing import request_rows
from lab.web.pages.review_words import policy_of, waits
from lab.web.rendering import may, page_language, render
from lab.web.wiring import Lab, lab_of

router = APIRouter(prefix="/demandes", include_in_schema=False)

WAITS = (1, 3, 7, 14)
"""In days; what the list offers to narrow down by."""

_STATES = tuple(s for s in RequestState if s not in {RequestState.DRAFT, RequestState.SUBMITTED})
_CLASSES = tuple(c for c in DataClass if c in MOUNTABLE)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address of the list asks for; what makes no sense there counts as not asked."""

    state: RequestState | None
    agency: str
    data_class: DataClass | None
    days: int
    needs_two: bool
    is_mine: bool

    @classmethod
    def of(cls, request: Request, agencies: list[Agency]) -> "Asked":
        """Read it."""
        query = request.query_params
        days, agency = query.get("jours", ""), query.get("organisme", "")
        return cls(
            state=next((s for s in _STATES if s.value == query.get("etat")), None),
            agency=agency if agency in {each.id for each in agencies} else "",
            data_class=next((c for c in _CLASSES if c.value == query.get("classe")), None),
            days=next((n for n in WAITS if str(n) == days), 0),
            needs_two=query.get("deux") == "oui",
            is_mine=query.get("moi") == "oui",
        )

    def narrowed(self) -> Narrowed:
        """Return it as the service knows it."""
        return Narrowed(
            agency_id=AgencyId(self.agency) if self.agency else None,
            data_class=self.data_class,
            waiting_days=self.days,
            needs_two=self.needs_two,
            is_mine=self.is_mine,
        )

    def more(self, cursor: str) -> str:
        """Return the address of what follows; nothing on the last page."""
        return f"?{urlencode([*self._pairs(), ('apres', cursor)])}" if cursor else ""

    def command(self) -> str:
        """Return the command that lists the same."""
        names = {"etat": "state", "organisme": "agency", "classe": "data-class"}
        flags = {"deux": "second", "moi": "mine"}
        words = ["lab request list"]
        for name, value in self._pairs():
            if name in flags:
                words.append(f"--{flags[name]}")
            else:
                words.append(f"--{names.get(name, 'waiting-days')} {value}")
        return " ".join(words)

    def _pairs(self) -> list[tuple[str, str]]:
        pairs = [
            ("etat", self.state.value if self.state else ""),
            ("organisme", self.agency),
            ("classe", self.data_class.value if self.data_class else ""),
            ("jours", str(self.days or "")),
            ("deux", "oui" if self.needs_two else ""),
            ("moi", "oui" if self.is_mine else ""),
        ]
        return [(name, value) for name, value in pairs if value]


@router.get("", dependencies=[Depends(allowed(Verb.LIST, Resource.REQUEST))])
async def list_requests(actor: Actor, request: Request, apres: str = "") -> Response:
    lab, language = lab_of(request), page_language(request)
    is_staff = may(actor, Verb.DECIDE, Resource.REQUEST)
    agencies = await _agencies(lab, actor)
    asked = Asked.of(request, agencies)
    page = await lab.requests.page(
        actor, state=asked.state, after=apres, limit=30, narrowed=asked.narrowed()
    )
    rows = await request_rows(lab, page.items)
    now, zone, catalogue = lab.clock.now(), lab.settings.zone, lab.catalogue.catalogue()
    return render(
        request,
        "requests.html",
        rows=[
            (
                row,
                waits(row.request, now, language),
                policy_of(row.request, catalogue, zone, language)
                if is_staff and not row.request.rule
                else None,
            )
            for row in rows
        ],
        more=asked.more(page.next_cursor),
        asked=asked,
        agencies=agencies,
        states=_STATES,
        classes=_CLASSES,
        waits_of=WAITS,
        is_staff=is_staff,
    )


async def _agencies(lab: Lab, actor: Member) -> list[Agency]:
    """Return the agencies to choose from: all, or none where one's own is all there is."""
    if not may(actor, Verb.LIST, Resource.AGENCY):
        return []
    return list(await lab.agencies.all(actor))
