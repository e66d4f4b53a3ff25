"""A tick that fails or dies sends nothing it should not, forgets nothing it should send, and says so."""

import json
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

import duckdb
import pytest
import warm
from small_town import event, fresh, profile, town

from dagster_project import home, state
from senders.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

# `dovecote tick` with something in the way.
SABOTAGED = """
import os, signal, sys
from pathlib import Path
from dagster_project import home, phases
{sabotage}
from dagster_project.cli import app
app(["tick", "--json", "--as-of", sys.argv[1]])
"""
DIE_BEFORE_PLANNING = "phases.plan = lambda tick: os.kill(os.getpid(), signal.SIGKILL)"
BREAK_DBT = "home.DBT_PROJECT = Path({project!r})"

minutes = (f"2026-01-15T{12 + number // 60:02}:{number % 60:02}:00Z" for number in count())


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with town(tmp_path_factory.mktemp("tick"), 8440, **{"unreachable-share": 0}) as place:
        place.land("profiles", "people", [profile(name) for name in ("ann", "ben", "cat", "dot", "eve")])
        yield place


def order(name):
    """Transactional: its confirmation is due at once, whatever the hour."""
    return event(name, "order_completed", "2026-01-15T11:59:00Z", order_id=f"order-{name}", total=49.0)


def sabotaged(as_of, sabotage):
    return warm.python(SABOTAGED.format(sabotage=sabotage), as_of)


def got(place, name):
    """How many messages the provider took for a person."""
    with duckdb.connect(str(place.settings.warehouse), read_only=True) as warehouse:
        rows = warehouse.execute(
            "select message_id from decisions.fct_outbox where user_id = ?", [name]
        ).fetchall()
    ours = {message_id for (message_id,) in rows}
    return sum(row["message_id"] in ours for row in place.accepted())


def told(place):
    """Of how many decisions the KPIs tell."""
    with duckdb.connect(str(place.settings.warehouse), read_only=True) as warehouse:
        counted = "select sum(denominator) from kpis.kpi_suppression_rate where reason is null"
        return warehouse.execute(counted).fetchone()[0]


def test_a_tick_brings_what_landed_to_the_person_and_tells_of_it(place):
    place.land("events", "ann", [order("ann")])
    summary = place.tick(next(minutes), run=fresh)
    assert got(place, "ann") == 1
    assert summary["failure"] is None
    assert summary["events"] == 1
    assert summary["landed"]["files"] == 2
    assert summary["decisions"] == {"due": 1}
    assert summary["outcomes"] == {"send": 1}
    assert sum(summary["sent"].values()) == summary["planned"]["planned"] == 1
    assert set(summary["seconds"]) == {"launch", "ingest", "dbt", "plan", "send", "kpis", "total"}
    assert summary["peak_memory_mb"] > 50
    assert state.ticks(place.settings.home)[-1]["run_id"] == summary["run_id"]


def test_a_second_tick_sends_nothing_again_and_sees_the_receipts_of_the_first(place):
    before = len(place.accepted())
    summary = place.tick(next(minutes))
    assert (summary["events"], summary["planned"]["planned"], summary["sent"]) == (0, 0, {})
    assert len(place.accepted()) == before
    assert state.read(place.settings.home).last_journal_seq > 0


def test_key_figures_that_take_long_are_left_as_they_are_for_a_while(place):
    """And told again at their time, though nothing else may happen then."""
    as_of = datetime.fromisoformat(next(minutes))
    due_at = as_of + timedelta(minutes=1)
    state.write(place.settings.home, replace(state.read(place.settings.home), kpis_due_at=due_at))
    place.land("events", "eve", [order("eve")])
    left = place.tick(as_of.isoformat())
    assert left["sent"]
    assert told(place) == 1
    assert state.read(place.settings.home).next_due_at <= due_at
    again = place.tick(next(minutes))
    assert told(place) == 2
    assert again["dbt"]["models"] > left["dbt"]["models"]
    assert state.read(place.settings.home).kpis_due_at is None


def test_a_tick_killed_between_deciding_and_planning_loses_and_doubles_nothing(place):
    place.land("events", "ben", [order("ben")])
    killed_at = next(minutes)
    assert sabotaged(killed_at, DIE_BEFORE_PLANNING).returncode == -9
    assert got(place, "ben") == 0
    # The tick left word that it did not end, so the next look begins another.
    assert state.read(place.settings.home).next_due_at.isoformat() == killed_at.replace("Z", "+00:00")
    place.tick(next(minutes))
    place.tick(next(minutes))
    assert got(place, "ben") == 1


def test_a_failing_model_ends_the_run_before_anything_is_planned(place, tmp_path):
    project = tmp_path / "dbt"
    shutil.copytree(home.DBT_PROJECT, project)
    # The very last room: all that decides has gone well when this fails.
    broken = project / "models" / "kpis" / "kpi_open_rate.sql"
    broken.write_text(broken.read_text() + "\nwhere no_such_column = 1")
    place.land("events", "cat", [order("cat")])
    done = sabotaged(next(minutes), BREAK_DBT.format(project=str(project)))
    summary = json.loads(done.stdout.splitlines()[-1])
    assert done.returncode == 1
    assert "models/kpis/kpi_open_rate.sql" in summary["failure"]
    assert "no_such_column" in summary["failure"]
    with Ledger(place.settings.ledger) as ledger:
        planned = [row for row in ledger.journal_since(0, 1000) if "cat" in row]
    assert (planned, got(place, "cat")) == ([], 0)
    place.tick(next(minutes))
    assert got(place, "cat") == 1


def test_an_earlier_time_than_the_last_is_refused_with_what_to_do(place):
    before = len(state.ticks(place.settings.home))
    done = warm.dovecote("tick", "--as-of", "2026-01-15T10:00:00Z")
    assert done.returncode == 1
    assert "The tick failed: as_of 2026-01-15 10:00:00 lies before" in done.stderr
    assert "DOVECOTE_HOME=" in done.stderr
    assert len(state.ticks(place.settings.home)) == before


def test_a_time_that_is_none_is_refused_with_an_example(place):
    done = warm.dovecote("tick", "--as-of", "tomorrow")
    assert done.returncode == 1
    assert "'tomorrow' is no time such as 2022-10-14T18:30:00" in done.stderr
