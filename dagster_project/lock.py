"""One tick at a time: an advisory lock on DOVECOTE_HOME/tick.lock.

The kernel drops it with the process that holds it, so a `kill -9` never blocks the next tick.
The file says who holds it, for the one who waits.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

POLL_SECONDS = 0.2


class LockedError(RuntimeError):
    """Another process holds the lock; the text says which, and what to do."""


def path_of(home: Path) -> Path:
    return home / "tick.lock"


@contextmanager
def held(home: Path, who: str, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the lock for the length of the block; raise LockedError after `wait_seconds`."""
    home.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_seconds
    descriptor = os.open(path_of(home), os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while not _taken(descriptor):
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another process"
                raise LockedError(f"{path_of(home)} is held by {holder}; wait for it to finish, or stop it.")
            time.sleep(POLL_SECONDS)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{who}, process {os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_held(home: Path) -> bool:
    """True while some process is in the block of `held`."""
    try:
        descriptor = os.open(path_of(home), os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _taken(descriptor)
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
