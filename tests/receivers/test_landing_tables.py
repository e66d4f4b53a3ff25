"""A table of the warehouse that another tool loads is a source: by load time, with overlap, once."""

import json
import subprocess
import sys
from datetime import datetime, timedelta

import duckdb
import pytest
from landed import event

from receivers import landing
from receivers.feed import FOLDER, FeedError
from receivers.table_source import table_feeds

NINE = datetime(2026, 1, 15, 9)

LOADER = """
import duckdb, json, sys
path, rows = sys.argv[1], json.loads(sys.argv[2])
with duckdb.connect(path) as connection:
    connection.execute("create schema if not exists elt")
    connection.execute(
        "create table if not exists elt.events (event_id text, event_name text, user_id text,"
        " occurred_at timestamp, properties text, colour text, loaded_at timestamp)"
    )
    for row in rows:
        names = ", ".join(row)
        connection.execute(
            f"insert into elt.events ({names}) values ({', '.join('?' * len(row))})", list(row.values())
        )
"""


def load(house, *rows):
    """Another process loads rows: (event id, load time, changes)."""
    content = [
        {
            **event(event_id),
            "loaded_at": str(loaded_at) if loaded_at else None,
            **(changes[0] if changes else {}),
        }
        for event_id, loaded_at, *changes in rows
    ]
    house.settings.home.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        [sys.executable, "-c", LOADER, str(house.settings.warehouse), json.dumps(content)], check=True
    )


def minutes(number):
    return NINE + timedelta(minutes=number)


def test_what_another_tool_loads_is_taken_once(house):
    load(house, ("e1", minutes(0), {"properties": '{"price": 3}', "colour": "red"}), ("e2", minutes(1)))
    house.ingest()
    house.ingest()
    load(house, ("e3", minutes(2)))
    house.ingest()
    assert house.event_ids == ["e1", "e2", "e3"]
    properties, source, file = house.one(
        "select properties, source, source_file from raw.events where event_id = 'e1'"
    )
    assert (json.loads(properties), source, file) == (
        {"price": 3, "colour": "red"},
        "elt_events",
        "table:elt.events",
    )
    assert house.query("select path, rows_read, rows_taken from raw.manifest order by rows_read desc") == [
        ("table:elt.events", 2, 2),
        ("table:elt.events", 1, 1),
    ]


def test_a_row_that_commits_late_is_found_inside_the_overlap(house):
    load(house, ("e1", minutes(0)), ("e2", minutes(30)))
    house.ingest()
    load(house, ("late", minutes(21)), ("too late", minutes(19)))
    house.ingest()
    assert house.event_ids == ["e1", "e2", "late"]


def test_a_row_without_a_load_time_is_taken_too(house):
    load(house, ("e1", minutes(0)))
    house.ingest()
    load(house, ("e2", None))
    house.ingest()
    house.ingest()
    assert house.event_ids == ["e1", "e2"]


def test_a_load_time_in_the_future_hides_nothing(house):
    load(house, ("e1", datetime(2999, 1, 1)))
    house.ingest()
    load(house, ("e2", datetime.now() + timedelta(minutes=1)))
    house.ingest()
    assert house.event_ids == ["e1", "e2"]


def test_bad_rows_of_a_table_are_quarantined_once_and_the_good_ones_go_on(house):
    load(house, ("e1", minutes(0)), (None, minutes(0)), ("e3", minutes(0), {"occurred_at": "2999-01-01"}))
    house.ingest()
    house.ingest()
    load(house, ("e1", minutes(1), {"event_name": "another"}))
    house.ingest()
    house.ingest()
    assert house.event_ids == ["e1"]
    assert sorted(reason for _, reason, *_ in house.quarantine) == [
        "event_id is missing or empty",
        "its event_id was used before with another event_name or user_id or anonymous_id",
        "occurred_at is more than an hour in the future",
    ]
    assert house.column("select sum(rows_read) from raw.manifest") == [4]


def test_an_event_that_came_in_a_file_does_not_come_again_in_the_table(house):
    house.put("events/a.jsonl", event("e1"))
    house.ingest()
    load(house, ("e1", minutes(0)), ("e2", minutes(0)))
    house.ingest()
    assert house.event_ids == ["e1", "e2"]


def test_the_sensor_sees_a_loaded_table_and_does_not_look_twice(house, monkeypatch):
    house.ingest()
    assert not landing.has_landed(house.settings)
    load(house, ("e1", minutes(30)))
    assert landing.has_landed(house.settings)
    house.ingest()
    assert not landing.has_landed(house.settings)
    with monkeypatch.context() as patch:  # the file is as it was: it is not even opened
        patch.setattr(duckdb, "connect", lambda *_, **__: pytest.fail("the warehouse was opened"))
        assert not landing.has_landed(house.settings)
    load(house, ("late", minutes(25)))
    assert landing.has_landed(house.settings)


def test_a_warehouse_that_somebody_holds_says_nothing_to_the_sensor(house):
    house.ingest()
    load(house, ("e1", minutes(0)))
    with duckdb.connect(str(house.settings.warehouse)):
        assert not landing.has_landed(house.settings)
    assert landing.has_landed(house.settings)


def test_any_feed_may_have_a_table(house, tmp_path):
    for name in ("consents", "segment", "profiles"):
        (tmp_path / f"{name}.yml").write_text((FOLDER / f"{name}.yml").read_text())
    (tmp_path / "forms.yml").write_text(
        "like: consents\nsource_table: {table: forms.answers, loaded_at: answered_at, overlap_minutes: 5}\n"
    )
    (tmp_path / "calls.yml").write_text(
        "like: segment\nsource_table: {table: rudder.calls, loaded_at: received_at, overlap_minutes: 5}\n"
    )
    house.ingest()
    with duckdb.connect(str(house.settings.warehouse)) as connection:
        connection.execute("create schema forms; create schema rudder")
        connection.execute("""
            create table forms.answers as
            select 'u1' as user_id, 'email' as channel, 'marketing' as purpose, 'given' as status,
                timestamptz '2026-01-15 12:00+01' as occurred_at, 'form' as consent_source,
                now() as answered_at
        """)
        connection.execute("""
            create table rudder.calls as
            select 'identify' as type, 'm1' as "messageId", 'u1' as "userId", {'email': 'a@b.io'} as traits,
                timestamp '2026-01-15 11:00' as timestamp, now() as received_at
        """)
    house.ingest(feeds=tmp_path)
    assert house.one("select user_id, occurred_at, source from raw.consents") == (
        "u1",
        datetime(2026, 1, 15, 11),
        "forms",
    )
    assert house.one("select user_id, email, source from raw.profiles") == ("u1", "a@b.io", "calls")


def test_a_table_that_is_named_badly_is_refused_by_name(tmp_path):
    (tmp_path / "events.yml").write_text((FOLDER / "events.yml").read_text())
    (tmp_path / "x.yml").write_text(
        "like: events\nsource_table: {table: 'a.b; drop', loaded_at: c, overlap_minutes: 1}\n"
    )
    with pytest.raises(FeedError, match=r"x.yml: source_table: table must be schema.table"):
        table_feeds(tmp_path)
