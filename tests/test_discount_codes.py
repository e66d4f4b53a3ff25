"""A discount code belongs to one message for ever, whatever happens to the ticks and to the warehouse."""

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from outbox_rows import row

from dagster_project import phases, warehouse
from dagster_project.tick import Tick
from senders.discounts import Granted, with_codes
from senders.ledger import Ledger
from senders.sandbox.credentials import read_environment, write_credentials
from senders.settings import load

NOW = datetime(2026, 10, 5, 11, tzinfo=UTC)  # the example rows are due at ten and expire at four


class House:
    """A home with an outbox, a pool and a ledger; the warehouse can be thrown away."""

    def __init__(self, folder):
        self.settings = load({
            **read_environment(write_credentials(folder / "sandbox", "http://127.0.0.1:9")),
            "DOVECOTE_HOME": str(folder),
            "DOVECOTE_LINK_SECRET": "only for tests",
            "DOVECOTE_ROUTES": "email=sendgrid",
        })  # fmt: skip
        self.build_warehouse()

    def build_warehouse(self):
        self.settings.warehouse.unlink(missing_ok=True)
        with warehouse.opened(self.settings) as connection:
            connection.execute("create schema decisions")
            connection.execute("create schema policy")
            connection.execute("create table policy.guardrails (journey text, position bigint)")
            names = [name for name in wanting("1") if name != "discount"]
            kinds = {"priority": "bigint"}
            columns = ", ".join(
                f"{name} {kinds.get(name, 'timestamp' if name.endswith('_at') else 'text')}" for name in names
            )
            connection.execute(f"create table decisions.fct_outbox ({columns})")
            connection.execute("create table decisions.fct_cancellations (message_id text, reason text)")
            connection.execute("create table decisions.fct_postponements (message_id text, reason text)")
            connection.execute(
                "create table decisions.fct_decisions "
                "(candidate_id text, message_id text, outcome text, decision_number bigint)"
            )

    def land(self, *codes, pool="vip", expires_at=None, landed_at=NOW):
        with warehouse.opened(self.settings) as connection:
            for code in codes:
                values = [code, pool, "10 % off", expires_at, landed_at, landed_at, "discount_codes", "file"]
                values = [
                    each.replace(tzinfo=None) if isinstance(each, datetime) else each for each in values
                ]
                connection.execute("insert into raw.discount_codes values (?, ?, ?, ?, ?, ?, ?, ?)", values)

    def decide(self, *rows):
        with warehouse.opened(self.settings) as connection:
            for each in rows:
                values = [value for name, value in each.items() if name != "discount"]
                connection.execute(
                    f"insert into decisions.fct_outbox values ({', '.join('?' * len(values))})", values
                )
                decision = [each["candidate_id"], each["message_id"], "send", 1]
                connection.execute("insert into decisions.fct_decisions values (?, ?, ?, ?)", decision)

    def plan(self, now=NOW):
        """One tick's planning, after the ledger's journal was copied."""
        with Ledger(self.settings.ledger) as ledger, warehouse.opened(self.settings) as connection:
            warehouse.copy_news(connection, ledger, now)
        return phases.plan(Tick(self.settings, "run", now, None))

    def codes(self):
        """message number → its code, as granted; planned bytes hold that code and no other."""
        with sqlite3.connect(self.settings.ledger) as ledger:
            granted = dict(ledger.execute("select message_id, code from discount_codes"))
            bodies = dict(
                ledger.execute(
                    "select message_id, cast(body as text) from messages join requests using (message_no)"
                )
            )
        for message_id, body in bodies.items():
            said = {code for code in granted.values() if code in body}
            assert said == ({granted[message_id]} if message_id in granted else set())
        return {message_id[-1]: code for message_id, code in granted.items()}


@pytest.fixture
def house(tmp_path):
    return House(tmp_path)


def id_of(number):
    return f"00000000-0000-5000-8000-{number:0>12}"


def wanting(number, pool="vip", channel="email", **payload):
    ids = {"message_id": id_of(number), "candidate_id": f"c{number}", "event_id": f"e{number}"}
    return row("became_vip", channel, payload={"discount_pool": pool, **payload}, **ids)


def test_each_message_has_a_code_of_its_own_and_two_ticks_give_none_twice(house):
    house.land("AAA-1", "BBB-2", "CCC-3")
    house.decide(wanting("1"), wanting("2"))
    assert house.plan()["codes_granted"] == 2
    first = house.codes()
    assert set(first) == {"1", "2"}
    assert len(set(first.values())) == 2

    house.decide(wanting("3"))
    assert house.plan(NOW + timedelta(minutes=1))["codes_granted"] == 1
    assert house.codes() == first | {"3": "CCC-3"}


