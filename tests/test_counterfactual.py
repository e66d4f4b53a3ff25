"""What somebody would have got by another policy: the real models over a morning of real ticks."""

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
import warm
from small_town import cart, consent, email_of, event, profile, town

from dagster_project.backtest.landed import SQL
from dagster_project.backtest.plan import NEVER, RecordedPlan
from dagster_project.counterfactual.changes import KINDS, ChangeError, read
from dagster_project.counterfactual.command import Asked, ask
from dagster_project.counterfactual.fork import fork, replayed
from dagster_project.counterfactual.words import in_words

DAY = "2026-01-15"
ALERT, REMINDER = ("price_dropped", "alert"), ("cart_abandoned", "reminder")
INBOX = email_of("ivy")
PEOPLE = [
    profile("ann"), profile("dan"), profile("eve", time_zone="America/New_York", country="US"),
    profile("fay", email=email_of("fay", held_out=True)),
    profile("hal", email=INBOX), profile("ivy", email=INBOX),
    profile("kim", phone="+447700900123"), profile("zoe"),
]  # fmt: skip
LAMP = {"product_id": "P9", "name": "Lamp", "price": 80.0, "updated_at": "2026-01-10T00:00:00Z"}
LANDINGS = {
    "08:30": {
        "profiles": PEOPLE,
        "consents": [
            *(consent(name) for name in ("ann", "eve", "fay", "hal", "ivy", "kim")),
            consent("kim", "rcs"), consent("kim", "sms"),
        ],
        "products": [LAMP],
        "events": [
            *(event(name, "product_viewed", f"{DAY}T07:30:00Z", product_id="P9", price=80.0)
              for name in ("ann", "ivy")),
            *(cart(name, f"{DAY}T08:10:00Z") for name in ("ann", "dan", "eve", "fay", "hal", "kim")),
        ],
    },
    "09:00": {"products": [LAMP | {"price": 60.0, "updated_at": f"{DAY}T08:45:00Z"}]},
    "10:00": {},
    "10:01": {},
    "14:00": {},
}  # fmt: skip


def at(clock):
    return datetime.fromisoformat(f"{DAY}T{clock}").replace(tzinfo=UTC)


def nothing(_now):
    pass


@pytest.fixture(scope="module")
def ticked(tmp_path_factory):
    with town(tmp_path_factory.mktemp("ticked"), 8440) as place:
        for clock, feeds in LANDINGS.items():
            for feed, rows in feeds.items():
                place.land(feed, clock.replace(":", ""), rows)
            place.tick(f"{DAY}T{clock}:00")
        yield place.settings


def last_words(found, step):
    """(reason, decided at) of the last decision on a step, on each side."""
    (told,) = (each for each in found["steps"] if each["step"] == step)
    sides = (told[side][-1] for side in ("record", "unchanged", "changed"))
    return [(each["reason"], f"{each['decided_at']:%H:%M}") for each in sides]


