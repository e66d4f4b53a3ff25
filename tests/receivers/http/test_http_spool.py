"""Group commit: many callers share a sync, files appear whole, and a refusal loses nothing."""

from __future__ import annotations

import asyncio
import fcntl
import resource
import signal
from pathlib import Path

import pytest

from receivers.http import spool
from receivers.http.spool import Spool, SpoolError, take_over


def _published(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(folder.glob("*.jsonl"))]


def test_a_file_is_published_when_it_is_big_enough(tmp_path: Path) -> None:
    async def write() -> None:
        spool = Spool(tmp_path, max_seconds=60, max_bytes=100)
        for number in range(25):
            await spool.append(b"%09d\n" % number)
        await spool.close()

    asyncio.run(write())
    assert [len(content) for content in _published(tmp_path)] == [100, 100, 50]
    assert not list(tmp_path.glob(".*"))


def test_a_file_is_published_when_it_is_old_enough_and_nobody_writes(tmp_path: Path) -> None:
    async def write() -> list[bytes]:
        spool = Spool(tmp_path, max_seconds=0.1)
        await spool.append(b"one\n")
        assert _published(tmp_path) == []
        await asyncio.sleep(0.5)
        published = _published(tmp_path)
        await spool.append(b"two\n")
        await spool.close()
        return published

    assert asyncio.run(write()) == [b"one\n"]
    assert _published(tmp_path) == [b"one\n", b"two\n"]


def test_callers_that_come_together_share_a_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    syncs = 0
    real = spool._sync_data

    def counting(handle: int) -> None:
        nonlocal syncs
        syncs += 1
        real(handle)

    monkeypatch.setattr(spool, "_sync_data", counting)

    async def write() -> None:
        lines = Spool(tmp_path)
        await asyncio.gather(*(lines.append(b"%d\n" % number) for number in range(500)))
        await lines.close()

    asyncio.run(write())
    assert sorted(int(line) for line in _published(tmp_path)[0].split()) == list(range(500))
    assert syncs <= 3


def test_a_caller_that_goes_away_stops_nobody_else(tmp_path: Path) -> None:
    async def write() -> None:
        spool = Spool(tmp_path)
        impatient = asyncio.create_task(spool.append(b"impatient\n"))
        patient = asyncio.create_task(spool.append(b"patient\n"))
        await asyncio.sleep(0)
        impatient.cancel()
        await patient
        await spool.close()

    asyncio.run(write())
    assert b"patient\n" in _published(tmp_path)[0]


def test_a_full_disk_is_said_and_what_was_acknowledged_stays_whole(tmp_path: Path) -> None:
    """A limit on file size refuses a write half-way, as a full disk does."""

    async def write() -> None:
        spool = Spool(tmp_path)
        await spool.append(b"acknowledged\n")
        with pytest.raises(SpoolError, match="cannot write to"):
            await spool.append(b"x" * 200_000 + b"\n")
        await spool.append(b"after\n")
        await spool.close()

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        asyncio.run(write())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert _published(tmp_path) == [b"acknowledged\n", b"after\n"]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("left", "published"),
    [
        (b"one\ntwo\n", [b"one\ntwo\n"]),
        (b"one\ntwo", [b"one\n"]),
        (b"half", []),
        (b"", []),
    ],
)
def test_what_a_killed_process_left_is_taken_over_up_to_its_last_whole_line(
    tmp_path: Path, left: bytes, published: list[bytes]
) -> None:
    (tmp_path / "segment").mkdir()
    (tmp_path / "segment" / ".http-20260101T000000.000000-abcd.part").write_bytes(left)
    take_over(tmp_path)
    assert _published(tmp_path / "segment") == published
    assert not list(tmp_path.rglob(".*"))


def test_parts_of_a_living_process_and_of_others_are_left_alone(tmp_path: Path) -> None:
    ours, theirs = tmp_path / ".http-1.part", tmp_path / ".loader-1.part"
    ours.write_bytes(b"one\n")
    theirs.write_bytes(b"one\n")
    with ours.open("rb") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        assert take_over(tmp_path) == []
    assert take_over(tmp_path) == [tmp_path / "http-1.jsonl"]
    assert theirs.exists()
