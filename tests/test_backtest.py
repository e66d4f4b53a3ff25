"""The replay of history says what ticks would have done: held against real ticks, row for row, and against
a replay that leaves no moment and no model out."""

import json
import shutil
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import duckdb
import pytest
import warm
from small_town import cart, consent, email_of, event, profile, town

from dagster_project import warehouse
from dagster_project.backtest.clockwork import read
from dagster_project.backtest.command import Asked, BacktestError, backtest
from dagster_project.backtest.models import CLOCK, Project
from dagster_project.backtest.plan import Plan
from dagster_project.backtest.replay import replayed
from dagster_project.backtest.report import Span
from dagster_project.backtest.versions import disagreements
from dagster_project.explain import explain, in_words
from dagster_project.home import DBT_PROJECT

DAY = "2026-01-15"
LANDINGS = {
    "08:00": {
        "profiles": [
            profile("ann"), profile("bob"), profile("cat"), profile("dan"),
            profile("eve", time_zone="America/New_York"),
            profile("fay", email=email_of("fay", held_out=True)),
        ],
        "consents": [consent(name) for name in ("ann", "bob", "cat", "dan", "eve", "fay")],
        "products": [
            {"product_id": "P9", "name": "Lamp", "price": 80.0, "updated_at": "2026-01-10T00:00:00Z"},
        ],
        "events": [
            event("cat", "product_viewed", f"{DAY}T07:30:00Z", product_id="P9", price=80.0),
            event("new", "signed_up", f"{DAY}T07:40:00Z"),
        ],
    },
    "10:00": {
        "events": [
            cart("ann", f"{DAY}T09:10:00Z"), cart("bob", f"{DAY}T09:20:00Z"), cart("cat", f"{DAY}T09:25:00Z"),
            cart("eve", f"{DAY}T09:15:00Z"), cart("fay", f"{DAY}T09:05:00Z"),
        ],
        "products": [
            {"product_id": "P9", "name": "Lamp", "price": 60.0, "updated_at": f"{DAY}T09:45:00Z"},
        ],
    },
    "11:00": {
        "events": [event("bob", "order_completed", f"{DAY}T10:20:00Z", order_id="O1", cart_id="cart-bob")],
        "consents": [consent("dan", status="withdrawn", at=f"{DAY}T10:30:00Z")],
    },
    "12:00": {"events": [cart("dan", f"{DAY}T10:05:00Z")]},
    "13:00": {},
    "14:00": {"events": [cart("ann", f"{DAY}T13:05:00Z", "P2"), cart("gil", f"{DAY}T13:45:00Z")]},
}  # fmt: skip


def at(clock, day=DAY):
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def ticked(tmp_path_factory):
    """A morning of real ticks, an hour apart."""
    with town(tmp_path_factory.mktemp("ticked"), 8430) as place:
        for clock, feeds in LANDINGS.items():
            for feed, rows in feeds.items():
                place.land(feed, clock.replace(":", ""), rows)
            place.tick(f"{DAY}T{clock}:00")
        yield place.settings


def decisions(connection):
    query = "select * from decisions.fct_decisions order by decided_at, candidate_id, decision_number"
    return connection.execute(query).fetchall()


def nothing(_now):
    pass


