"""The look every minute: when it starts a tick, when it does not, and who it declares dead."""

import json
import time
from datetime import UTC, datetime, timedelta

import dagster as dg
import pytest
from outbox_rows import row

from dagster_project import home, lock, sensor, state
from senders.contract import Request
from senders.ledger import Ledger
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
    assert sensor.work(settings, NOON) is None


def test_a_fresh_home_has_nothing_to_do(settings):
    assert sensor.work(settings, NOON) is None


def test_a_file_that_landed_is_a_reason(settings):
    land(settings)
    assert sensor.work(settings, NOON) == "something landed"


def test_a_file_that_is_still_being_written_is_none(settings):
    land(settings, "events/.a.jsonl")
    assert sensor.work(settings, NOON) is None


@pytest.mark.parametrize(
    ("due_at", "is_reason"), [(NOON - MINUTE, True), (NOON, True), (NOON + MINUTE, False)]
)
def test_a_timer_is_a_reason_once_it_is_due(settings, due_at, is_reason):
    state.write(settings.home, state.State(due_at, 0, NOON - 2 * MINUTE))
    assert (sensor.work(settings, NOON) is not None) == is_reason


def test_a_message_that_waits_in_the_ledger_is_a_reason(settings):
    last = plan(settings, NOON)
    state.write(settings.home, state.State(None, last, NOON))
    assert sensor.work(settings, NOON) == "the ledger has messages to send or to settle"


def test_news_in_the_ledger_that_no_tick_has_copied_is_a_reason(settings):
    last = plan(settings, NOON + 5 * MINUTE)  # not due yet
    state.write(settings.home, state.State(None, last - 1, NOON))
    assert sensor.work(settings, NOON) == "the ledger has news"
    state.write(settings.home, state.State(None, last, NOON))
    assert sensor.work(settings, NOON) is None


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


def test_the_sensor_runs_by_itself_and_as_often_as_the_settings_say(tmp_path):
    made = sensor.minute_sensor(load({"DOVECOTE_HOME": str(tmp_path), "DOVECOTE_TICK_SECONDS": "7"}))
    assert made.minimum_interval_seconds == 7
    assert made.default_status == dg.DefaultSensorStatus.RUNNING
