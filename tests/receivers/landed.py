"""A home to land files in, and the looks into its warehouse that the tests of ingest share."""

import gzip
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from receivers import landing
from senders import settings

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
EARLIER = "2026-01-15T11:00:00Z"
SHARED = Path(__file__).resolve().parents[3] / "shared"

needs_shared_data = pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not on this machine")


def event(event_id, **changes):
    row = {"event_id": event_id, "event_name": "product_viewed", "user_id": "u1", "occurred_at": EARLIER}
    return {**row, **changes}


def json_lines(*rows):
    return b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows)


def parquet(rows, folder):
    """Parquet as bytes, its columns typed as DuckDB reads them from JSON."""
    source, target = folder / "rows.jsonl", folder / "rows.parquet"
    source.write_bytes(json_lines(*rows))
    duckdb.execute(f"copy (from read_json('{source}')) to '{target}'")
    return target.read_bytes()


class House:
    def __init__(self, home):
        self.settings = settings.load({"DOVECOTE_HOME": str(home)})

    def put(self, path, *rows, old=False):
        """Land a file of JSON lines, or of the very bytes; `old`: its writer is surely done with it."""
        target = self.settings.landing / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if len(rows) == 1 and isinstance(rows[0], bytes):
            target.write_bytes(rows[0])
        else:
            lines = json_lines(*rows)
            target.write_bytes(gzip.compress(lines) if path.endswith(".gz") else lines)
        if old:
            self.age(path)
        return target

    def age(self, path, seconds=120):
        then = time.time() - seconds
        os.utime(self.settings.landing / path, (then, then))

    def ingest(self, now=NOON, **options):
        return landing.ingest(self.settings, now, **options)

    def query(self, sql, *parameters):
        with duckdb.connect(str(self.settings.warehouse), read_only=True) as connection:
            return connection.execute(sql, parameters).fetchall()

    def column(self, sql, *parameters):
        return [row[0] for row in self.query(sql, *parameters)]

    def one(self, sql, *parameters):
        (row,) = self.query(sql, *parameters)
        return row[0] if len(row) == 1 else row

    @property
    def event_ids(self):
        return self.column("select event_id from raw.events order by event_id")

    @property
    def quarantine(self):
        return self.query(
            "select row_number, reason, expectation, column_name, line from raw.quarantine order by all"
        )

    def waiting(self):
        root = self.settings.landing
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    def archived(self):
        root = self.settings.archive
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
