"""A journey whose KPI breaks its bound stops by itself and starts by hand, in the real ledger."""

from datetime import UTC, datetime, timedelta

import pytest

from dagster_project import doctor, explain, guardrails, warehouse
from senders.ledger import Ledger
from senders.settings import load

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def settings(tmp_path):
    return load({"DOVECOTE_HOME": str(tmp_path), "DOVECOTE_ROUTES": "sms=twilio_sms"})


@pytest.fixture
def ledger(settings):
    with Ledger(settings.ledger) as opened:
        yield opened


@pytest.fixture
def connection(settings):
    with warehouse.opened(settings) as connection:
        connection.execute("create schema policy")
        connection.execute("create schema kpis")
        connection.execute(
            "create table policy.guardrails "
            "(journey text, position bigint, kpi text, above double, below double, at_least bigint)"
        )
        for kpi in ("bounce_rate", "open_rate"):
            connection.execute(
                f"create table kpis.kpi_{kpi} "
                "(window_start timestamp, journey text, numerator double, denominator double)"
            )
        connection.execute("insert into policy.guardrails values ('cart', 1, 'bounce_rate', 0.05, null, 100)")
        yield connection


def day(connection, days_ago, numerator, denominator, kpi="bounce_rate", journey="cart"):
    start = (NOON - days_ago * DAY).replace(hour=0, tzinfo=None)
    rows = f"insert into kpis.kpi_{kpi} values (?, ?, ?, ?)"
    connection.execute(rows, [start, journey, numerator, denominator])


# bounced and taken of each day, newest first; is the journey stopped?
CASES = {
    "exactly at the bound": ([(5, 100)], False),
    "one more": ([(6, 100)], True),
    "too few to judge": ([(50, 99)], False),
    "days are put together": ([(3, 50), (3, 50)], True),
    "a bad day among good ones": ([(20, 100), (0, 400)], False),
    "nothing sent": ([], False),
    "a bad week long ago": ([(0, 100)] + [(0, 0)] * 7 + [(90, 100)], False),
}


@pytest.mark.parametrize(("days", "is_stopped"), CASES.values(), ids=CASES)
def test_a_journey_is_stopped_when_enough_messages_break_its_bound(connection, ledger, days, is_stopped):
    for ago, (bounced, taken) in enumerate(days):
        day(connection, ago, bounced, taken)
    day(connection, 0, 900, 1000, journey="another")
    stopped = guardrails.stop_what_breaks(connection, ledger, NOON)
    assert list(stopped) == (["cart"] if is_stopped else [])
    assert ledger.stopped_switches() == [("journey", name, why) for name, why in stopped.items()]


def test_a_lower_bound_holds_from_the_other_side(connection, ledger):
    connection.execute("update policy.guardrails set kpi = 'open_rate', above = null, below = 0.2")
    day(connection, 0, 20, 100, "open_rate")
    assert guardrails.stop_what_breaks(connection, ledger, NOON) == {}
    day(connection, 1, 19, 100, "open_rate")
    stopped = guardrails.stop_what_breaks(connection, ledger, NOON)
    assert stopped == {"cart": "guardrail: open_rate is 19.50% of 200 in 7 days, below 20.00%"}


def test_doctor_says_why_it_stopped_and_how_to_start_it(connection, ledger, settings):
    day(connection, 0, 10, 100)
    guardrails.stop_what_breaks(connection, ledger, NOON)
    (says,) = [finding.says for finding in doctor.PARTS["delivery"](settings) if finding.is_wrong]
    assert "journey cart is stopped (guardrail: bounce_rate is 10.00% of 100 in 7 days, above 5.00%)" in says
    assert "dovecote start --journey cart" in says


def test_explain_says_that_a_journey_is_stopped_and_why():
    entry = {
        "journey": "cart", "entity_key": None, "entered_at": NOON, "status": "entered", "event_id": "e1",
        "stopped": "guardrail: bounce_rate is 10.00% of 100 in 7 days, above 5.00%", "steps": [],
    }  # fmt: skip
    person = {"user_id": "ada", "first_name": "Ada", "last_name": None, "time_zone": None}
    words = explain.in_words({"person": person, "addresses": [], "journeys": [entry], "never_entered": []})
    assert "entered by event e1; the journey is stopped (guardrail: bounce_rate is 10.00%" in words


def test_what_a_person_started_again_is_judged_by_what_comes_after_that_day(connection, ledger):
    day(connection, 0, 10, 100)
    guardrails.stop_what_breaks(connection, ledger, NOON)
    assert guardrails.stop_what_breaks(connection, ledger, NOON) == {}  # it is stopped already
    ledger.start("journey", "cart", "the list was cleaned", NOON)
    assert guardrails.stop_what_breaks(connection, ledger, NOON + DAY / 3) == {}
    day(connection, -1, 0, 200)
    assert guardrails.stop_what_breaks(connection, ledger, NOON + DAY) == {}
    day(connection, -2, 40, 200)
    assert list(guardrails.stop_what_breaks(connection, ledger, NOON + 2 * DAY)) == ["cart"]