def test_a_tick_that_died_before_planning_finds_the_same_code_again(house):
    house.land("AAA-1", "BBB-2", "CCC-3")
    house.decide(wanting("1"), wanting("2"))
    with Ledger(house.settings.ledger) as ledger, warehouse.opened(house.settings) as connection:
        rows = list(warehouse.unplanned(connection, NOW))
        offers = lambda pool: warehouse.discount_codes(connection, NOW, pool)  # noqa: E731
        list(
            with_codes(ledger, rows, offers, {"email"}, NOW, Granted())
        )  # granted, and then the lights go out
    before = house.codes()
    assert "codes_granted" not in house.plan()
    assert house.codes() == before
    assert len(before) == 2


def test_a_warehouse_built_anew_gives_no_code_again_however_its_pool_is_ordered(house):
    house.land("AAA-1", "BBB-2", "CCC-3", "DDD-4")
    house.decide(wanting("1"), wanting("2"))
    house.plan()
    before = house.codes()

    house.build_warehouse()
    house.land("BBB-2", landed_at=NOW - timedelta(days=9))
    house.land("AAA-1", "CCC-3", "DDD-4")
    house.decide(wanting("1"), wanting("2"), wanting("3"), wanting("4"))  # two of them are with the ledger
    house.plan(NOW + timedelta(minutes=1))
    assert house.codes() == before | {"3": "CCC-3", "4": "DDD-4"}


def test_the_same_time_replayed_changes_nothing(house):
    house.land("AAA-1", "BBB-2")
    house.decide(wanting("1"))
    house.plan()
    before = house.codes()
    with warehouse.opened(house.settings) as connection:
        connection.execute("delete from raw.ledger_journal")  # as if the tick began before it knew
    assert "codes_granted" not in phases.plan(Tick(house.settings, "run", NOW, None))
    assert house.codes() == before


def test_where_the_pool_is_empty_a_message_goes_without_unless_it_needs_a_code(house):
    house.land("AAA-1")
    house.decide(wanting("1"), wanting("2"), wanting("3", discount_required=True))
    facts = house.plan()
    assert (facts["codes_granted"], facts["without_code"], facts["waiting_for_code"]) == (1, 1, 1)
    assert facts["planned"] == 2  # the third waits in the outbox

    house.land("BBB-2", landed_at=NOW + timedelta(minutes=1))
    facts = house.plan(NOW + timedelta(minutes=2))
    assert (facts["codes_granted"], facts["planned"]) == (1, 1)
    assert house.codes() == {"1": "AAA-1", "3": "BBB-2"}  # the second's bytes are frozen: it gets none later


def test_a_code_that_ran_out_or_is_of_another_pool_is_not_given(house):
    house.land("OLD-1", expires_at=NOW)
    house.land("SOON-2", expires_at=NOW + timedelta(seconds=1))
    house.land("OTHER-3", pool="welcome")
    house.decide(wanting("1"), wanting("2"))
    assert house.plan()["without_code"] == 1
    assert house.codes() == {"1": "SOON-2"}


def test_a_code_is_one_code_however_it_is_spelt(house):
    house.land("AAA-1")
    house.land("aaa-1", pool="welcome")
    house.decide(wanting("1"), wanting("2", pool="welcome"))
    assert house.plan()["without_code"] == 1
    assert list(house.codes().values()) == ["AAA-1"]


def test_a_channel_without_a_route_takes_no_code(house):
    house.land("AAA-1")
    house.decide(wanting("1", channel="sms"))
    house.plan()
    assert house.codes() == {}


@pytest.mark.parametrize(
    "statement",
    [
        "insert into discount_codes values ('aaa-1', 'vip', 'another', null, null, '2026')",
        "insert into discount_codes values ('ZZZ-9', 'vip', '{first}', null, null, '2026')",
        "update discount_codes set message_id = 'another'",
        "delete from discount_codes",
    ],
)
def test_the_ledger_itself_refuses_to_give_a_code_twice_or_to_take_it_back(house, statement):
    house.land("AAA-1")
    house.decide(wanting("1"))
    house.plan()
    with sqlite3.connect(house.settings.ledger) as ledger, pytest.raises(sqlite3.IntegrityError):
        ledger.execute(statement.replace("{first}", id_of("1")))


def test_the_code_is_in_what_the_person_reads(house):
    house.land("AAA-1", expires_at=datetime(2026, 12, 31, 12, tzinfo=UTC))
    house.decide(wanting("1"))
    house.plan()
    with sqlite3.connect(house.settings.ledger) as ledger:
        (body,) = ledger.execute("select cast(body as text) from requests").fetchone()
    assert "AAA-1" in json.dumps(json.loads(body))
    assert "31 December 2026" in body
    assert "10 % off" in body
