from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from lab.domain.ids import DatasetId, IntakeId
from lab.web.pages.intakes import _SHOWN
from tests.web.test_pages_intakes import Dossier, K, dossier

if TYPE_CHECKING:
    from tests.web.conftest import WebLab

__all__ = ["dossier"]


async def test_a_long_list_of_dossiers_goes_on_and_each_is_on_it_once(
    dossier: Dossier, lab: WebLab
) -> None:
    await dossier.opened()
    first = IntakeId(dossier.path.rpartition("/")[2])
    async with lab.store.begin() as tx:
        intake = await tx.intakes.get(first)
        assert intake is not None
        for n in range(_SHOWN):
            name = DatasetId(f"jeu-{n:03}")
            other = replace(intake, id=IntakeId(f"in-eee{n:07}"), dataset_id=name, version=0)
            await tx.intakes.put(other)
    browser = await dossier.person("r.cote")
    seen: list[str] = []
    query = "?etat=opened"
    for wanted in (_SHOWN, 1):
        page = (await browser.get(f"/dossiers{query}")).text
        found = set(re.findall(r'href="/dossiers/(in-[0-9a-f]+)"', page))
        assert len(found) == wanted
        seen.extend(found)
        more = re.search(r'href="(\?[^"]*apres=[^"]+)" rel="next"', page)
        assert (more is not None) == (wanted == _SHOWN)
        query = more[1].replace("&amp;", "&") if more else ""
    assert "etat=opened" in page or not query
    assert len(seen) == len(set(seen)) == _SHOWN + 1
    assert first in seen
    lost = await browser.get("/dossiers?apres=nulle-part")
    assert lost.status_code in {200, 422}


async def test_local_recoding_is_warned_of_asked_for_and_kept_as_chosen(
    dossier: Dossier, lab: WebLab
) -> None:
    await dossier.confirmed()
    form = await dossier.page("/traitement")
    assert "Découpage local (Mondrian)" in form
    assert "une attaque connue retrouve des valeurs" in form
    box = re.search(r'<input[^>]*name="local"[^>]*>', form)
    assert box is not None
    assert "checked" not in box[0]
    wrong = await dossier.post("/traitement", K | {"local": "1", "k": "un"})
    assert wrong.status_code == 422
    again = re.search(r'<input[^>]*name="local"[^>]*>', wrong.text)
    assert again is not None
    assert "checked" in again[0]
    assert (await dossier.post("/traitement", K | {"local": "1", "l": "2"})).status_code == 303
    await dossier.work()
    async with lab.store.read() as tx:
        intake = await tx.intakes.get(IntakeId(dossier.path.rpartition("/")[2]))
    assert intake is not None
    assert intake.treatment is not None
    assert intake.treatment.parameters["local_recoding"] is True
    assert intake.treatment.parameters["l"] == 2
    kept = re.search(r'<input[^>]*name="local"[^>]*>', await dossier.page("/traitement"))
    assert kept is not None
    assert "checked" in kept[0]
