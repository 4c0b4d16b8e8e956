"""What holds wherever the encrypted files are kept."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from lab.domain.errors import InvalidError, NotReadyError
from lab.domain.ids import IntakeId
from lab.providers.quarantine import SealError
from lab.providers.quarantine.sealing import CHUNK
from tests.providers.quarantine.conftest import Place, pieces

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

pytestmark = pytest.mark.real

MINE, OTHER = IntakeId("in-0000000001"), IntakeId("in-0000000002")
LIMIT = 64 * CHUNK
NAS = b"046 454 286"


async def test_a_raw_file_is_hashed_kept_unreadable_and_given_back(place: Place) -> None:
    data = NAS * 300_000
    sha256, size = await place.quarantine.receive(MINE, pieces(data), limit_bytes=LIMIT)
    assert (sha256, size) == (hashlib.sha256(data).hexdigest(), len(data))
    kept = place.kept()
    assert sum(map(len, kept.values())) > len(data)
    assert not [name for name, content in kept.items() if NAS in content]
    with place.quarantine.opened(MINE) as work:
        assert work.unseal("raw").read_bytes() == data
        (work.folder / "table.parquet").write_bytes(b"PAR1")
        work.seal(work.folder / "table.parquet", "table")
    with place.quarantine.opened(MINE) as again:
        assert list(again.folder.iterdir()) == []
        assert again.unseal("table").read_bytes() == b"PAR1"
    assert list((place.folder / ".work").iterdir()) == []


@pytest.mark.parametrize("size", [1, CHUNK, 2 * CHUNK + 1])
async def test_any_length_comes_back_and_replaces_what_was_there(place: Place, size: int) -> None:
    for data in (b"x" * (3 * CHUNK), b"y" * size):
        await place.quarantine.receive(MINE, pieces(data), limit_bytes=LIMIT)
    with place.quarantine.opened(MINE) as work:
        assert work.unseal("raw").read_bytes() == b"y" * size
    assert sum(map(len, place.kept().values())) < size + 2000


async def test_too_much_nothing_or_half_is_refused_and_what_was_there_stays(place: Place) -> None:
    await place.quarantine.receive(MINE, pieces(b"first"), limit_bytes=LIMIT)
    before = place.kept()
    for data, code in ((b"x" * (3 * CHUNK), "too_heavy"), (b"", "empty")):
        with pytest.raises(InvalidError) as caught:
            await place.quarantine.receive(MINE, pieces(data), limit_bytes=2 * CHUNK)
        assert caught.value.problems[0].code == code

    async def broken() -> AsyncIterator[bytes]:
        yield b"half" * CHUNK
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await place.quarantine.receive(MINE, broken(), limit_bytes=LIMIT)
    assert place.kept() == before
    with place.quarantine.opened(MINE) as work:
        assert work.unseal("raw").read_bytes() == b"first"


async def test_what_is_destroyed_is_seen_gone_and_destroying_again_is_fine(place: Place) -> None:
    for intake_id, data in ((MINE, NAS * 300_000), (OTHER, b"other")):
        await place.quarantine.receive(intake_id, pieces(data), limit_bytes=LIMIT)
    for _ in range(2):
        assert await place.quarantine.destroy(MINE) == (f"{MINE}/raw.sealed",)
    assert not [name for name in place.kept() if name.startswith(MINE)]
    with place.quarantine.opened(OTHER) as work:
        assert work.unseal("raw").read_bytes() == b"other"
    with place.quarantine.opened(MINE) as work, pytest.raises(SealError):
        work.unseal("raw")


async def test_nothing_is_built_from_what_somebody_typed(place: Place) -> None:
    for name in ("../in-0000000001", "in-0000000001/..", "", "in-000000000g"):
        with pytest.raises(ValueError, match="no dossier"):
            await place.quarantine.destroy(IntakeId(name))
        with pytest.raises(ValueError, match="no dossier"):
            await place.quarantine.receive(IntakeId(name), pieces(b"a"), limit_bytes=9)
    with place.quarantine.opened(MINE) as work, pytest.raises(ValueError, match="no name"):
        work.unseal("../raw")


async def test_without_a_key_nothing_is_taken_and_it_is_told(place: Place) -> None:
    place.key_file.unlink()
    with pytest.raises(NotReadyError, match="no such secret"):
        await place.quarantine.receive(MINE, pieces(b"a,b\n"), limit_bytes=100)
    assert place.kept() == {}
