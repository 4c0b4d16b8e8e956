"""Data sets: list and card."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from lab.domain.dataset import DOCUMENTS, MOUNTABLE
from lab.domain.ids import DatasetId
from lab.domain.member import Resource, Verb
from lab.web.access import allowed
from lab.web.identity import Actor
from lab.web.language import msg
from lab.web.rendering import page_language, render
from lab.web.wiring import lab_of

router = APIRouter(prefix="/jeux", include_in_schema=False)


@router.get("", dependencies=[Depends(allowed(Verb.LIST, Resource.DATASET))])
async def list_datasets(actor: Actor, request: Request) -> Response:
    views = await lab_of(request).datasets.all(actor)
    return render(request, "datasets.html", views=views, mountable=MOUNTABLE)


@router.get("/{dataset_id}", dependencies=[Depends(allowed(Verb.READ, Resource.DATASET))])
async def show_dataset(dataset_id: str, actor: Actor, request: Request) -> Response:
    view = await lab_of(request).datasets.get(actor, DatasetId(dataset_id))
    language = page_language(request)
    trail = [
        (language.text(msg("Accueil")), "/"),
        (language.text(msg("Jeux de données")), "/jeux"),
    ]
    dossiers = await lab_of(request).intakes.of_dataset(actor, view.dataset.id)
    return render(
        request,
        "dataset.html",
        view=view,
        trail=trail,
        mountable=MOUNTABLE,
        documents=DOCUMENTS,
        dossiers={each.published: each.id for each in dossiers if each.published},
    )
