"""What became of each message, a few rows of the journal at a time, against a plain reading of it all."""

import json
import random
from datetime import UTC, datetime, timedelta

import parsed_project
import pytest

from dagster_project import home, warehouse
from dagster_project.dbt_run import Run
from senders import settings as environment

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BEGAN = datetime(2026, 3, 1)
LOOKS, MESSAGES, STEPS = 4, 60, 400
SEED = 20260302
WAYS = {
    "planned": ("claimed", "cancelled", "suppressed"), "claimed": ("in_flight", "planned"),
    "in_flight": ("accepted", "unknown", "rejected"), "unknown": ("accepted", "held"),
    "accepted": ("sent", "read"), "sent": ("delivered", "failed_late"), "delivered": ("read",),
    "failed_late": ("delivered",),
}  # fmt: skip
ENGAGED = ("opened", "clicked", "replied", "bounced", "complained", "unsubscribed")
REACHED = {
    "accepted_at": {"accepted", "sent", "delivered", "read", "failed_late"},
    "sent_at": {"sent", "delivered", "read"}, "delivered_at": {"delivered", "read"}, "read_at": {"read"},
}  # fmt: skip
FAILED = {"rejected", "suppressed", "failed_late"}


class Told(Run):
    """A run to which 150 rows of the journal are many."""

    def _options(self):
        options = super()._options()
        place = options.index("--vars") + 1
        options[place] = json.dumps(json.loads(options[place]) | {"journal_waiting": 150})
        return options


def _journal(draw: random.Random) -> list[dict]:
    """What a ledger tells: moves in their order, and what people and machines do, told late or early."""
    stands, rows = {}, []
    for seq in range(1, STEPS + 1):
        message, at = f"m{draw.randrange(MESSAGES)}", BEGAN + timedelta(minutes=seq)
        row = {"seq": seq, "message_id": message, "kind": "state", "happened_at": at, "reason": None}
        ways = WAYS.get(stands.get(message, ""), ())
        if message not in stands:
            row |= {"to_state": "planned", "journey": "cart", "decision_id": f"d{seq}"}
        elif draw.random() < 0.5 and ways:
            row |= {"from_state": stands[message], "to_state": draw.choice(ways)}
            row["reason"] = draw.choice((None, "bounced"))
        else:
            late = at + timedelta(minutes=draw.randrange(-30, 0))
            row |= {"kind": "engagement", "to_state": draw.choice(ENGAGED), "happened_at": late}
            row["is_machine"] = draw.choice((None, True, False)) if row["to_state"] in ENGAGED[:2] else False
        if row["kind"] == "state":
            stands[message] = row["to_state"]
        rows.append(row)
    return rows


def _became(rows: list[dict]) -> dict:
    """One message, read plainly."""
    moves = [row for row in rows if row["kind"] == "state"]
    last = moves[-1]

    def first(states, is_machine=None):
        times = [
            row["happened_at"]
            for row in rows
            if row["to_state"] in states and is_machine in (None, bool(row.get("is_machine")))
        ]
        return min(times, default=None)

    failures = [row["happened_at"] for row in moves if row["to_state"] in FAILED]
    return {
        "journey": "cart", "decided_at": moves[0]["happened_at"], "planned_at": moves[0]["happened_at"],
        "state": last["to_state"], "reason": last["reason"],
        "failed_at": max(failures) if last["to_state"] in FAILED else None,
        "opened_at": first({"opened"}, False), "machine_opened_at": first({"opened"}, True),
        "clicked_at": first({"clicked"}, False), "machine_clicked_at": first({"clicked"}, True),
        "replied_at": first({"replied"}), "is_bounced": first({"bounced"}) is not None,
        "is_complained": first({"complained"}) is not None,
        "is_unsubscribed": first({"unsubscribed"}) is not None,
        **{name: first(states) for name, states in REACHED.items()},
    }  # fmt: skip


def _tell(settings, rows: list[dict], copied_at: datetime) -> None:
    with warehouse.opened(settings) as connection:
        for row in rows:
            told = {name: value for name, value in row.items() if value is not None} | {
                "copied_at": copied_at
            }
            places = ", ".join("?" * len(told))
            connection.execute(
                f"insert into raw.ledger_journal ({', '.join(told)}) values ({places})",
                list(told.values()),
            )


def test_messages_are_as_a_plain_reading_of_the_journal_finds_them(tmp_path, monkeypatch):
    for name in ("DOVECOTE_HOME", "DAGSTER_HOME", "DBT_SEND_ANONYMOUS_USAGE_STATS", "DO_NOT_TRACK"):
        monkeypatch.setenv(name, "")  # what `prepare` sets is undone after the tests
    settings = environment.load({"DOVECOTE_HOME": str(tmp_path)})
    home.prepare(settings)
    parsed_project.lend(settings)
    rows, read_to = _journal(random.Random(SEED)), []
    for look in range(1, LOOKS + 1):
        now = BEGAN + timedelta(days=look)
        _tell(settings, rows[(look - 1) * STEPS // LOOKS : look * STEPS // LOOKS], now)
        models = ("int_message_base", "int_message_news", "fct_messages")
        for node in Told(settings, now.replace(tzinfo=UTC), ["run", "--select", *models]):
            assert node.status == "success", node
        with warehouse.opened(settings, read_only=True) as connection:
            read_to += connection.execute("select max(read_to_seq) from marts.int_message_base").fetchone()
            found = connection.execute("select * from marts.fct_messages").fetchall()
            names = [column[0] for column in connection.description]
    assert read_to == [100, 100, 300, 300]  # built, kept, renewed from itself, kept
    expected = {}
    for row in rows:
        expected.setdefault(row["message_id"], []).append(row)
    messages = {row[names.index("message_id")]: dict(zip(names, row, strict=True)) for row in found}
    assert messages.keys() == expected.keys()
    for message, told in expected.items():
        became = _became(told)
        assert {name: messages[message][name] for name in became} == became, message
