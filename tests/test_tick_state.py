"""What a tick leaves behind."""

from datetime import UTC, datetime, timedelta

import pytest

from dagster_project import state
from dagster_project.tick import Tick
from senders.settings import load

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def test_a_state_reads_as_it_was_written(tmp_path):
    written = state.State(NOON, 7, NOON, NOON, True, NOON)
    state.write(tmp_path, written)
    assert state.read(tmp_path) == written


def test_no_due_time_is_kept_as_none(tmp_path):
    state.write(tmp_path, state.State(None, 7, NOON))
    assert state.read(tmp_path).next_due_at is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"next_due_at": 5, "last_journal_seq": "x"}', "null"])
def test_a_state_that_cannot_be_read_is_no_state(tmp_path, text):
    (tmp_path / "state.json").write_text(text)
    assert state.read(tmp_path) is None


def test_summaries_are_kept_in_order_and_found_by_run(tmp_path):
    for number in range(3):
        state.record_tick(tmp_path, {"run_id": f"run-{number}", "as_of": NOON})
    assert [tick["run_id"] for tick in state.ticks(tmp_path)] == ["run-0", "run-1", "run-2"]
    assert state.tick_of_run(tmp_path, "run-1")["as_of"] == str(NOON)
    assert state.tick_of_run(tmp_path, "run-9") is None


@pytest.mark.parametrize(
    ("seconds", "again_at"), [(0.0, None), (6.0, None), (7.0, NOON + timedelta(seconds=70))]
)
def test_key_figures_may_take_a_tenth_of_the_time(tmp_path, seconds, again_at):
    tick = Tick(load({"DOVECOTE_HOME": str(tmp_path)}), "run-1", NOON, state.State())
    assert tick.settings.tick_seconds == 60
    assert tick.kpis_due_at(seconds) == again_at


def test_a_tick_that_begins_keeps_when_the_key_figures_are_told_again():
    assert state.State(kpis_due_at=NOON).begun(NOON, NOON, 60).kpis_due_at == NOON
