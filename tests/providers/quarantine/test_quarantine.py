from __future__ import annotations

import hashlib
import io
import os
import random
import resource
import stat
from typing import TYPE_CHECKING

import pytest

from lab.domain.ids import IntakeId
from lab.providers.quarantine import FileQuarantine, SealError
from lab.providers.quarantine.sealing import CHUNK, Sealer, unsealed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

MINE, OTHER = IntakeId("in-0000000001"), IntakeId("in-0000000002")
KEY = b"k" * 10 + b"0123456789abcdef"
LIMIT = 64 * CHUNK
HEAD = 20
NAS = b"046 454 286"


@pytest.fixture
def quarantine(tmp_path: Path) -> FileQuarantine:
    key_file = tmp_path / "quarantine-key"
    key_file.write_text("8f3kd02jslq94mzx7c6v5b1n\n")
    return FileQuarantine(folder=tmp_path / "quarantine", key_file=key_file)


async def pieces(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def sealed(data: bytes, name: str = "x") -> bytes:
    out = io.BytesIO()
    sealer = Sealer(out, KEY, name=name)
    sealer.write(data)
    sealer.finish()
    return out.getvalue()


def opened(content: bytes, name: str = "x", key: bytes = KEY) -> bytes:
    return b"".join(unsealed(io.BytesIO(content), key, name=name))


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 7])
def test_what_is_sealed_in_any_pieces_comes_back(size: int) -> None:
    data = random.Random(size).randbytes(size)
    out = io.BytesIO()
    sealer = Sealer(out, KEY, name="x")
    for start in range(0, size, 300_007):
        sealer.write(data[start : start + 300_007])
    sealer.finish()
    assert opened(out.getvalue()) == data


def test_any_change_of_order_or_length_is_found() -> None:
    content = sealed(random.Random(1).randbytes(3 * CHUNK))
    head, body = content[:HEAD], content[HEAD:]
    one, two, three = (body[n * (CHUNK + 16) : (n + 1) * (CHUNK + 16)] for n in range(3))
    wrong = {
        "swapped": head + two + one + three,
        "one missing": head + one + three,
        "cut at a chunk": head + one + two,
        "cut inside": content[:-1],
        "nothing": b"",
        "head only": head,
        "one more": content + three,
        "one twice": head + one + one + two + three,
        "a bit": content[:-5] + bytes([content[-5] ^ 1]) + content[-4:],
        "another salt": content[:4] + bytes(16) + body,
        "another format": b"VCQ9" + content[4:],
    }
    for what, changed in wrong.items():
        with pytest.raises(SealError):
            pytest.fail(f"{what}: {len(opened(changed))}")
    with pytest.raises(SealError):
        opened(content, key=KEY + b"x")
    with pytest.raises(SealError):
        opened(content, name="y")


def test_the_same_bytes_never_look_the_same() -> None:
    assert sealed(b"a" * 99)[HEAD:] != sealed(b"a" * 99)[HEAD:]


async def test_only_the_labs_account_reads_what_is_kept(
    quarantine: FileQuarantine, tmp_path: Path
) -> None:
    data = NAS * 300_000
    sha256, size = await quarantine.receive(MINE, pieces(data), limit_bytes=LIMIT)
    assert (sha256, size) == (hashlib.sha256(data).hexdigest(), len(data))
    kept = list((tmp_path / "quarantine").rglob("*"))
    assert [path.name for path in kept if path.is_file()] == ["raw.sealed"]
    for path in (tmp_path / "quarantine", *kept):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert NAS not in (tmp_path / "quarantine" / MINE / "raw.sealed").read_bytes()
    with quarantine.opened(MINE) as work:
        assert work.unseal("raw").read_bytes() == data
        assert stat.S_IMODE(work.folder.stat().st_mode) == 0o700
        (work.folder / "table.parquet").write_bytes(b"PAR1")
        work.seal(work.folder / "table.parquet", "table")
    with quarantine.opened(MINE) as again:
        assert list(again.folder.iterdir()) == []
        assert again.unseal("table").read_bytes() == b"PAR1"
    assert list((tmp_path / "quarantine" / ".work").iterdir()) == []


async def test_what_a_killed_run_left_is_swept_and_an_upload_under_way_is_not(
    quarantine: FileQuarantine, tmp_path: Path
) -> None:
    await quarantine.receive(MINE, pieces(NAS), limit_bytes=LIMIT)
    place = tmp_path / "quarantine"
    (place / ".work" / "dead").mkdir(parents=True)
    (place / ".work" / "dead" / "table.parquet").write_bytes(NAS)
    for name, age in ((".raw.00000001", 0), (".raw.00000002", 2 * 86_400)):
        (place / MINE / name).write_bytes(b"half")
        at = (place / MINE / name).stat().st_mtime - age
        os.utime(place / MINE / name, (at, at))
    assert await quarantine.sweep() == 1
    assert sorted(p.name for p in (place / MINE).iterdir()) == [".raw.00000001", "raw.sealed"]
    assert list((place / ".work").iterdir()) == []


async def test_memory_stays_flat_while_much_comes_in(quarantine: FileQuarantine) -> None:
    async def much() -> AsyncIterator[bytes]:
        block = bytes(CHUNK)
        for _ in range(48):
            yield block

    await quarantine.receive(OTHER, pieces(b"warm"), limit_bytes=LIMIT)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await quarantine.receive(MINE, much(), limit_bytes=LIMIT)
    grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kib < 16 * 1024
