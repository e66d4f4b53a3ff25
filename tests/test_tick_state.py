"""What a tick leaves behind."""

from datetime import UTC, datetime

import pytest

from dagster_project import state

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)


def test_a_state_reads_as_it_was_written(tmp_path):
    written = state.State(NOON, 7, NOON, NOON, True)
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
