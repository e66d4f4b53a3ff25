"""From the outbox into the ledger: one bad row stops no other, and none vanishes."""

from datetime import UTC, datetime, timedelta

import duckdb
import pytest
from outbox_rows import row

from dagster_project import phases, state, warehouse
from dagster_project.tick import Tick
from senders.contract import Outcome, State, Verdict
from senders.entries import JOURNAL_COLUMNS, Recorded
from senders.ledger import Ledger
from senders.sandbox.credentials import read_environment, write_credentials
from senders.settings import load

NOW = datetime(2026, 10, 5, 11, tzinfo=UTC)  # the example rows are due at ten and expire at four


@pytest.fixture
def tick(tmp_path):
    environment = {
        **read_environment(write_credentials(tmp_path / "sandbox", "http://127.0.0.1:9")),
        "DOVECOTE_HOME": str(tmp_path),
        "DOVECOTE_LINK_SECRET": "only for tests",
        "DOVECOTE_ROUTES": "email=sendgrid,rcs=google_rcs",
    }
    tick = Tick(load(environment), "run-1", NOW, state.State())
    with warehouse.opened(tick.settings) as connection:
        connection.execute("create schema decisions")
        connection.execute("create schema policy")
        connection.execute("create table policy.guardrails (journey text, position bigint)")
        columns = ", ".join(f"{name} {kind_of(name)}" for name in message("1", "welcome"))
        connection.execute(f"create table decisions.fct_outbox ({columns})")
        connection.execute("create table decisions.fct_cancellations (message_id text, reason text)")
        connection.execute("create table decisions.fct_postponements (message_id text, reason text)")
        decisions = "candidate_id text, message_id text, outcome text, decision_number bigint"
        connection.execute(f"create table decisions.fct_decisions ({decisions})")
    return tick


def kind_of(name):
    return {"priority": "bigint"}.get(name, "timestamp" if name.endswith("_at") else "text")


def message(number, example, channel="email", **columns):
    ids = {"message_id": id_of(number), "candidate_id": f"c{number}", "event_id": f"e{number}"}
    return row(example, channel, **ids) | columns


def id_of(number):
    return f"00000000-0000-5000-8000-{number:0>12}"


def decide(tick, *rows):
    with warehouse.opened(tick.settings) as connection:
        for each in rows:
            connection.execute(
                f"insert into decisions.fct_outbox values ({', '.join('?' * len(each))})", list(each.values())
            )
            judge(connection, each, "send", 1)


def judge(connection, message, outcome, number):
    decision = [message["candidate_id"], message["message_id"], outcome, number]
    connection.execute("insert into decisions.fct_decisions values (?, ?, ?, ?)", decision)


def states(tick):
    with Ledger(tick.settings.ledger) as ledger:
        moves = [dict(zip(JOURNAL_COLUMNS, row, strict=True)) for row in ledger.journal_since(0, 1000)]
    return {move["message_id"]: (move["to_state"], move["reason"]) for move in moves}


def test_a_message_that_cannot_be_rendered_is_on_record_with_template_and_name_and_the_others_go(tick):
    decide(
        tick,
        message("1", "cart_reminder"),
        message("2", "cart_reminder", template="no_such_template"),
        message("3", "cart_reminder", payload="{}"),
        message("4", "cart_reminder"),
    )
    metadata = phases.plan(tick)
    assert (metadata["planned"], metadata["unrenderable"]) == (2, 2)
    found = states(tick)
    assert found[id_of("1")][0] == found[id_of("4")][0] == State.PLANNED
    assert found[id_of("2")][0] == found[id_of("3")][0] == State.REJECTED
    assert "no_such_template/email.jinja" in found[id_of("2")][1]
    assert "cart_reminder/email.jinja line" in found[id_of("3")][1]
    assert found[id_of("3")][1] in metadata.values()  # and the UI says so


def test_what_was_decided_long_ago_and_never_planned_expires_on_record(tick):
    tick.as_of = NOW + timedelta(hours=12)
    decide(tick, message("1", "welcome"))
    assert phases.plan(tick)["planned"] == 1
    phases.send(tick)
    assert states(tick)[id_of("1")][0] == State.EXPIRED


def test_a_channel_without_a_route_waits_outside_the_ledger(tick):
    decide(tick, message("1", "cart_reminder", "sms", address="+12025550123"), message("2", "welcome"))
    assert phases.plan(tick)["without_route"] == 1
    assert set(states(tick)) == {id_of("2")}


