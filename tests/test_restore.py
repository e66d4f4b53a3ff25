"""A ledger restored from a backup sends nothing twice, loses nothing, and takes back what is known since."""

import json
import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from letters import letter, letters, planned, state_of
from post_office import Postal, open_post_office
from typer.testing import CliRunner

from dagster_project import lost_time, warehouse
from dagster_project.cli import app
from dagster_project.lost_time import Doubtful, LedgerBehindError
from senders import settings as environment
from senders.contract import EventKind, ProviderEvent, State
from senders.delivery import deliver, plan
from senders.ledger import Ledger

NOW = datetime.now(UTC)
TIMES = {"due_at": NOW - timedelta(minutes=20), "expires_at": NOW + timedelta(hours=6)}
OUTBOX = (
    "message_id candidate_id decision_id journey journey_version step message_class channel user_id "
    "entity_key event_id variant priority address on_unknown due_at expires_at"
).split()


@pytest.fixture
def settings(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("DOVECOTE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOVECOTE_HOME", str(tmp_path))
    return environment.load()


@pytest.fixture
def office():
    with open_post_office() as opened:
        yield opened


def dovecote(*arguments):
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def some(prefix, count):
    return [letter(f"{prefix}{number}", **TIMES) for number in range(count)]


def decide(settings, messages, at):
    """The rows of the outbox that the models would have written."""
    with warehouse.opened(settings) as database:
        columns = ", ".join(
            f"{name} {'timestamp' if name.endswith('_at') else 'integer' if name == 'priority' else 'text'}"
            for name in [*OUTBOX, "decided_at"]
        )
        database.execute("create schema if not exists decisions")
        database.execute(f"create table if not exists decisions.fct_outbox ({columns})")
        for message in messages:
            values = [getattr(message, name) for name in OUTBOX] + [at]
            naive = [v.astimezone(UTC).replace(tzinfo=None) if isinstance(v, datetime) else v for v in values]
            database.execute(
                f"insert into decisions.fct_outbox values ({', '.join('?' * len(naive))})", naive
            )


def tick(settings, office, messages, at, *, is_copied=True):
    """What a tick does with the ledger: copy the journal, plan what is decided, send what is due."""
    with warehouse.opened(settings) as database, Ledger(settings.ledger) as ledger:
        warehouse.begin_tick(database, at, "run")
        if is_copied:
            warehouse.copy_news(database, ledger, at)
        known = {message.message_id: message for message in messages}
        rows = [{"message_id": m.message_id, "decided_at": at, "due_at": m.due_at} for m in messages]
        doubtful = Doubtful(database, ledger, rows)
        providers = {"sms": Postal(office.url)}
        with doubtful.held_together(at):
            plan(ledger, providers, (known[row["message_id"]] for row in doubtful.rows()), at)
        deliver(ledger, providers, lambda: at, 10)


def restore_what_never_heard_of(messages, settings, office):
    """A ledger older than `messages`, which were sent; the warehouse has its copy of their journal."""
    with Ledger(settings.ledger):
        pass
    backup = dovecote("backup").strip()
    decide(settings, messages, NOW)
    tick(settings, office, messages, NOW)
    with warehouse.opened(settings) as database, Ledger(settings.ledger) as ledger:
        warehouse.copy_news(database, ledger, NOW)
    dovecote("restore", backup)


def taken(office, messages):
    times = Counter(message_id for message_id, _ in office.taken)
    return [times[message.message_id] for message in messages]


def standing(settings, messages):
    with Ledger(settings.ledger) as ledger:
        return {state_of(ledger, message) for message in messages}


def test_nothing_is_sent_twice_nothing_is_lost_and_what_is_known_is_taken_back(settings, office):
    minute = [NOW - timedelta(minutes=10 - number) for number in range(10)]
    before, waiting, known, unknown, fresh = (some(name, 5) for name in "abcde")
    decide(settings, [*before, *waiting], minute[0])
    tick(settings, office, before, minute[0])
    with Ledger(settings.ledger) as ledger:
        plan(ledger, {"sms": Postal(office.url)}, waiting, minute[0])
    backup = dovecote("backup").strip()
    decide(settings, known, minute[1])
    tick(settings, office, known, minute[1])  # sends what waited, too
    with Ledger(settings.ledger) as ledger:
        opened = ProviderEvent("o", "postal", EventKind.OPENED, minute[1], known[0].message_id)
        ledger.apply_receipts([opened], minute[1])
        ledger.suppress("out@example.com", "all", "STOP", minute[1])
    decide(settings, unknown, minute[2])
    tick(settings, office, unknown, minute[2])  # copies what was sent before, and not what it sends
    assert taken(office, [*before, *waiting, *known, *unknown]) == [1] * 20

    assert "5 message(s) are held" in dovecote("restore", backup)
    later = datetime.now(UTC) + timedelta(minutes=1)
    decide(settings, fresh, later)
    tick(settings, office, unknown, minute[2])  # the outbox still has what the copy has no word of
    tick(settings, office, fresh, later)
    assert taken(office, [*before, *waiting, *known, *unknown, *fresh]) == [1] * 25
    assert standing(settings, [*before, *waiting, *known[1:], *fresh]) == {State.ACCEPTED}
    assert standing(settings, known[:1]) == {State.DELIVERED}  # opened
    assert standing(settings, unknown) == {State.HELD}
    assert {row["reason"] for row in json.loads(dovecote("held", "--json"))} == {"restored"}
    with Ledger(settings.ledger) as ledger:
        planned(ledger, letter("out", **{**TIMES, "address": "out@example.com"}), now=NOW)
        assert ledger.claim(NOW, "postal", 9, 60).suppressed == 1
    dovecote("held", "--drop-all", "--reason", "restored")
    assert standing(settings, unknown) == {State.CANCELLED}


def test_the_warehouse_counts_each_message_once_afterwards(settings, office):
    messages = some("a", 4)
    restore_what_never_heard_of(messages, settings, office)
    for _ in range(2):
        with warehouse.opened(settings) as database, Ledger(settings.ledger) as ledger:
            warehouse.copy_news(database, ledger, NOW)
            told = database.execute(
                "select message_id, count(*) filter (where from_state is null), max_by(to_state, seq)"
                " from raw.ledger_journal where message_id is not null group by all order by all"
            ).fetchall()
    assert told == [
        (message.message_id, 1, "accepted") for message in sorted(messages, key=lambda m: m.message_id)
    ]


def test_a_backup_put_in_place_silently_stops_every_tick(settings, office):
    tick(settings, office, some("a", 1), NOW)
    backup = dovecote("backup").strip()
    tick(settings, office, some("b", 1), NOW)
    with warehouse.opened(settings) as database, Ledger(settings.ledger) as ledger:
        warehouse.copy_news(database, ledger, NOW)
    Path(backup).replace(settings.ledger)
    with pytest.raises(LedgerBehindError, match="Say `dovecote restore`"):
        tick(settings, office, some("b", 1), NOW)
    assert taken(office, some("b", 1)) == [1]
    dovecote("restore")
    tick(settings, office, some("b", 1), NOW)
    assert taken(office, some("b", 1)) == [1]


def test_a_warehouse_that_is_older_itself_holds_whatever_was_due(settings, office):
    """It would decide once more what it decided before, at a later time."""
    with Ledger(settings.ledger):
        pass
    dovecote("restore")
    later = datetime.now(UTC) + timedelta(minutes=1)
    overdue, new = some("a", 2), [replace(letter("n", **TIMES), due_at=later)]
    tick(settings, office, [*overdue, *new], later)
    assert (standing(settings, overdue), standing(settings, new)) == ({State.HELD}, {State.ACCEPTED})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is no ledger"),
        (b"not a database, but long enough to look at", "is no ledger"),
        (None, "there is no file"),
    ],
)
def test_what_is_no_ledger_does_not_take_its_place(settings, tmp_path, content, says):
    with Ledger(settings.ledger) as ledger:
        planned(ledger, *letters(2), now=NOW)
    source = tmp_path / "backup.db"
    if content is not None:
        source.write_bytes(content)
    done = CliRunner().invoke(app, ["restore", str(source)])
    assert (done.exit_code, says in done.stderr) == (1, True)
    with Ledger(settings.ledger) as ledger:
        assert ledger.counts() == {State.PLANNED: 2}


def test_a_ledger_that_somebody_works_on_is_not_replaced(settings):
    with Ledger(settings.ledger):
        backup = dovecote("backup").strip()
        done = CliRunner().invoke(app, ["restore", backup])
    assert (done.exit_code, "stop the daemon, the receivers" in done.stderr) == (1, True)


def test_learning_twice_is_learning_once(settings, office):
    restore_what_never_heard_of(some("a", 3), settings, office)
    with warehouse.opened(settings) as database, Ledger(settings.ledger) as ledger:
        database.execute("create table kept as from raw.ledger_journal")
        lost_time.give_back(database, ledger)
        first = ledger.last_seq()
        # Killed before the warehouse wrote down that it had given them back.
        database.execute("delete from raw.ledger_journal")
        database.execute("insert into raw.ledger_journal from kept")
        lost_time.give_back(database, ledger)
        assert ledger.last_seq() == first