@pytest.mark.slow
@pytest.mark.timeout(900)
class TestAgainstRealTicks:
    def test_the_replay_decides_letter_for_letter_what_the_ticks_decided(self, ticked, tmp_path):
        with duckdb.connect(str(ticked.warehouse), read_only=True) as connection:
            expected = decisions(connection)
            reasons = connection.execute("select distinct reason from decisions.fct_decisions").fetchall()
        assert {("due",), ("holdout",), ("quiet_hours",), ("capped",), ("exited",)} <= set(reasons)
        plan = Plan(at("08:00"), at("14:00"), timedelta(hours=1), audits=False)
        with replayed(Project(ticked), plan, tmp_path, nothing) as replay:
            found = decisions(replay.connection)
        assert found == expected

    def test_leaving_moments_out_changes_nothing(self, ticked, tmp_path):
        span = (at("08:00"), at("09:00", "2026-01-16"), timedelta(hours=1), True)
        with replayed(Project(ticked), Plan(*span), tmp_path / "quick", nothing) as quick:
            found, queries = decisions(quick.connection), quick.queries
        with replayed(Project(ticked), Plan(*span, exhaustive=True), tmp_path / "slow", nothing) as slow:
            expected = decisions(slow.connection)
        assert found == expected
        assert slow.moments == 25 + 1
        assert queries < slow.queries / 2

    def test_the_command_counts_what_was_decided(self, ticked, tmp_path):
        asked = Asked("cart_abandoned", f"{DAY}T08:00", f"{DAY}T14:00", every="5m", as_if_live=True)
        found = backtest(ticked, asked, tmp_path / "out", nothing)
        with duckdb.connect(found["warehouse"], read_only=True) as connection:
            sends = connection.execute(
                "select count(*) from decisions.fct_decisions "
                "where journey = 'cart_abandoned' and outcome = 'send'"
            ).fetchone()
        assert sum(row["messages"] for row in found["sends"]) == sends[0] > 0
        assert sum(row["messages"] for row in found["sends_by_hour"]) == sends[0]
        assert {row["gate"] for row in found["gates"]} >= {"holdout", "exited"}
        bought = {row["step"]: row["reached_the_goal"] for row in found["bought_anyway"]}
        assert bought == {"reminder": 1, "support": 1}
        assert (tmp_path / "out" / "cart_abandoned.png").read_bytes().startswith(b"\x89PNG")

    @pytest.mark.parametrize(
        ("who", "journey", "words"),
        [
            ("gil", "cart_abandoned", "is_left"),  # busy with it 15 minutes ago
            ("gil", "price_dropped", "event_name = 'product_viewed'"),  # it lies in the cart, unseen
            ("bob", "welcome", "event_name = 'signed_up'"),
        ],
    )
    def test_explain_names_the_condition_that_kept_somebody_out(self, ticked, who, journey, words):
        found = explain(ticked, who, journey)
        told = [each["words"] for reason in found["why_not"]["reasons"] for each in reason["conditions"]]
        assert any(words in each for each in told), found["why_not"]
        assert words in in_words(found)

    @pytest.mark.parametrize(
        ("planted", "changes"),
        [
            ((), set()),
            (("name: reminder, after: 1h", "name: reminder, after: 2h"), {("reminder", "other time")}),
        ],
        ids=["the same models", "a reminder an hour later"],
    )
    def test_diff_finds_what_changed_and_nothing_else(self, ticked, tmp_path, planted, changes):
        before = tmp_path / "other" / "dbt"
        shutil.copytree(DBT_PROJECT, before, ignore=shutil.ignore_patterns("target", "logs"))
        if planted:
            policy = before / "models" / "triggers" / "trg_cart_abandoned.yml"
            assert planted[0] in policy.read_text()
            policy.write_text(policy.read_text().replace(*planted))
        span = Span(at("08:00"), at("14:00"))
        plan = Plan(span.first, span.last, timedelta(hours=1))
        found = disagreements(ticked, before, plan, span, tmp_path, lambda *_: nullcontext(nothing))
        assert {(row["step"], row["change"]) for row in found if row["change"] != "other reason"} == changes

    def test_diff_decides_one_history_however_much_lands_meanwhile(self, ticked, tmp_path):
        before = tmp_path / "other" / "dbt"
        shutil.copytree(DBT_PROJECT, before, ignore=shutil.ignore_patterns("target", "logs"))

        def bar(_plan, version):
            if version == "after":
                with warehouse.opened(ticked) as connection:
                    connection.execute(
                        "insert into raw.events select * replace ('late' as event_id, "
                        "landed_at + interval 1 day as landed_at) from raw.events "
                        "where event_name = 'order_completed' order by event_id limit 1"
                    )
            return nullcontext(nothing)

        span = Span(at("08:00"), at("14:00"))
        plan = Plan(span.first, span.last, timedelta(hours=1), as_if_live=True)
        try:
            assert disagreements(ticked, before, plan, span, tmp_path, bar) == []
        finally:
            with warehouse.opened(ticked) as connection:
                gone = connection.execute("delete from raw.events where event_id = 'late'").fetchone()
        assert gone == (1,)

    def test_nothing_of_the_house_itself_changes(self, ticked, tmp_path):
        before = ticked.warehouse.read_bytes(), ticked.ledger.read_bytes()
        arguments = [
            "cart_abandoned",
            "--from",
            f"{DAY}T09:00",
            "--to",
            f"{DAY}T10:00",
            "--every",
            "30m",
            "--json",
        ]
        done = warm.dovecote("backtest", *arguments)
        assert done.returncode == 0, done.stderr[-3000:]
        assert json.loads(done.stdout)["journey"] == "cart_abandoned"
        assert (ticked.warehouse.read_bytes(), ticked.ledger.read_bytes()) == before


@pytest.mark.parametrize(
    ("sql", "seconds", "asks_for_local_time"),
    [
        (
            "x >= clock + to_microseconds(cast((-259200) * cast(1000000 as bigint) as bigint))",
            {259200},
            False,
        ),
        ("coalesce(x, clock) >= x + to_microseconds(cast((30 * 60) * 1000000 as bigint))", {1800}, False),
        ("(date_diff('microsecond', x, clock) / 1000000.0) > 3 * 24 * 3600", {259200}, False),
        ("cast(timezone('Europe/Paris', timezone('UTC', clock)) as date) = cast(x as date)", set(), True),
        ("extract(hour from clock) > 9", set(), True),
        ("x <= clock", set(), False),
    ],
)
def test_what_a_model_says_about_the_clock_is_read_from_its_sql(sql, seconds, asks_for_local_time):
    clock = f"cast('{CLOCK}' as timestamp)"
    with duckdb.connect() as connection:
        reading = read(connection, f"select x from t where {sql.replace('clock', clock)}")
    assert (reading.seconds, reading.asks_for_local_time) == (seconds, asks_for_local_time)


def test_a_clock_that_goes_by_another_name_may_reach_the_calendar():
    sql = f"with n as (select cast('{CLOCK}' as timestamp) as now) select date_trunc('day', now) as d from n"
    with duckdb.connect() as connection:
        assert read(connection, sql).asks_for_local_time


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked("cart_abandoned", "2026-01-02", "2026-01-01"), "does not lie after"),
        (Asked("cart_abandoned", "soon", "2026-01-01"), "no time such as"),
        (Asked("cart_abandoned", "2026-01-01", "2026-01-02", every="often"), "no duration such as"),
        (Asked("cart_abandoned", "2026-01-01", "2026-01-02", every="0m"), "no cadence"),
    ],
)
def test_what_cannot_be_replayed_is_refused_in_words(asked, words):
    with pytest.raises(BacktestError, match=words):
        asked.plan()
