"""The look every few seconds: when it starts a tick, when it does not, and who it declares dead."""

import json
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from outbox_rows import row

from dagster_project import home, lock, sensor, state
from senders.contract import Outcome, Request, Verdict
from senders.entries import Refusal
from senders.ledger import Ledger
from senders.pace import Pace
from senders.settings import load

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@dg.job(name="tick")
def tick_job():
    pass


@pytest.fixture
def settings(tmp_path, monkeypatch):
    for name in ("DOVECOTE_HOME", "DAGSTER_HOME", "DBT_SEND_ANONYMOUS_USAGE_STATS", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")  # what `prepare` sets is undone after the test
    settings = load({"DOVECOTE_HOME": str(tmp_path)})
    home.prepare(settings)
    return settings


@pytest.fixture
def instance(settings):
    with dg.DagsterInstance.get() as instance:
        yield instance


def why(settings, now):
    return sensor.work(settings, state.read(settings.home) or state.State(), now)


def land(settings, name="events/a.jsonl"):
    path = settings.landing / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"event_id": "e1"}) + "\n")


def plan(settings, now):
    from senders.rendering import Renderer

    renderer = Renderer(load({"DOVECOTE_LINK_SECRET": "only for tests"}))
    message = renderer.render(row("welcome", "email") | {"due_at": now, "expires_at": now + 60 * MINUTE})
    with Ledger(settings.ledger) as ledger:
        ledger.plan([(message, "sendgrid", Request("POST", "/", b"{}"))], now)
        return ledger.last_seq()


def test_with_nothing_to_do_there_is_no_reason_for_a_tick(settings):
    state.write(settings.home, state.State(None, 0, NOON))
    with Ledger(settings.ledger):
        pass
    assert why(settings, NOON) is None


def test_a_fresh_home_has_nothing_to_do(settings):
    assert why(settings, NOON) is None


def test_a_file_that_landed_is_a_reason(settings):
    land(settings)
    assert why(settings, NOON) == "something landed"


def test_a_file_that_is_still_being_written_is_none(settings):
    land(settings, "events/.a.jsonl")
    assert why(settings, NOON) is None


def test_what_waits_for_a_provider_that_is_down_starts_a_tick_when_somebody_may_see_how_it_is(settings):
    state.write(settings.home, state.State(None, plan(settings, NOON), NOON))
    assert why(settings, NOON) == "the ledger has messages to send or to settle"
    failed = [Verdict(Outcome.UNKNOWN, "connection_lost")] * 8
    with Ledger(settings.ledger) as ledger:
        ledger.heed_outcomes(NOON, "sendgrid", failed, 8, Pace(first_break_seconds=120))
    assert why(settings, NOON + MINUTE) is None
    assert why(settings, NOON + 2 * MINUTE) == "the ledger has messages to send or to settle"


@pytest.mark.parametrize(
    ("due_at", "is_reason"), [(NOON - MINUTE, True), (NOON, True), (NOON + MINUTE, False)]
)
def test_a_timer_is_a_reason_once_it_is_due(settings, due_at, is_reason):
    state.write(settings.home, state.State(due_at, 0, NOON - 2 * MINUTE))
    assert (why(settings, NOON) is not None) == is_reason


def test_a_message_that_waits_in_the_ledger_is_a_reason(settings):
    last = plan(settings, NOON)
    state.write(settings.home, state.State(None, last, NOON))
    assert why(settings, NOON) == "the ledger has messages to send or to settle"


def test_news_in_the_ledger_that_no_tick_has_copied_is_a_reason(settings):
    last = plan(settings, NOON + 5 * MINUTE)  # not due yet
    state.write(settings.home, state.State(None, last - 1, NOON))
    assert why(settings, NOON) == "the ledger has news"
    state.write(settings.home, state.State(None, last, NOON))
    assert why(settings, NOON) is None


def started(instance):
    """A run of the job that a worker has begun."""
    run = instance.create_run_for_job(tick_job, status=dg.DagsterRunStatus.STARTING)
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, "tick")
    instance.report_dagster_event(event, run.run_id)
    assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.STARTED
    return run.run_id


def status_of(instance, run_id):
    return instance.get_run_by_id(run_id).status


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING])
def test_a_tick_on_its_way_is_waited_for(instance, settings, status):
    run = instance.create_run_for_job(tick_job, status=status)
    assert sensor.unfinished_run(instance, settings) == run.run_id


def test_a_tick_that_has_just_begun_is_waited_for_though_it_has_no_lock_yet(instance, settings):
    run_id = started(instance)
    assert sensor.unfinished_run(instance, settings) == run_id


