"""What is known of a person's choices, without ever getting in a tick's way.

The warehouse belongs to the tick while it runs; then only the ledger and what has just been
chosen here can be asked, and the rest is unknown, which a page must say rather than guess.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from receivers.http import consents
from senders.ledger import Ledger
from senders.settings import REPOSITORY, Settings

log = logging.getLogger(__name__)

Choices = Mapping[tuple[str, str], str]  # (channel, purpose) → given | withdrawn; missing: unknown

_SQL = REPOSITORY / "sql" / "warehouse" / "consents_of_person.sql"


@dataclass(frozen=True)
class Address:
    """Where a person was last written to on a channel."""

    address: str
    key: str
    is_suppressed_for_marketing: bool
    is_suppressed_for_all: bool


def addresses(ledger: Ledger, user_id: str) -> dict[str, Address]:
    """By channel; only the channels on which the ledger has a message to this person."""
    return {
        row["channel"]: Address(
            row["address"],
            row["address_key"],
            bool(row["is_suppressed_for_marketing"]),
            bool(row["is_suppressed_for_all"]),
        )
        for row in ledger.run("addresses_of_person", {"user_id": user_id})
    }


def stated(settings: Settings, user_id: str) -> Choices:
    """The newest consent of each channel and purpose that can be read now."""
    return {**_in_warehouse(settings, user_id), **_just_landed(settings.landing, user_id)}


@contextlib.contextmanager
def _between_ticks(home: Path) -> Iterator[bool]:
    """Whether no tick runs; it waits for the end of the block. The file is the tick's own lock."""
    handle = os.open(home / "tick.lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield True
    except BlockingIOError:
        yield False
    finally:
        os.close(handle)


def _in_warehouse(settings: Settings, user_id: str) -> Choices:
    with _between_ticks(settings.home) as is_free:
        if not is_free or not settings.warehouse.exists():
            return {}
        import duckdb

        try:
            with duckdb.connect(str(settings.warehouse), read_only=True, config={"threads": 1}) as warehouse:
                rows = warehouse.execute(_SQL.read_text(), {"user_id": user_id}).fetchall()
        except duckdb.Error as error:  # somebody else has it open, or there was no tick yet
            log.info("consents cannot be read from the warehouse now: %s", type(error).__name__)
            return {}
    return {(channel, purpose): status for channel, purpose, status, _ in rows}


def _just_landed(landing: Path, user_id: str) -> Choices:
    """What was chosen here and is not ingested yet, newest last; published files come before the open one."""
    folder = landing / consents.FEED
    newest: dict[tuple[str, str], str] = {}
    for path in [*sorted(folder.glob("http-*.jsonl")), *sorted(folder.glob(".http-*.part"))]:
        with contextlib.suppress(FileNotFoundError):  # ingested between the listing and now
            for line in path.read_bytes().split(b"\n")[:-1]:
                row = json.loads(line)
                if row["user_id"] == user_id:
                    newest[row["channel"], row["purpose"]] = row["status"]
    return newest
