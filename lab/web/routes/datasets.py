"""Data sets."""

from fastapi import APIRouter, Depends, Request

from lab.domain.ids import DatasetId
from lab.domain.member import Resource, Verb
from lab.web.access import allowed
from lab.web.describing import FAILURES
from lab.web.identity import Actor
from lab.web.schemas.common import PageOut
from lab.web.schemas.datasets import DatasetOut
from lab.web.wiring import lab_of

router = APIRouter(prefix="/api/v1/datasets", tags=["datasets"], responses=FAILURES)


@router.get(
    "",
    summary="Lister les jeux de données / List the data sets",
    dependencies=[Depends(allowed(Verb.LIST, Resource.DATASET))],
)
async def list_datasets(actor: Actor, request: Request) -> PageOut[DatasetOut]:
    views = await lab_of(request).datasets.all(actor)
    return PageOut(items=[DatasetOut.of(view) for view in views])


@router.get(
    "/{dataset_id}",
    summary="Lire un jeu de données / Read a data set",
    dependencies=[Depends(allowed(Verb.READ, Resource.DATASET))],
)
async def read_dataset(dataset_id: str, actor: Actor, request: Request) -> DatasetOut:
    return DatasetOut.of(await lab_of(request).datasets.get(actor, DatasetId(dataset_id)))
