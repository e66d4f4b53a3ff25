"""The folder where files land, and the archive that they move to."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from receivers.reading import Unreadable

IGNORED_ENDINGS = (".part", ".tmp")  # as are names with a dot in front: their writers are not done
YOUNG_SECONDS = 60  # a file written to so lately may not be finished


@dataclass(frozen=True)
class Found:
    """A file in the landing zone as it was when it was found."""

    path: Path
    below: PurePosixPath  # below landing/
    status: os.stat_result

    @property
    def name(self) -> str:
        """The path below landing/ as text that any database holds."""
        return os.fsencode(self.below).decode("utf-8", "backslashreplace")

    @property
    def bytes(self) -> int:
        return self.status.st_size

    @property
    def is_young(self) -> bool:
        return abs(time.time() - self.status.st_mtime) < YOUNG_SECONDS

    def has_changed(self) -> bool:
        """Whether another file has this name by now, or somebody wrote to it."""
        try:
            now = self.path.stat()
        except FileNotFoundError:
            return True
        return _identity(now) != _identity(self.status)

    def file_id(self) -> str:
        """SHA-256 of path and content. Unreadable when the content cannot be read."""
        digest = hashlib.sha256(os.fsencode(self.below) + b"\0")
        try:
            with self.path.open("rb") as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        except OSError as error:
            raise Unreadable(f"the file cannot be read: {error.strerror or error}") from error
        return digest.hexdigest()

    def id_without_content(self) -> str:
        """For a file that cannot be read: SHA-256 of path, size and time of change."""
        return hashlib.sha256(os.fsencode(self.below) + repr(_identity(self.status)).encode()).hexdigest()


def _identity(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns


def waiting(landing: Path) -> Iterator[Found]:
    """The files that are ready to be looked at, in the order of their paths."""
    yield from _below(landing, PurePosixPath())


def _below(folder: Path, below: PurePosixPath) -> Iterator[Found]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except FileNotFoundError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name.endswith(IGNORED_ENDINGS):
            continue
        if entry.is_dir():
            yield from _below(Path(entry.path), below / entry.name)
            continue
        try:
            status = entry.stat()
        except FileNotFoundError:  # gone since we looked, or a link to nothing
            continue
        if stat.S_ISREG(status.st_mode):  # reading a pipe would wait for ever
            yield Found(Path(entry.path), below / entry.name, status)


def archive_path(archive: Path, below: PurePosixPath, file_id: str) -> Path:
    """Where a file goes when its name is already taken by another one of the same name."""
    stem, dot, endings = below.name.partition(".")
    return archive / below.parent / f"{stem}.{file_id[:16]}{dot}{endings}"


def move_to_archive(file: Found, file_id: str, archive: Path) -> None:
    """Move a file that was committed; its name gets the file id where the archive has that name already."""
    target = archive / file.below
    if target.exists():
        target = archive_path(archive, file.below, file_id)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(file.path, target)
