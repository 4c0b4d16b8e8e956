from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.intakes import Dossiers
from tests.services.intakes.case import Case
from tests.world import World, new_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from lab.bootstrap import Lab


@pytest.fixture
def dossiers(tmp_path: Path) -> Dossiers:
    return Dossiers(tmp_path)


@pytest.fixture
async def world(dossiers: Dossiers) -> AsyncIterator[World]:
    async with new_world() as made:
        made.dossiers = dossiers.intaking()
        yield made


@pytest.fixture
async def lab(world: World) -> Lab:
    return await world.lab()


@pytest.fixture
def case(lab: Lab, world: World) -> Case:
    return Case(lab, world)