def test_a_message_is_never_planned_twice(tick):
    decide(tick, message("1", "welcome"))
    assert phases.plan(tick)["planned"] == 1
    assert phases.plan(tick)["already_planned"] == 1  # its journal is not copied yet
    with Ledger(tick.settings.ledger) as ledger, warehouse.opened(tick.settings) as connection:
        warehouse.copy_news(connection, ledger, NOW)
    assert phases.plan(tick)["already_planned"] == 0  # now the warehouse knows it too
    assert len(states(tick)) == 1


def test_a_message_of_somebody_who_left_the_journey_is_cancelled(tick):
    decide(tick, message("1", "welcome"), message("2", "welcome"))
    phases.plan(tick)
    with duckdb.connect(str(tick.settings.warehouse)) as connection:
        rows = [[id_of("1"), "exited: e9"], [id_of("9"), "nobody knows it"]]
        connection.executemany("insert into decisions.fct_cancellations values (?, ?)", rows)
    assert phases.plan(tick)["cancelled"] == 1
    assert states(tick)[id_of("1")] == (State.CANCELLED, "exited: e9")
    assert states(tick)[id_of("2")][0] == State.PLANNED


def test_what_was_sent_is_asked_back_where_its_provider_can_and_left_alone_where_it_cannot(tick):
    decide(tick, message("1", "cart_reminder", "rcs", address="+12025550123"), message("2", "welcome"))
    phases.plan(tick)
    with Ledger(tick.settings.ledger) as ledger:
        for provider in ("google_rcs", "sendgrid"):
            attempts = ledger.intent(NOW, ledger.claim(NOW, provider, 1, 60).claims, 15)
            taken = Verdict(Outcome.ACCEPTED, "accepted")
            ledger.record(NOW, [Recorded(attempt, taken) for attempt in attempts])
    with duckdb.connect(str(tick.settings.warehouse)) as connection:
        rows = [[id_of(number), "exited: e9"] for number in ("1", "2")]
        connection.executemany("insert into decisions.fct_cancellations values (?, ?)", rows)
    planned = phases.plan(tick)
    assert (planned["cancelled"], planned["asked_back"]) == (0, 1)
    assert phases.plan(tick)["asked_back"] == 0
    assert states(tick) == {id_of(number): (State.ACCEPTED, "accepted") for number in ("1", "2")}
    with Ledger(tick.settings.ledger) as ledger:
        assert ledger.has_work(NOW + timedelta(minutes=1), {"google_rcs"})


def test_a_message_waits_on_while_it_is_quiet_where_its_person_is_and_then_goes_without_losing_an_attempt(
    tick,
):
    decide(tick, message("1", "welcome"), message("2", "welcome"))
    phases.plan(tick)
    with duckdb.connect(str(tick.settings.warehouse)) as connection:
        connection.execute(
            "insert into decisions.fct_postponements values (?, 'quiet_hours: night')", [id_of("1")]
        )
    assert phases.plan(tick)["postponed"] == 1
    assert states(tick)[id_of("1")] == (State.RETRY_WAIT, "quiet_hours: night")
    assert states(tick)[id_of("2")][0] == State.PLANNED
    with Ledger(tick.settings.ledger) as ledger:
        (claim,) = ledger.claim(NOW, "sendgrid", 10, 60).claims
        assert claim.message_id == id_of("2")
        morning = NOW + timedelta(minutes=3)
        (claim,) = ledger.claim(morning, "sendgrid", 10, 60).claims
        assert (claim.message_id, claim.attempts) == (id_of("1"), 0)


def test_the_journal_is_copied_once_page_by_page(tick, monkeypatch):
    monkeypatch.setattr(warehouse, "JOURNAL_PAGE", 2)
    decide(tick, *(message(str(number), "welcome") for number in range(5)))
    phases.plan(tick)
    with Ledger(tick.settings.ledger) as ledger, warehouse.opened(tick.settings) as connection:
        assert warehouse.copy_news(connection, ledger, NOW) == ledger.last_seq() == 5
        assert warehouse.copy_news(connection, ledger, NOW) == 5
        copied = connection.execute("select seq, to_state from raw.ledger_journal order by seq").fetchall()
    assert copied == [(number, "planned") for number in range(1, 6)]


def test_a_send_that_was_judged_again_and_became_a_no_is_not_planned(tick):
    sent, stopped = message("1", "welcome"), message("2", "welcome")
    decide(tick, sent, stopped)
    with warehouse.opened(tick.settings) as connection:
        judge(connection, stopped, "suppress", 2)
    phases.plan(tick)
    assert set(states(tick)) == {sent["message_id"]}
