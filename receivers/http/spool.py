"""Lines that arrive one by one become files that the sensor picks up, and none is lost.

A line goes into a hidden `.http-….part` file and is acknowledged only after `fdatasync`. While
one sync runs, the lines that arrive wait for the next, so any number of callers share one. A part
that is old or big enough loses its dot and becomes `http-….jsonl`. The process that writes a part
holds a lock on it; what a killed process left behind is free, and is taken over at the next start.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import logging
import os
import secrets
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)

MAX_SECONDS = 2.0
MAX_BYTES = 16 * 1024 * 1024
_PREFIX = ".http-"
_SUFFIX = ".part"
_sync_data = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class SpoolError(OSError):
    """The landing zone cannot be written; what was being landed is not acknowledged."""


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _publish(part: Path) -> Path:
    """Give a finished part its final name: no dot, `.jsonl`."""
    final = part.with_name(part.name.removeprefix(".").removesuffix(_SUFFIX) + ".jsonl")
    part.rename(final)
    _sync_folder(part.parent)
    return final


class _Part:
    """One hidden file that grows; everything below `durable` bytes is on disk."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")
        self.path = folder / f"{_PREFIX}{stamp}-{secrets.token_hex(4)}{_SUFFIX}"
        self.durable = 0
        self._handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not self.path.exists():  # a process that started just now found it before we locked it
            os.close(self._handle)
            raise OSError(errno.ESTALE, "the new file was taken over by another process")
        _sync_folder(folder)

    def append(self, lines: bytes) -> None:
        """Write and sync; OSError leaves `durable` where it was."""
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._handle, rest) :]
        _sync_data(self._handle)
        self.durable += len(lines)

    def finish(self) -> None:
        """Publish what is durable; what was half written and never acknowledged is cut off."""
        try:
            os.ftruncate(self._handle, self.durable)
            if self.durable:
                _publish(self.path)
            else:
                self.path.unlink()
        finally:
            os.close(self._handle)


class Spool:
    """The lines of one feed. `append` returns when they are on disk."""

    def __init__(self, folder: Path, *, max_seconds: float = MAX_SECONDS, max_bytes: int = MAX_BYTES) -> None:
        self._folder = folder
        self._max_seconds = max_seconds
        self._max_bytes = max_bytes
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._part: _Part | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._roll_due = False

    async def append(self, lines: bytes) -> None:
        """Raises SpoolError when the disk refuses; nothing of `lines` counts as landed then."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((lines, done))
        self._wake()
        await done

    async def close(self) -> None:
        """Publish what is there; call it after the last `append` has returned."""
        self._age()
        while self._writer is not None:
            await asyncio.shield(self._writer)

    def _wake(self) -> None:
        if self._writer is None:
            self._writer = asyncio.get_running_loop().create_task(self._work())

    def _age(self) -> None:
        self._roll_due = True
        self._wake()

    async def _work(self) -> None:
        """The only code that touches the file: writes what waits, rolls when it is time, ends."""
        try:
            while self._waiting or self._roll_due:
                batch, self._waiting = self._waiting, []
                if batch:
                    await self._write(batch)
                if self._roll_due or (self._part and self._part.durable >= self._max_bytes):
                    await self._roll()
        finally:
            self._writer = None

    async def _write(self, batch: list[tuple[bytes, asyncio.Future[None]]]) -> None:
        problem: SpoolError | None = None
        try:
            await asyncio.to_thread(self._write_now, b"".join(lines for lines, _ in batch))
        except (OSError, RuntimeError) as error:  # RuntimeError: no thread to be had
            log.error("cannot write to %s: %s", self._folder, error)
            problem = SpoolError(f"cannot write to {self._folder}: {error}")
            self._roll_due = True  # after a failed sync the file is not written to again
        for _, done in batch:
            if done.done():  # the caller went away
                continue
            if problem is None:
                done.set_result(None)
            else:
                done.set_exception(problem)
        if self._part and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._max_seconds, self._age)

    def _write_now(self, lines: bytes) -> None:
        if self._part is None:
            self._part = _Part(self._folder)
        self._part.append(lines)

    async def _roll(self) -> None:
        self._roll_due = False
        part, self._part = self._part, None
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        if part is None:
            return
        try:
            await asyncio.to_thread(part.finish)
        except OSError as error:  # its lines are on disk under the hidden name: the next start publishes it
            log.error("cannot publish %s: %s", part.path, error.strerror or error)


def take_over(landing: Path) -> list[Path]:
    """Publish the parts that a killed process left anywhere below `landing`; returns the new files.

    A torn last line was never acknowledged and is cut off. Parts of a living process are locked
    and stay.
    """
    published = [_take_over(part) for part in sorted(landing.rglob(f"{_PREFIX}*{_SUFFIX}"))]
    return [path for path in published if path is not None]


def _take_over(part: Path) -> Path | None:
    try:
        handle = part.open("r+b")
    except FileNotFoundError:  # published by its writer a moment ago
        return None
    with handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # its writer lives
            return None
        if not part.exists():  # published between our opening it and our lock
            return None
        content = handle.read()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):
            log.warning("%s ends in the middle of a line: %d bytes cut off", part, len(content) - whole)
            handle.truncate(whole)
        os.fsync(handle)
        if whole:
            return _publish(part)
        part.unlink()
        return None