def in_home(settings):
    """Every file of a home with its content, but for what dbt keeps to be quick."""
    kept = (settings.home / "dbt", settings.home / "tick.lock", settings.home / "logs")
    return {
        path: path.read_bytes()
        for path in settings.home.rglob("*")
        if path.is_file() and not any(path.is_relative_to(each) for each in kept)
    }


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestOverRealTicks:
    @pytest.mark.parametrize(
        ("who", "step", "change", "recorded", "otherwise"),
        [
            ("ann", ALERT, "cap.marketing=5", ("capped", "10:01"), ("due", "10:01")),
            ("ann", ALERT, "priority.price_dropped=99", ("capped", "10:01"), ("due", "10:00")),
            ("ann", ALERT, "rollout.price_dropped=0", ("capped", "10:01"), ("condition_not_met", "09:00")),
            ("ivy", ALERT, "cap.marketing_in_4_hours=off", ("capped", "10:01"), ("due", "10:01")),
            ("eve", REMINDER, "quiet_hours.night=off", ("due", "14:00"), ("due", "10:00")),
            ("dan", REMINDER, "consent.email=yes", ("no_consent", "10:00"), ("due", "10:00")),
            ("hal", REMINDER, "consent.email=no", ("due", "10:00"), ("no_consent", "10:00")),
            ("fay", REMINDER, "holdout.cart_abandoned=0", ("holdout", "10:00"), ("due", "10:00")),
        ],
    )  # fmt: skip
    def test_the_changed_rule_decides_and_no_other(self, ticked, who, step, change, recorded, otherwise):
        found = ask(ticked, Asked(who, step[0], [change]), nothing)
        assert last_words(found, step[1]) == [recorded, recorded, otherwise]
        assert found["agrees"]
        assert found["differs"]
        assert "Unchanged, the replay decides what is on the record." in in_words(found)

    def test_whoever_shares_the_inbox_is_part_of_the_answer(self, ticked):
        found = ask(ticked, Asked("ivy", "price_dropped", ["cap.sms=9"]), nothing)
        assert found["people"] == 2
        assert found["agrees"]

    def test_what_changes_nothing_is_said_to(self, ticked):
        found = ask(ticked, Asked("ann", "price_dropped", ["cap.sms=9"]), nothing)
        assert not found["differs"]
        told = "alert: the change changes nothing: DO NOT SEND, capped (marketing_in_4_hours)."
        assert told in in_words(found)

    def test_a_replay_that_does_not_say_what_the_record_says_is_not_relied_on(self, ticked, tmp_path):
        home = tmp_path / "home"
        shutil.copytree(ticked.home, home, ignore=shutil.ignore_patterns("dagster", "logs"))
        with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
            connection.execute("update policy.frequency_caps set max_messages = 9")  # changed since
        found = ask(replace(ticked, home=home), Asked("ann", "price_dropped", ["cap.sms=0"]), nothing)
        assert last_words(found, "alert")[:2] == [("capped", "10:01"), ("due", "10:01")]
        assert not found["agrees"]
        assert "BUT the replay does not decide what is on the record even unchanged (alert" in in_words(found)

    def test_with_everybody_in_it_the_fork_decides_letter_for_letter_what_the_ticks_decided(
        self, ticked, tmp_path
    ):
        query = (
            "select candidate_id, decision_number, decided_at, outcome, reason, gates, channel, message_id "
            f"from decisions.fct_decisions where decided_at >= '{DAY} 09:00' order by all"
        )
        with duckdb.connect(str(ticked.warehouse), read_only=True) as connection:
            expected = connection.execute(query).fetchall()
        (tmp_path / "base").mkdir()
        here = fork(ticked, "ann", at("09:00"), at("14:00"), tmp_path / "base", everybody=True)
        assert here.plan.ticks == tuple(at(clock) for clock in ("09:00", "10:00", "10:01", "14:00"))
        replay = replayed(ticked, here, here.warehouse, nothing, nothing)
        found = replay.connection.execute(query).fetchall()
        replay.connection.close()
        assert found == expected
        assert len(expected) >= 9

    def test_the_command_tells_it_as_json_and_leaves_the_house_as_it_was(self, ticked):
        before = in_home(ticked)
        arguments = ["ann", "--journey", "price_dropped", "--with", "cap.marketing=5", "--json"]
        done = warm.dovecote("explain", *arguments)
        assert done.returncode == 0, done.stderr[-3000:]
        found = json.loads(done.stdout)
        assert found["changes"][0] | {"value": 5} == {
            "kind": "cap", "name": "marketing", "before": "1 and 4", "after": "5", "value": 5,
        }  # fmt: skip
        assert in_home(ticked) == before

    @pytest.mark.parametrize(
        ("asked", "words"),
        [
            (Asked("ann", "cart_abandoned", ["cap.marketting=5"]), "did you mean cap.marketing?"),
            (Asked("ann", "cart_abandoned", ["weather=fine"]), "quiet_hours.NAME"),
            (Asked("ann", "cart_abandoned", []), "--with cap.marketing=5"),
            (Asked("zoe", "cart_abandoned", ["cap.marketing=5"]), "zoe never entered cart_abandoned"),
            (Asked("ann", "cart_abandoned", ["cap.sms=5"], at("08:00")), "decided entries: 2026-01-15 08:"),
        ],
        ids=["a typing error", "nothing like it", "no change", "never entered", "no entry by then"],
    )
    def test_what_cannot_be_answered_is_refused_in_words(self, ticked, asked, words):
        with pytest.raises(ChangeError) as refusal:
            ask(ticked, asked, nothing)
        assert words in str(refusal.value)


KNOWN = {
    "cap.marketing": "1 and 4",
    "quiet_hours.night": "21:00-08:00",
    "consent.email": None,
    "holdout.global": "0",
}


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["cap.marketing"], "takes how many messages, or off, not ''"),
        (["cap.marketing=many"], "takes how many messages, or off, not 'many'"),
        (["quiet_hours.night=25:00-08:00"], "takes hours such as 22:00-07:00, or off"),
        (["consent.email=maybe"], "takes yes or no"),
        (["holdout.global=1.5"], "takes a share from 0 to 1"),
        (["cap.marketing=1", "cap.marketing=2"], "names cap.marketing twice"),
        (["cap.email=1"], "did you mean"),
        (["nothing"], "cap.NAME=how many messages, or off"),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_in_words(asked, words):
    with pytest.raises(ChangeError) as refusal:
        read(asked, KNOWN)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        ("cap.marketing=off", None),
        ("cap.marketing=0", 0),
        ("quiet_hours.night=22:30-07:00", "22:30-07:00"),
        ("consent.email=yes", "given"),
        ("holdout.global=0.25", 0.25),
    ],
)
def test_a_change_is_read_as_it_is_written(asked, value):
    (change,) = read([asked], KNOWN)
    assert (f"{change.title}={change.after}", change.before, change.value) == (
        asked,
        KNOWN[change.title],
        value,
    )


def test_every_kind_of_change_has_its_sql():
    assert {path.stem for path in Path(SQL, "changes").glob("*.sql")} == {*KINDS, "options"}


def test_only_ticks_that_ran_are_decided_again():
    plan = RecordedPlan(at("10:00"), at("10:07"), ticks=(at("10:00"), at("10:02"), at("10:07")))
    assert [plan.tick_at(at(clock)) for clock in ("10:01", "10:02", "10:08")] == [
        at("10:02"),
        at("10:02"),
        NEVER,
    ]
    assert [plan.before(at(clock)) for clock in ("10:00", "10:02", "10:05")] == [
        plan.earlier,
        at("10:00"),
        at("10:02"),
    ]
    assert [plan.after(at(clock)) for clock in ("10:00", "10:02", "10:07")] == [
        at("10:02"),
        at("10:07"),
        NEVER,
    ]
