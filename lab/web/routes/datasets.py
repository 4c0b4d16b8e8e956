"""Data sets."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request, Response

from lab.domain.dataset import DatasetRef
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


@router.get(
    "/{dataset_id}/versions/{version}/{document}",
    summary="Télécharger un document d’une version / Download a document of a version",
    description=(
        "Les octets publiés : fiche, contrat Frictionless, Croissant 1.1, DCAT. / "
        "The bytes that were published: card, Frictionless contract, Croissant 1.1, DCAT."
    ),
    dependencies=[Depends(allowed(Verb.READ, Resource.DATASET))],
    response_class=Response,
    responses={
        200: {
            "content": {
                kind: {"schema": {"type": "string"}}
                for kind in ("application/json", "application/ld+json", "text/markdown")
            }
        }
    },
)
async def download_document(
    dataset_id: str,
    version: Annotated[int, Path(ge=1, le=1_000_000)],
    document: Literal["datapackage.json", "croissant.json", "dcat.json", "FICHE.md"],
    actor: Actor,
    request: Request,
) -> Response:
    ref = DatasetRef(DatasetId(dataset_id), version)
    found = await lab_of(request).datasets.document(actor, ref, document)
    kind = found.file.media_type
    return Response(
        found.content,
        media_type=f"{kind}; charset=utf-8" if kind.startswith("text/") else kind,
        headers={
            "Content-Disposition": f'inline; filename="{document}"',
            "ETag": f'"{found.file.sha256}"',
        },
    )
