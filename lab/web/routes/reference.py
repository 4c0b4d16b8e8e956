"""What the API says of itself: its schema, a page made from it, and what each problem means."""

from typing import Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response

from lab.domain.errors import NotFoundError
from lab.web.access import public
from lab.web.describing import describe
from lab.web.rendering import render
from lab.web.sentences import DETAILS, TITLES

router = APIRouter(include_in_schema=False)


@router.get("/api/v1/openapi.json", dependencies=[Depends(public())])
async def read_schema(request: Request) -> JSONResponse:
    return JSONResponse(describe(request.app))


@router.get("/api", dependencies=[Depends(public())])
async def read_reference(request: Request) -> Response:
    document = describe(request.app)
    by_tag: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            entry = {"method": method.upper(), "path": path, **operation}
            by_tag[operation["tags"][0]].append(entry)
    return render(request, "reference.html", document=document, by_tag=by_tag)


@router.get("/problemes/{code}", dependencies=[Depends(public())])
async def read_problem(code: str, request: Request) -> Response:
    if code not in TITLES:
        raise NotFoundError("problem", code)
    detail = DETAILS[code].split("%(", maxsplit=1)[0].strip() if "%(" in DETAILS[code] else None
    return render(request, "problem.html", code=code, title=TITLES[code], detail=detail)
