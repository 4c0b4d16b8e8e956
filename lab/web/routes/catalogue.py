"""What can be chosen in a request: templates, egress profiles, sizes."""

from fastapi import APIRouter, Depends, Request

from lab.domain.errors import NotFoundError
from lab.domain.ids import ProfileId, TemplateId
from lab.domain.member import Resource, Verb
from lab.web.access import allowed, signed_in
from lab.web.describing import FAILURES
from lab.web.schemas.common import PageOut
from lab.web.schemas.datasets import ProfileOut, SizeOut, TemplateOut
from lab.web.wiring import lab_of

router = APIRouter(prefix="/api/v1", tags=["catalogue"], responses=FAILURES)


@router.get(
    "/templates",
    summary="Lister les gabarits / List the templates",
    dependencies=[Depends(allowed(Verb.LIST, Resource.TEMPLATE))],
)
async def list_templates(request: Request) -> PageOut[TemplateOut]:
    templates = lab_of(request).catalogue.catalogue().templates.values()
    return PageOut(items=[TemplateOut.of(template) for template in templates])


@router.get(
    "/templates/{template_id}",
    summary="Lire un gabarit / Read a template",
    dependencies=[Depends(allowed(Verb.READ, Resource.TEMPLATE))],
)
async def read_template(template_id: str, request: Request) -> TemplateOut:
    found = lab_of(request).catalogue.catalogue().templates.get(TemplateId(template_id))
    if found is None:
        raise NotFoundError("template", template_id)
    return TemplateOut.of(found)


@router.get(
    "/egress-profiles",
    summary="Lister les règles de sortie / List the egress profiles",
    dependencies=[Depends(allowed(Verb.LIST, Resource.PROFILE))],
)
async def list_profiles(request: Request) -> PageOut[ProfileOut]:
    profiles = lab_of(request).catalogue.catalogue().profiles.values()
    return PageOut(items=[ProfileOut.of(profile) for profile in profiles])


@router.get(
    "/egress-profiles/{profile_id}",
    summary="Lire des règles de sortie / Read an egress profile",
    dependencies=[Depends(allowed(Verb.READ, Resource.PROFILE))],
)
async def read_profile(profile_id: str, request: Request) -> ProfileOut:
    found = lab_of(request).catalogue.catalogue().profiles.get(ProfileId(profile_id))
    if found is None:
        raise NotFoundError("egress profile", profile_id)
    return ProfileOut.of(found)


@router.get(
    "/sizes",
    summary="Lister les formats / List the sizes",
    dependencies=[Depends(signed_in())],
)
async def list_sizes(request: Request) -> PageOut[SizeOut]:
    sizes = lab_of(request).catalogue.catalogue().sizes.values()
    return PageOut(items=[SizeOut.of(size) for size in sizes])
