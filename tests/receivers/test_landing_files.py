"""Each file is taken exactly once, whatever its format and whatever it is called."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from landed import NOON, event, json_lines, parquet

from receivers import landing
from receivers.warehouse import WarehouseBusy, open_warehouse

ROWS = [
    event("e1", properties={"price": 12.5, "name": "Café <b>"}, context={"ip": "127.0.0.1"}),
    event("e2", user_id=None, anonymous_id="a1", occurred_at="2026-01-15T12:00:00+02:00"),
]


def as_csv(rows):
    text = io.StringIO()
    writer = csv.DictWriter(
        text, ["event_id", "event_name", "user_id", "anonymous_id", "occurred_at", "properties", "context"]
    )
    writer.writeheader()
    for row in rows:
        writer.writerow(
            {key: json.dumps(value) if isinstance(value, dict) else value for key, value in row.items()}
        )
    return text.getvalue().encode()


FORMATS = {
    "jsonl": lambda rows, folder: json_lines(*rows),
    "ndjson": lambda rows, folder: b"\xef\xbb\xbf" + json_lines(*rows).replace(b"\n", b"\r\n"),
    "jsonl.gz": lambda rows, folder: gzip.compress(json_lines(*rows)),
    "json": lambda rows, folder: json.dumps(rows, indent=2).encode(),
    "csv": lambda rows, folder: as_csv(rows),
    "csv.gz": lambda rows, folder: gzip.compress(b"\xef\xbb\xbf" + as_csv(rows)),
    "parquet": parquet,
}


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_same_events_come_out_of_every_format(house, tmp_path, suffix):
    house.put(f"events/rows.{suffix}", FORMATS[suffix](ROWS, tmp_path))
    house.ingest()
    rows = house.query(
        "select event_id, event_name, user_id, anonymous_id, occurred_at, landed_at, source, source_file"
        " from raw.events order by event_id"
    )
    eleven, ten, noon = (datetime(2026, 1, 15, hour) for hour in (11, 10, 12))
    file = f"events/rows.{suffix}"
    assert rows == [
        ("e1", "product_viewed", "u1", None, eleven, noon, "events", file),
        ("e2", "product_viewed", None, "a1", ten, noon, "events", file),
    ]
    properties, context = map(
        json.loads, house.one("select properties, context from raw.events where event_id = 'e1'")
    )
    assert (properties, context) == (ROWS[0]["properties"], ROWS[0]["context"])


def test_a_file_is_taken_once_and_moves_to_the_archive(house):
    house.put("events/shop/monday.jsonl", *ROWS)
    first = house.ingest().total
    again = house.ingest().total
    assert (first.files_taken, first.rows_taken, again.files_taken, again.rows_taken) == (1, 2, 0, 0)
    assert house.waiting() == []
    assert house.archived() == ["events/shop/monday.jsonl"]
    columns = "path, feed, status, rows_read, rows_taken, oldest_occurred_at"
    assert house.one(f"select {columns} from raw.manifest") == (
        "events/shop/monday.jsonl",
        "events",
        "taken",
        2,
        2,
        datetime(2026, 1, 15, 10),
    )


def test_the_same_event_in_two_files_counts_once(house):
    house.put("events/a.jsonl", event("e1"), event("e1"), event("e2"))
    house.put("events/b.jsonl", event("e2"), event("e3"))
    house.ingest()
    house.put("events/c.jsonl", event("e1"), event("e4"))
    house.ingest()
    assert house.event_ids == ["e1", "e2", "e3", "e4"]
    counts = "select path, rows_read, rows_taken, rows_duplicate from raw.manifest order by path"
    assert house.query(counts) == [
        ("events/a.jsonl", 3, 2, 1),
        ("events/b.jsonl", 2, 1, 1),
        ("events/c.jsonl", 2, 1, 1),
    ]
    assert house.quarantine == []


def test_an_event_that_comes_again_after_years_counts_once(house):
    for year in range(4):
        house.put(f"events/{year}.jsonl", event("e1"), event(f"of year {year}"))
        house.ingest(NOON + timedelta(days=366 * year))
    assert house.event_ids == ["e1", "of year 0", "of year 1", "of year 2", "of year 3"]
    assert house.column("select distinct landed_at from raw.events where event_id = 'e1'") == [
        datetime(2026, 1, 15, 12)
    ]


def test_events_that_came_before_their_keys_were_kept_are_known(house):
    house.put("events/a.jsonl", event("e1"))
    house.ingest()
    with open_warehouse(house.settings) as connection:
        connection.execute("drop table keys.events")
    house.put("events/b.jsonl", event("e1"), event("e2"))
    house.ingest(NOON + timedelta(days=1))
    house.put("events/c.jsonl", event("e1"), event("e2", user_id="somebody else"))
    house.ingest(NOON + timedelta(days=2))
    assert house.event_ids == ["e1", "e2"]
    assert [row for row, *_ in house.quarantine] == [2]


def test_a_change_of_a_product_is_the_same_however_its_price_is_written(house):
    for name, price in (("a.jsonl", "10"), ("b.jsonl", "10.0"), ("c.jsonl", '"10.00"')):
        house.put(
            f"products/{name}",
            f'{{"product_id": "p", "price": {price}, "updated_at": "2026-01-15T11:00:00Z"}}'.encode(),
        )
        house.ingest()
    assert house.column("select price from raw.products") == [10.0]


def test_an_id_that_is_used_for_another_event_is_refused_and_not_dropped(house):
    house.put("events/a.jsonl", event("e1"), event("e1", event_name="order_completed"))
    house.ingest()
    house.put("events/b.jsonl", event("e1", user_id="somebody else"), event("e1"))
    house.ingest()
    assert house.event_ids == ["e1"]
    refused = [(row, expectation, column) for row, _, expectation, column, _ in house.quarantine]
    assert refused == [
        (1, "expect_column_values_to_be_unique", "event_id"),
        (2, "expect_column_values_to_be_unique", "event_id"),
    ]
    assert {reason for _, reason, *_ in house.quarantine} == {
        "its event_id was used before with another event_name or user_id or anonymous_id"
    }


def test_a_file_that_comes_again_unchanged_is_only_moved(house):
    for _ in range(2):
        house.put("events/a.jsonl", event("e1"))
        house.ingest()
    assert house.one("select count(*) from raw.manifest") == 1
    assert house.waiting() == []


def test_two_files_of_one_name_are_both_kept(house):
    house.put("events/a.jsonl.gz", event("e1"))
    house.ingest()
    house.put("events/a.jsonl.gz", event("e2"))
    house.ingest()
    assert house.event_ids == ["e1", "e2"]
    first, second = house.archived()
    assert (first[:9], first[-9:], second) == ("events/a.", ".jsonl.gz", "events/a.jsonl.gz")


def test_a_thousand_files_of_one_row_are_one_batch_and_a_bad_one_spoils_nothing(house):
    for number in range(1000):
        house.put(f"events/{number:04}.jsonl", b"{nonsense\n" if number == 500 else event(f"e{number:04}"))
    progress = []
    total = house.ingest(on_progress=progress.append).total
    assert (total.files_taken, total.files_quarantined, total.rows_taken) == (999, 1, 999)
    assert len(progress) == 1
    assert house.one("select count(*), count(distinct file_id) from raw.manifest") == (1000, 1000)
    assert len(house.archived()) == 1000


def test_landed_at_never_goes_backwards(house):
    house.put("events/a.jsonl", event("e1"))
    house.ingest(NOON)
    house.put("events/b.jsonl", event("e2"))
    summary = house.ingest(NOON - timedelta(days=1))
    assert summary.landed_at == NOON
    assert house.column("select distinct landed_at from raw.events") == [NOON.replace(tzinfo=None)]


def test_a_time_without_a_zone_is_refused(house):
    with pytest.raises(ValueError, match="no time zone"):
        house.ingest(datetime(2026, 1, 15, 12))


def test_the_sensor_is_told_when_there_is_work(house):
    assert not landing.has_landed(house.settings)
    house.put("events/a.jsonl", event("e1"))
    assert landing.has_landed(house.settings)
    house.ingest()
    assert not landing.has_landed(house.settings)


def test_every_feed_that_landed_is_counted(house):
    house.put("events/a.jsonl", event("e1"), event(None))
    house.put("products/b.jsonl", {"product_id": "p1", "price": 3})
    summary = house.ingest()
    assert {name: (count.rows_taken, count.rows_quarantined) for name, count in summary.feeds.items()} == {
        "events": (1, 1),
        "products": (1, 0),
    }
    assert json.loads(json.dumps(summary.as_json()))["total"]["rows_read"] == 3


def test_a_warehouse_that_another_process_holds_is_waited_for_and_then_named(house):
    house.ingest()
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); sys.stdin.read()"
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(house.settings.warehouse)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(WarehouseBusy, match="held by another process"):
            open_warehouse(house.settings, patience=0.3)
    finally:
        holder.communicate()
    open_warehouse(house.settings).close()


def test_a_tick_imports_nothing_that_is_slow_to_import(house):
    house.put("events/a.jsonl", event("e1"))
    house.put(
        "segment/b.jsonl",
        {
            "type": "identify",
            "messageId": "m",
            "userId": "u",
            "timestamp": "2026-01-01",
            "traits": {"email": "a@b.io"},
        },
    )
    code = (
        "import sys; sys.path.insert(0, sys.argv[2]); from landed import House, NOON;"
        "from pathlib import Path; House(Path(sys.argv[1])).ingest();"
        "print([name for name in ('great_expectations', 'pandas', 'numpy', 'polars', 'dagster', 'dbt',"
        " 'phonenumbers') if name in sys.modules])"
    )
    here = os.path.dirname(__file__)  # noqa: PTH120
    result = subprocess.run(
        [sys.executable, "-c", code, str(house.settings.home), here],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.strip() == "[]"
    assert house.event_ids == ["e1", "m"]


def test_an_as_of_in_the_past_dates_the_landing_and_not_the_judgement(house):
    then = datetime(2022, 11, 1, tzinfo=UTC)
    house.put("events/a.jsonl", event("e1", occurred_at="2022-12-22T00:00:00Z"))
    house.ingest(then)
    landed_at, judged_at = house.one("select landed_at, judged_at from raw.manifest")
    assert landed_at == then.replace(tzinfo=None)
    assert judged_at > datetime(2025, 1, 1)
    assert house.event_ids == ["e1"]
