"""When to look again although nothing lands."""

from datetime import UTC, datetime, timedelta

import pytest

from dagster_project import warehouse
from senders.settings import load

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def connection(tmp_path):
    with warehouse.opened(load({"DOVECOTE_HOME": str(tmp_path)})) as connection:
        connection.execute("create schema decisions")
        connection.execute("create schema policy")
        connection.execute("create table policy.journeys (next_run_at timestamp)")
        connection.execute("create table decisions.fct_entry_steps (due_at timestamp)")
        connection.execute("create table decisions.int_decisions_this_run (outcome text)")
        connection.execute("create schema triggers")
        connection.execute("create table triggers.int_dated_events (dated_at timestamp)")
        yield connection


def step(connection, due_at):
    connection.execute("insert into decisions.fct_entry_steps values (?)", [due_at.replace(tzinfo=None)])


def decision(connection, outcome):
    connection.execute("insert into decisions.int_decisions_this_run values (?)", [outcome])


def file(connection, landed_at, newest_occurred_at):
    landed, newest = landed_at.replace(tzinfo=None), newest_occurred_at.replace(tzinfo=None)
    connection.execute(
        "insert into raw.manifest by name select 'f' as file_id, 'events/a.jsonl' as path, 'events' as feed, "
        "1 as bytes, 'taken' as status, 1 as rows_read, 1 as rows_taken, 0 as rows_duplicate, "
        "0 as rows_quarantined, ? as landed_at, ? as judged_at, ? as newest_occurred_at",
        [landed, landed, newest],
    )


def next_due_at(connection):
    return warehouse.next_due_at(connection, NOON, tick_seconds=60)


def test_a_silent_warehouse_is_not_looked_at_again(connection):
    assert next_due_at(connection) is None


def test_the_next_step_that_falls_due_is_the_next_look(connection):
    for due_at in (NOON - MINUTE, NOON, NOON + 90 * MINUTE, NOON + DAY):
        step(connection, due_at)
    assert next_due_at(connection) == NOON + 90 * MINUTE


def test_the_next_run_of_a_campaign_is_a_look_of_its_own(connection):
    step(connection, NOON + DAY)
    connection.execute(
        "insert into policy.journeys values (null), ('2026-01-15 12:00:00'), ('2026-01-15 13:30:00')"
    )
    assert next_due_at(connection) == NOON + 90 * MINUTE


@pytest.mark.parametrize(
    ("outcome", "expected"), [("hold", NOON + MINUTE), ("suppress", None), ("send", None)]
)
def test_only_a_step_that_waits_is_judged_again_at_the_next_look(connection, outcome, expected):
    decision(connection, outcome)
    assert next_due_at(connection) == expected


@pytest.mark.parametrize(
    ("landed_at", "newest_occurred_at", "expected"),
    [
        (NOON - DAY, NOON - DAY, NOON + 5 * MINUTE),  # life lately: a trigger may fire by itself
        (NOON - 4 * DAY, NOON - 4 * DAY, None),
        (NOON - 4 * DAY, NOON + DAY, NOON + 5 * MINUTE),  # a file that holds tomorrow
    ],
)
def test_what_no_table_shows_is_looked_for_now_and_then(connection, landed_at, newest_occurred_at, expected):
    file(connection, landed_at, newest_occurred_at)
    assert next_due_at(connection) == expected


@pytest.mark.parametrize(
    ("dated_at", "expected"),
    [(NOON, None), (NOON + MINUTE, NOON + HOUR), (NOON + 32 * DAY, NOON + HOUR), (NOON + 33 * DAY, None)],
)
def test_a_booking_is_not_forgotten_in_a_silent_week(connection, dated_at, expected):
    connection.execute("insert into triggers.int_dated_events values (?)", [dated_at.replace(tzinfo=None)])
    assert next_due_at(connection) == expected


def test_the_clock_never_goes_back_but_may_stand(connection):
    first = warehouse.begin_tick(connection, NOON, "run-1")
    assert first == warehouse.begin_tick(connection, NOON, "run-2") == NOON  # a failed tick, repeated
    with pytest.raises(warehouse.ClockError, match="time only moves forward"):
        warehouse.begin_tick(connection, NOON - MINUTE, "run-3")


def test_by_default_the_clock_is_the_walls_unless_the_warehouse_is_ahead(connection):
    before = datetime.now(UTC)
    assert before <= warehouse.begin_tick(connection, None, "run-1") <= datetime.now(UTC)
    ahead = datetime.now(UTC) + 30 * MINUTE
    warehouse.begin_tick(connection, ahead, "run-2")
    assert warehouse.begin_tick(connection, None, "run-3") == ahead


def test_a_time_that_has_not_come_is_refused_and_leaves_the_clock_as_it_was(connection):
    with pytest.raises(warehouse.ClockError, match="lies in the future"):
        warehouse.begin_tick(connection, datetime.now(UTC) + 61 * MINUTE, "run-1")
    assert warehouse.begin_tick(connection, NOON, "run-2") == NOON


@pytest.mark.parametrize("asked", [None, datetime.now(UTC) + 9 * DAY])
def test_a_warehouse_that_saw_the_future_says_what_to_do(connection, asked):
    ahead = (datetime.now(UTC) + 8 * DAY).replace(tzinfo=None)
    connection.execute("insert into raw.ticks values (?, ?, 'run-0')", [ahead, ahead])
    with pytest.raises(warehouse.ClockError, match="Set the machine's clock"):
        warehouse.begin_tick(connection, asked, "run-1")
