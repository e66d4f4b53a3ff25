"""The look every few seconds: is there anything to do, and is it a tick's turn?

Cheap, because it runs in the code server all day, and forgetful: it keeps no cursor and no run key.
A run requested for nothing finds nothing to do; a run that died is begun again at the next look.
"""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg

from dagster_project import lock, state
from senders.settings import Settings

UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# How often to look; how often a tick may begin is `tick_seconds`. A look costs some 20 ms.
LOOK_SECONDS = 5
# A worker takes the lock within a second or two of its start and keeps it to its end.
LOCK_IS_TAKEN_WITHIN = timedelta(seconds=30)
NOTHING_TO_DO = "Nothing landed, no timer is due and the ledger has nothing to do."
NOT_IN_TURN = "The last tick began less than a turn ago ({} s), and nothing is urgent."


def minute_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="minute",
        job_name="tick",
        minimum_interval_seconds=LOOK_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts a tick when something landed, a timer is due or the ledger has work.",
    )
    def minute(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if running := unfinished_run(context.instance, settings):
            return dg.SkipReason(f"Tick {running} has not finished yet.")
        now = datetime.now(UTC)
        last = state.read(settings.home) or state.State()
        is_in_turn = last.is_in_turn(now, settings.tick_seconds)
        because = work(settings, last, now) if is_in_turn else out_of_turn(settings, last)
        if not because:
            return dg.SkipReason(NOTHING_TO_DO if is_in_turn else NOT_IN_TURN.format(settings.tick_seconds))
        context.log.info(because)
        return dg.RunRequest(tags={"dovecote/because": because})

    return minute


def work(settings: Settings, last: state.State, now: datetime) -> str | None:
    """Why a tick should run now, in words; None when there is nothing to do."""
    return next(_reasons(settings, last, now), None)


def _reasons(settings: Settings, last: state.State, now: datetime) -> Iterator[str]:
    from receivers import landing
    from senders.ledger import Ledger

    if landing.has_landed(settings):
        yield "something landed"
    if last.next_due_at and last.next_due_at <= now:
        yield f"due since {last.next_due_at:%Y-%m-%d %H:%M:%S}"
    if not settings.ledger.exists():
        return
    with Ledger(settings.ledger) as ledger:
        if ledger.has_work(now, settings.routes.values()):
            yield "the ledger has messages to send or to settle"
        if ledger.last_seq() > last.last_journal_seq:
            yield "the ledger has news"


def out_of_turn(settings: Settings, last: state.State) -> str | None:
    """Why a tick should run before its turn; None when all can wait.

    Whoever a channel refuses has waited once already and is not made to wait for the next turn, too.
    Once a turn only: under a steady flow every tick is refused something, and ticks would never end.
    """
    from senders.ledger import Ledger

    if last.is_extra_spent or not settings.ledger.exists():
        return None
    with Ledger(settings.ledger) as ledger:
        refused = ledger.refused_since(last.last_journal_seq)
    return f"refused by their channel, may go through another: {refused}" if refused else None


def unfinished_run(instance: dg.DagsterInstance, settings: Settings) -> str | None:
    """The id of a tick that is queued or running; a run whose worker is gone is ended first."""
    for record in instance.get_run_records(dg.RunsFilter(statuses=UNFINISHED), limit=20):
        run = record.dagster_run
        if run.job_name == "tick" and not _is_abandoned(instance, settings, record):
            return run.run_id
        if _is_abandoned(instance, settings, record):
            instance.report_run_failed(run, "The worker is gone: it was killed, or the machine went down.")
    return None


def _is_abandoned(instance: dg.DagsterInstance, settings: Settings, record: dg.RunRecord) -> bool:
    """Started a while ago, not finished, and nobody holds the lock that a live worker would hold."""
    started = record.start_time
    if record.dagster_run.status not in (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING):
        return False
    if started is None or time.time() - started < LOCK_IS_TAKEN_WITHIN.total_seconds():
        return False
    if lock.is_held(settings.home):
        return False
    time.sleep(2)  # a worker that has just let go of the lock is about to write down its end
    again = instance.get_run_by_id(record.dagster_run.run_id)
    return again is not None and not again.is_finished and not lock.is_held(settings.home)
