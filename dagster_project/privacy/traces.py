"""What else may repeat an id or an address below DOVECOTE_HOME: logs, drawn previews, Dagster's event log."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

LEAST_LETTERS = 5  # a shorter id is a word like any other
LOGS = ("logs/*.log", "dbt/logs/*", "ticks.jsonl", "dagster/**/*.out", "dagster/**/*.err")
DRAWN = ("previews/*.html",)
EVENT_LOGS = ("dagster/history/runs/*.db",)


def mask(home: Path, words: list[str]) -> dict[str, int]:
    """Put stars where they stand, in place: others go on writing. File below `home` → how often."""
    wanted = [word for word in words if len(word) >= LEAST_LETTERS]
    if not wanted:
        return {}
    pattern = re.compile(
        rb"(?i)(?<![^\W_])(?:" + b"|".join(re.escape(word.encode()) for word in wanted) + rb")(?![^\W_])"
    )
    found: dict[str, int] = {}
    for path in _paths(home, DRAWN):
        if pattern.search(path.read_bytes()):
            path.unlink()
            found[str(path.relative_to(home))] = 1
    for path in _paths(home, LOGS):
        if count := _mask_text(path, pattern):
            found[str(path.relative_to(home))] = count
    for path in _paths(home, EVENT_LOGS):
        if pattern.search(path.read_bytes()):
            found[str(path.relative_to(home))] = _mask_events(path, wanted)
    return found


def _paths(home: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    for pattern in patterns:
        yield from (path for path in sorted(home.glob(pattern)) if path.is_file())


def _mask_text(path: Path, pattern: re.Pattern[bytes]) -> int:
    with path.open("r+b") as stream:
        places = [found.span() for found in pattern.finditer(stream.read())]
        for begin, end in places:
            stream.seek(begin)
            stream.write(b"*" * (end - begin))
    return len(places)


def _mask_events(path: Path, words: list[str]) -> int:
    with closing(sqlite3.connect(path, timeout=15)) as database, database:
        database.execute("pragma secure_delete = on")
        changed = 0
        for word in words:
            query = "update event_logs set event = replace(event, ?, ?) where instr(event, ?) > 0"
            changed += database.execute(query, [word, "*" * len(word), word]).rowcount
    with closing(sqlite3.connect(path, timeout=15)) as database:
        database.execute("pragma wal_checkpoint(truncate)")
    return changed