def test_a_long_tick_that_holds_the_lock_is_waited_for(instance, settings, monkeypatch):
    monkeypatch.setattr(sensor, "LOCK_IS_TAKEN_WITHIN", timedelta(0))
    run_id = started(instance)
    with lock.held(settings.home, "the worker"):
        assert sensor.unfinished_run(instance, settings) == run_id
    assert status_of(instance, run_id) == dg.DagsterRunStatus.STARTED


def test_a_started_tick_whose_worker_is_gone_is_ended_and_blocks_nothing(instance, settings, monkeypatch):
    monkeypatch.setattr(sensor, "LOCK_IS_TAKEN_WITHIN", timedelta(0))
    run_id = started(instance)
    assert sensor.unfinished_run(instance, settings) is None
    assert status_of(instance, run_id) == dg.DagsterRunStatus.FAILURE


def test_a_tick_that_ends_while_it_is_looked_at_is_not_declared_dead(instance, settings, monkeypatch):
    monkeypatch.setattr(sensor, "LOCK_IS_TAKEN_WITHIN", timedelta(0))
    run_id = started(instance)
    ends = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, "tick")
    monkeypatch.setattr(time, "sleep", lambda _: instance.report_dagster_event(ends, run_id))
    sensor.unfinished_run(instance, settings)
    assert status_of(instance, run_id) == dg.DagsterRunStatus.SUCCESS


def look(instance, settings):
    context = dg.build_sensor_context(instance)
    return sensor.minute_sensor(settings)(context)


def test_the_sensor_asks_for_a_run_without_a_key_and_says_why(instance, settings):
    land(settings)
    asked = look(instance, settings)
    assert isinstance(asked, dg.RunRequest)
    assert asked.run_key is None
    assert asked.tags["dovecote/because"] == "something landed"


def test_the_sensor_says_in_words_why_it_does_not(instance, settings):
    assert look(instance, settings).skip_message.startswith("Nothing landed")
    run = instance.create_run_for_job(tick_job, status=dg.DagsterRunStatus.STARTING)
    land(settings)
    assert look(instance, settings).skip_message == f"Tick {run.run_id} has not finished yet."


def test_the_sensor_runs_by_itself(settings):
    assert sensor.minute_sensor(settings).default_status == dg.DefaultSensorStatus.RUNNING


def a_tick_ran(settings, seq=0, **more):
    """One that was asked for just now, in a turn that lasts an hour."""
    state.write(settings.home, state.State(None, seq, NOON, turn_at=datetime.now(UTC), **more))
    return replace(settings, tick_seconds=1_000_000_000)


def test_what_lands_waits_for_its_turn(instance, settings):
    land(settings)
    assert look(instance, a_tick_ran(settings)).skip_message.startswith(
        "The last tick began less than a turn"
    )


def refuse(settings):
    """A message that no channel takes; the journal's number before that."""
    from senders.rendering import Renderer

    renderer = Renderer(load({"DOVECOTE_LINK_SECRET": "only for tests"}))
    message = renderer.render(row("welcome", "email") | {"due_at": NOON, "expires_at": NOON + 60 * MINUTE})
    with Ledger(settings.ledger) as ledger:
        before = ledger.last_seq()
        ledger.plan([(message, "sendgrid", Refusal("no_request: only for tests"))], NOON)
        return before


def test_whom_a_channel_refused_does_not_wait_for_the_next_turn(instance, settings):
    asked = look(instance, a_tick_ran(settings, refuse(settings)))
    assert asked.tags["dovecote/because"] == "refused by their channel, may go through another: 1"


def test_a_refusal_that_a_tick_has_judged_again_is_no_longer_urgent(instance, settings):
    before = refuse(settings)
    assert isinstance(look(instance, a_tick_ran(settings, before + 9)), dg.SkipReason)


def test_there_is_one_tick_out_of_turn_at_most(instance, settings):
    before = refuse(settings)
    assert isinstance(look(instance, a_tick_ran(settings, before, is_extra_spent=True)), dg.SkipReason)


@pytest.mark.parametrize(
    ("asked_after", "is_extra", "turn_at"),
    [(59, True, NOON), (60, False, NOON + MINUTE), (61, False, NOON + MINUTE)],
)
def test_a_tick_within_the_turn_of_another_is_the_extra_one(asked_after, is_extra, turn_at):
    first = state.State().begun(NOON, NOON, 60)
    asked_at = NOON + timedelta(seconds=asked_after)
    second = first.begun(asked_at, asked_at, 60)
    assert (second.is_extra_spent, second.turn_at.replace(second=0)) == (is_extra, turn_at)
