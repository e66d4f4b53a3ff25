"""The ledger copied while it is in use, and put back: `dovecote backup` and `dovecote restore`."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from dagster_project import lock
from senders import restored
from senders.ledger import Ledger, LedgerError
from senders.settings import Settings
from senders.store import SCHEMA_VERSION

LOCK_WAIT_SECONDS = 600
BESIDE = ("", "-wal", "-shm")  # a file of SQLite's, with what is not yet in it
ON_A_SERVER = "the ledger is on a server: {} it there (docs/operating.md), then say `dovecote restore`"


def backup(settings: Settings, target: Path) -> Path:
    """A copy as of one moment, while others send; on the disk when it returns. LedgerError, OSError."""
    place = settings.ledger
    if not isinstance(place, Path):
        raise LedgerError(ON_A_SERVER.format("dump"))
    if not place.exists():
        raise LedgerError(f"there is no ledger {place}")
    if target.exists():
        raise FileExistsError(f"{target} is there already")
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=0o600)
    with closing(sqlite3.connect(place)) as source, closing(sqlite3.connect(part)) as copy:
        source.backup(copy)
        copy.execute("pragma journal_mode = delete")  # one file, that anybody may copy
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    part.replace(target)
    return target


def restore(settings: Settings, source: Path | None, now: datetime) -> str:
    """Put `source` in the ledger's place (None: it is there already) and hold what may have been sent since
    it was copied; in words. Waits for a tick to end. Raises LedgerError, lock.LockedError."""
    with lock.held(settings.home, "dovecote restore", LOCK_WAIT_SECONDS):
        kept = None if source is None else _put_in_place(settings, source)
        with Ledger(settings.ledger) as ledger:
            held = restored.begin(ledger, now)
    said = f"{held} message(s) are held: what became of them since the backup, this ledger does not know. "
    said += "The next tick takes back what the warehouse knows of the time between; see `dovecote held`."
    return said + (f" The ledger that was there is {kept}." if kept else "")


def _put_in_place(settings: Settings, source: Path) -> Path | None:
    """Where the ledger that was there is kept. It is moved away as a whole before the other takes its place:
    killed in between there is none, which stops everything and loses nothing."""
    place = settings.ledger
    if not isinstance(place, Path):
        raise LedgerError(ON_A_SERVER.format("restore"))
    _check(source)
    part = place.with_name(f".{place.name}.part")
    shutil.copyfile(source, part)
    with part.open("rb") as stream:
        os.fsync(stream.fileno())
    kept = place.with_name(f"{place.name}.before-{datetime.now(UTC):%Y%m%dT%H%M%S}")
    was_there = place.exists()
    _let_go(place)
    for ending in BESIDE:
        old = place.with_name(place.name + ending)
        if old.exists():
            old.replace(kept.with_name(kept.name + ending))
    part.replace(place)
    return kept if was_there else None


def _let_go(place: Path) -> None:
    """Whoever has the file open would go on writing into it wherever it is moved; LedgerError."""
    if not place.exists():
        return
    try:
        with closing(sqlite3.connect(place, timeout=1)) as file:
            file.execute("pragma journal_mode = delete")  # which nobody may do beside another
    except sqlite3.OperationalError as error:
        raise LedgerError(
            f"{place} is open elsewhere ({error}): stop the daemon, the receivers and whatever else has it"
        ) from error
    except sqlite3.DatabaseError:
        return  # it is damaged: that is why it is replaced


def _check(source: Path) -> None:
    """That it is a whole ledger that this program can read."""
    if not source.is_file():
        raise LedgerError(f"there is no file {source}")
    try:
        with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as file:
            (version,) = file.execute("pragma user_version").fetchone()
            file.execute("select count(*) from journal").fetchone()
            (says,) = file.execute("pragma quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise LedgerError(f"{source} is no ledger: {error}") from error
    if says != "ok":
        raise LedgerError(f"{source} is damaged: {says}")
    if version > SCHEMA_VERSION:
        raise LedgerError(f"{source} was made by a newer program (schema version {version})")
